# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An exported bundle computes what the network computes in torch."""

from dataclasses import replace
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')
onnx = pytest.importorskip('onnx', reason='export needs onnx')

from random_network import random_network  # noqa: E402
from segformer_ros import bundle  # noqa: E402
from segformer_ros.export import bundle_export  # noqa: E402
from segformer_ros.export.bundle_export import export_bundle  # noqa: E402
from segformer_ros.export.check import ExportError, run_graph  # noqa: E402
from segformer_ros.export.checkpoint_export import export_checkpoint  # noqa: E402
from segformer_ros.export.manifest import Facts  # noqa: E402
from segformer_ros.export.onnx_graph import OPSET  # noqa: E402
from segformer_ros.export.variants import ExportOptions  # noqa: E402
from segformer_ros.inference.backend import load_backend  # noqa: E402
from segformer_ros.inference.pipeline import Pipeline  # noqa: E402
from segformer_ros.network import checkpoint  # noqa: E402

SIZES = [(64, 96), (96, 96)]
FACTS = Facts(
    name='tiny',
    label_set='carla_0914',
    class_ids=(1, 11, 14),
    focal_length_px=48.0,
    provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
)


@pytest.fixture(scope='module')
def network():
    """Return a network with both heads."""
    return random_network(depth_stride=2, depth_activation='log')


@pytest.fixture(scope='module')
def folder(network, tmp_path_factory):
    """Return its bundle of two input sizes."""
    return export_bundle(network, tmp_path_factory.mktemp('export') / 'tiny', SIZES, FACTS).path


@torch.no_grad()
@pytest.mark.parametrize('count', [1, 2])
@pytest.mark.parametrize('size', SIZES)
def test_onnx_runtime_agrees_with_torch(network, folder, size, count):
    """The outputs differ by at most 1e-4, for one image and for two."""
    image = torch.randn(count, 3, *size)
    (whole,) = folder.glob(f'network_{size[0]}x{size[1]}.onnx')

    found, expected = run_graph(whole, image.numpy(), OPSET), network(image)

    assert set(found) == {'logits', 'depth'}
    for name, value in expected.items():
        assert value.std() > 1e-3
        np.testing.assert_allclose(found[name], value.numpy(), rtol=0.0, atol=1e-4)


def test_the_bundle_passes_its_golden_check(folder):
    """The run time loads it and gives labels and depth."""
    pipeline = Pipeline.load(folder, threads=1)

    prediction = pipeline.predict(np.zeros((48, 80, 3), np.uint8))

    assert prediction.labels.shape == prediction.depth.shape == (48, 80)


def test_a_second_size_costs_little(network, folder, tmp_path):
    """Its graphs, three of them, share the weights of the first to within 4 kB."""
    alone = export_bundle(network, tmp_path / 'one', SIZES[:1], FACTS).path

    one, both = (path.joinpath('weights.bin').stat().st_size for path in (alone, folder))
    graphs = sum(path.stat().st_size for path in folder.glob('network_96x96*.onnx'))
    assert len(list(folder.glob('network_96x96*.onnx'))) == 3
    assert graphs + both - one < 300_000
    assert both - one < 4096


def test_each_task_has_a_graph_of_its_own(folder):
    """Labels alone and depth alone, with the same outputs as together."""
    size = bundle.read(folder).manifest.input_sizes[0]

    graphs = {graph.outputs: graph.file for graph in size.graphs}

    assert set(graphs) == {('logits', 'depth'), ('logits',), ('depth',)}
    nodes = {
        outputs: len(onnx.load(folder / file, load_external_data=False).graph.node)
        for outputs, file in graphs.items()
    }
    assert max(nodes['logits',], nodes['depth',]) < nodes['logits', 'depth']


def test_the_manifest_says_what_was_measured_and_what_is_computed(network, folder):
    """Errors below the tolerance, parameters as trained, arithmetic by part and size."""
    manifest = bundle.read(folder).manifest

    for size in manifest.input_sizes:
        for graph in size.graphs:
            assert all(
                0.0 < error < 1e-4 < manifest.tolerance[name]
                for name, error in graph.error.items()
            )
    encoder = sum(item.numel() for item in network.encoder.parameters())
    assert manifest.arithmetic.parameters['encoder'] == encoder
    assert set(manifest.arithmetic.gmacs) == {'64x96', '96x96'}
    assert set(manifest.arithmetic.gmacs['64x96']) == {
        'encoder', 'segmentation_head', 'depth_head',
    }  # fmt: skip


@torch.no_grad()
def test_the_published_network_can_be_exported_too(network, folder, tmp_path):
    """Unfolded, for other tools; it computes the same with more arithmetic."""
    plain = export_bundle(
        network, tmp_path / 'plain', [(64, 96)], FACTS, ExportOptions(plain=True)
    )
    image = torch.randn(1, 3, 64, 96)

    found = load_backend('onnxruntime', plain, threads=1).infer(image.numpy())

    for name, value in network(image).items():
        np.testing.assert_allclose(found[name], value.numpy(), rtol=0.0, atol=1e-4)
    (graph,) = plain.manifest.input_sizes[0].graphs
    model = onnx.load(plain.file(graph.file), load_external_data=False)
    assert 'Concat' in {node.op_type for node in model.graph.node}
    rewritten = bundle.read(folder)
    costs = [item.manifest.arithmetic.gmacs['64x96'] for item in (plain, rewritten)]
    assert all(costs[0][part] >= costs[1][part] for part in costs[0])


