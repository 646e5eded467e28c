# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An exported network computes in ONNX Runtime what it computes in torch."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')
onnx = pytest.importorskip('onnx', reason='export needs onnx')

from segformer_ros import bundle  # noqa: E402
from segformer_ros.export.bundle_export import export_bundle, Facts  # noqa: E402
from segformer_ros.export.checkpoint_export import export_checkpoint  # noqa: E402
from segformer_ros.export.onnx_graph import export_graph, fold, share_weights  # noqa: E402
from segformer_ros.inference.backend import load_backend  # noqa: E402
from segformer_ros.inference.pipeline import Pipeline  # noqa: E402
from segformer_ros.network import build, checkpoint  # noqa: E402

SIZES = [(64, 96), (96, 96)]
FACTS = Facts(
    name='tiny',
    label_set='carla_0914',
    class_ids=(1, 11, 14),
    focal_length_px=48.0,
    provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
)


def random_network(**options):
    """Make a B0 network whose every weight and statistic matters."""
    torch.manual_seed(2)
    network = build('b0', 3, decoder_dim=32, depth_dim=16, **options)
    for name, value in network.state_dict().items():
        if 'running_var' in name or name.endswith('norm.weight'):
            value.uniform_(0.5, 1.5)
        elif 'running_mean' in name or name.endswith('bias'):
            value.uniform_(-0.3, 0.3)
    return network.eval()


@pytest.fixture(scope='module')
def network():
    """Give a network with both heads."""
    return random_network(depth_stride=4, depth_activation='log')


@pytest.fixture(scope='module')
def folder(network, tmp_path_factory):
    """Give its bundle of two input sizes."""
    return export_bundle(network, tmp_path_factory.mktemp('export') / 'tiny', SIZES, FACTS).path


@torch.no_grad()
@pytest.mark.parametrize('count', [1, 2])
@pytest.mark.parametrize('size', SIZES)
def test_onnx_runtime_agrees_with_torch(network, folder, size, count):
    """The outputs differ by at most 1e-4, for one image and for two."""
    image = torch.randn(count, 3, *size)
    backend = load_backend('onnxruntime', bundle.read(folder), threads=1)

    found, expected = backend.infer(image.numpy()), network(image)

    assert set(found) == {'logits', 'depth'}
    for name, value in expected.items():
        assert value.std() > 1e-3
        np.testing.assert_allclose(found[name], value.numpy(), rtol=0.0, atol=1e-4)


def test_the_bundle_passes_its_golden_check(folder):
    """The run time loads it and gives labels and depth."""
    pipeline = Pipeline.load(folder, threads=1)

    prediction = pipeline.predict(np.zeros((48, 80, 3), np.uint8))

    assert prediction.labels.shape == prediction.depth.shape == (48, 80)


def test_all_graphs_share_one_weights_file(network):
    """A second input size adds less than a hundredth of the weights."""
    folded = fold(network)
    first, second = (export_graph(folded, *size) for size in SIZES)
    alone = onnx.ModelProto.FromString(first.SerializeToString())

    one, both = share_weights([alone]), share_weights([first, second])

    parameters = sum(p.numel() for p in folded.parameters())
    assert len(one) == pytest.approx(4 * parameters, rel=0.02)
    assert len(both) - len(one) < 0.01 * len(one)
    assert len(second.SerializeToString()) < 1_000_000


def test_layer_norms_stay_whole(network):
    """One LayerNormalization per norm: taken apart, it overflows in half precision."""
    graph = export_graph(fold(network), 64, 64).graph
    kinds = [node.op_type for node in graph.node]

    norms = sum(isinstance(m, torch.nn.LayerNorm) for m in network.modules())
    assert kinds.count('LayerNormalization') == norms
    assert 'BatchNormalization' not in kinds


@torch.no_grad()
def test_folding_changes_neither_the_results_nor_the_network(network):
    """The copy computes the same, the original keeps its head."""
    image = torch.randn(1, 3, 64, 64)

    folded = fold(network)

    assert type(network.segmentation_head).__name__ == 'SegformerHead'
    for name, value in network(image).items():
        torch.testing.assert_close(folded(image)[name], value, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(
    ('options', 'tasks'),
    [({'depth': False}, ('segmentation',)), ({'segmentation': False}, ('depth',))],
)
def test_a_network_with_one_head_has_one_task(tmp_path, options, tasks):
    """What a network lacks is not in its manifest either."""
    made = export_bundle(random_network(**options), tmp_path / 'one', [(32, 64)], FACTS)

    assert made.manifest.tasks == tasks
    Pipeline.load(made.path, threads=1)


def test_sizes_must_suit_the_encoder(network):
    """A size that the encoder would pad is refused."""
    with pytest.raises(ValueError, match='multiples of 32, not 60x96'):
        export_graph(network, 60, 96)


def test_a_weights_file_becomes_a_bundle_that_knows_its_origin(network, tmp_path):
    """Recipe, figures and seeds of the training are in the provenance."""
    facts = {
        'network': vars(network.config),
        'classes': [1, 11, 14],
        'label_set': 'carla_0914',
        'focal_length_px': 48.0,
        'recipe': {
            'world': {'first_seed': 100},
            'evaluation_seeds': [0, 3],
            'evaluation_size': [64, 96],
        },
        'progress': {'step': 7},
        'frames': 20,
        'metrics': {'miou': 0.5},
    }
    path = tmp_path / 'weights.safetensors'
    checkpoint.write(path, network.state_dict(), facts)

    made = export_checkpoint(path, tmp_path / 'named', [(64, 96)], notes='a test')

    origin = made.manifest.provenance
    assert made.manifest.name == 'named'
    assert '100 to 119' in origin['data']
    assert origin['steps'] == 7
    assert origin['metrics']['miou'] == 0.5
    assert origin['metrics']['seeds'] == [0, 3]
    assert origin['notes'] == 'a test'
    assert [item.id for item in made.manifest.classes] == [1, 11, 14]


def test_the_shipped_bundle_is_intact_and_small():
    """world_b0 loads, passes its golden check and stays below 20 MB."""
    if 'world_b0' not in bundle.known_names():
        pytest.skip('no bundle ships in this checkout')
    pipeline = Pipeline.load('world_b0', threads=1)

    folder = Path(bundle.find('world_b0'))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 20_000_000
    assert len(pipeline.manifest.classes) == 20
    assert 'demonstration' in pipeline.manifest.provenance['notes']