@pytest.mark.parametrize(
    ('options', 'activation', 'stride'),
    [
        (
            {'segmentation_head': 'mmseg', 'depth_head': 'mlp', 'depth_activation': 'linear'},
            'metric',
            4,
        ),
        ({'depth_activation': 'bounded_log', 'norm_eps': 1e-6, 'auxiliary_head': True}, 'log', 1),
    ],
)
def test_every_head_and_activation_is_exported(tmp_path, options, activation, stride):
    """The run time only learns whether depth is metres or their logarithm."""
    made = export_bundle(random_network(**options), tmp_path / 'made', [(32, 64)], FACTS)

    assert (made.manifest.depth.activation, made.manifest.depth.stride) == (activation, stride)
    for graph in made.manifest.input_sizes[0].graphs:
        assert max(graph.error.values()) < 1e-4


@torch.no_grad()
def test_the_scale_of_depth_is_an_output_that_changes_no_other(tmp_path):
    """Bit for bit, in the graphs of both tasks and of depth alone, for every engine."""
    options = {'depth_stride': 2, 'depth_activation': 'log'}
    network, plain = random_network(depth_scale=True, **options), random_network(**options)
    known = {n: t for n, t in network.state_dict().items() if '.log_scale.' not in n}
    plain.load_state_dict(known)
    targets = ('onnxruntime', 'openvino', 'tensorrt', 'torch')
    sizes, chosen = [(64, 96)], ExportOptions(targets=targets)

    made = export_bundle(network, tmp_path / 'made', sizes, FACTS, chosen)
    chosen = replace(chosen, single_task=False)
    old = export_bundle(plain, tmp_path / 'old', sizes, FACTS, chosen)

    assert (made.manifest.depth.scale, old.manifest.depth.scale) == ('laplace', None)
    outputs = {graph.outputs for graph in made.manifest.input_sizes[0].graphs}
    both = ('logits', 'depth', 'depth_scale')
    assert outputs == {both, both[:1], both[1:]}
    image = torch.randn(1, 3, 64, 96)
    for name in ('onnxruntime', 'openvino', 'torch'):
        found, expected = (
            load_backend(name, item, threads=1).infer(image.numpy()) for item in (made, old)
        )
        assert found.keys() - expected.keys() == {'depth_scale'}
        for output, value in expected.items():
            np.testing.assert_array_equal(found[output], value)
        scale = network(image)['depth_scale'].numpy()
        assert scale.std() > 1e-3
        np.testing.assert_allclose(found['depth_scale'], scale, rtol=0.0, atol=1e-4)


def test_the_published_network_can_have_a_lower_precision(network, tmp_path):
    """With planes as input: bytes would need another first convolution."""
    options = ExportOptions(targets=('tensorrt',), plain=True)

    made = export_bundle(network, tmp_path / 'plain', [(64, 64)], FACTS, options)

    (graph,) = made.manifest.input_sizes[0].graphs
    assert (graph.precision, graph.input) == ('float16', 'float32')
    assert 1e-4 < graph.error['logits'] < 0.1


@pytest.mark.parametrize(
    ('options', 'tasks'),
    [({'depth': False}, ('segmentation',)), ({'segmentation': False}, ('depth',))],
)
def test_a_network_with_one_head_has_one_task(tmp_path, options, tasks):
    """What a network lacks is not in its manifest either."""
    made = export_bundle(random_network(**options), tmp_path / 'one', [(32, 64)], FACTS)

    assert made.manifest.tasks == tasks
    assert len(made.manifest.input_sizes[0].graphs) == 1
    Pipeline.load(made.path, threads=1)


@pytest.mark.parametrize(
    ('sizes', 'message'),
    [
        ([(60, 96)], 'multiples of 32, not 60x96'),
        ([(64, 96), (64, 96)], 'each once'),
        ([], 'one input size or more'),
    ],
)
def test_sizes_must_suit_the_encoder(network, tmp_path, sizes, message):
    """A size that the encoder would pad is refused."""
    with pytest.raises(ValueError, match=message):
        export_bundle(network, tmp_path / 'wrong', sizes, FACTS)

    assert list(tmp_path.iterdir()) == []


def test_a_graph_beyond_its_tolerance_is_refused(network, tmp_path, monkeypatch):
    """Nothing is left behind."""
    golden = bundle_export.golden_outputs

    def shifted(*args):
        return {name: value + 0.5 for name, value in golden(*args).items()}

    monkeypatch.setattr(bundle_export, 'golden_outputs', shifted)

    with pytest.raises(ExportError, match=r'expected float32 logits within 0\.002 .* found'):
        export_bundle(network, tmp_path / 'wrong', [(32, 32)], FACTS)

    assert list(tmp_path.iterdir()) == []


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

    made = export_checkpoint(path, tmp_path / 'named', [(32, 32)], notes='a test')

    origin = made.manifest.provenance
    assert made.manifest.name == 'named'
    assert '100 to 119' in origin['data']
    assert origin['steps'] == 7
    assert origin['metrics']['miou'] == 0.5
    assert origin['metrics']['seeds'] == [0, 3]
    assert origin['notes'] == 'a test'
    assert [item.id for item in made.manifest.classes] == [1, 11, 14]
    assert json.loads((made.path / 'manifest.json').read_text())['format_version'] == 2


@pytest.mark.parametrize(
    ('name', 'stride', 'warned'),
    [
        ('road_b0', 8, 'check before you sell'),
        ('world_b0_fast', 4, 'demonstration'),
        ('world_b0_slim', 8, 'check before you sell'),
    ],
)
def test_the_shipped_bundles_are_intact_and_small(name, stride, warned):
    """They load, pass their golden check and stay below 20 MB each."""
    pipeline = Pipeline.load(name, threads=1)

    folder = Path(bundle.find(name))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 20_000_000
    assert pipeline.manifest.depth.stride == stride
    assert pipeline.manifest.depth.scale == 'laplace'
    assert len(pipeline.manifest.classes) == 20
    assert warned in pipeline.manifest.provenance['notes']
