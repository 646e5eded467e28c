# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that transformers writes are read, and folders that we write it runs."""

import json
import warnings

import pytest

transformers = pytest.importorskip('transformers', reason='it writes the folders')

from safetensors.torch import load_file, save_file  # noqa: E402
from segformer_ros.checkpoints import read  # noqa: E402
from segformer_ros.checkpoints.convert import convert, Request  # noqa: E402
from segformer_ros.checkpoints.model import run  # noqa: E402
from segformer_ros.network.checkpoint import CheckpointError  # noqa: E402
import torch  # noqa: E402
from transformers.models.glpn import modeling_glpn  # noqa: E402

DIMS, DEPTHS = [16, 32, 40, 64], [1, 1, 2, 1]
ENCODER = {'hidden_sizes': DIMS, 'depths': DEPTHS}


@torch.no_grad()
def randomized(module):
    """Return every weight and statistic another value."""
    torch.manual_seed(5)
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            value.normal_(0.0, 0.1)
            if value.ndim == 1 and name.endswith(('weight', 'running_var')):
                value.add_(1.0).abs_()
    return module.eval()


def segformer(kind=transformers.SegformerForSemanticSegmentation, **options):
    """Make a network of the port."""
    options = {'decoder_hidden_size': 24, 'num_labels': 5, **ENCODER, **options}
    return randomized(kind(transformers.SegformerConfig(**options)))


def saved(module, folder):
    """Write a folder as transformers does."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        module.save_pretrained(folder)
    return folder


def edit(folder, **values):
    """Change config.json; None removes a value."""
    path = folder / 'config.json'
    content = json.loads(path.read_text(encoding='utf-8')) | values
    content = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(content), encoding='utf-8')


@torch.no_grad()
def assert_computes(model, expected, image):
    """Hold the network that was read against an output of the port, float64."""
    found = run(model.build().double(), image)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert value.std() > 1e-3
        assert (found[name] - value).abs().max() / value.abs().max() < 1e-9


@torch.no_grad()
def test_segmentation(tmp_path, image):
    """The names of id2label are those of the channels."""
    port = segformer(id2label={n: f'thing {n}' for n in range(5)})

    model = read(saved(port, tmp_path / 'net'))

    assert model.format == 'hf-segformer'
    assert (model.config.norm_eps, model.config.embed_norm_eps) == (1e-5, None)
    assert model.facts['class_names'] == [f'thing {n}' for n in range(5)]
    assert_computes(model, {'logits': port.double()(image).logits}, image)


@torch.no_grad()
def test_a_state_dict_has_other_names_than_a_saved_folder(tmp_path, image):
    """Transformers 5 renames its modules but not its files: both spellings are read."""
    port = segformer()
    folder = saved(port, tmp_path / 'net')
    classic = set(load_file(folder / 'model.safetensors'))
    (folder / 'model.safetensors').unlink()
    torch.save(port.state_dict(), folder / 'pytorch_model.bin')

    model = read(folder)

    assert 'segformer.encoder.block.0.0.attention.self.query.weight' in classic
    assert 'segformer.stages.0.blocks.0.attention.q_proj.weight' in port.state_dict()
    assert_computes(model, {'logits': port.double()(image).logits}, image)


def test_half_precision_of_a_pickle_is_compared_with_transformers(tmp_path):
    """The witness reads what we read: other names, float16, a pickle."""
    port = segformer().half()
    folder = saved(port, tmp_path / 'net')
    (folder / 'model.safetensors').unlink()
    torch.save(port.state_dict(), folder / 'pytorch_model.bin')
    request = Request(folder, 'native', tmp_path / 'out.safetensors', size=(32, 64))

    report = convert(request)

    assert all(item.sides[0].startswith('transformers') for item in report.differences)
    assert all(item.passed for item in report.differences)
    assert any('float16' in note for note in report.notes)


@torch.no_grad()
def test_classification(tmp_path, image):
    """The head of ImageNet comes with its encoder."""
    port = segformer(transformers.SegformerForImageClassification, num_labels=7)

    model = read(saved(port, tmp_path / 'net'))

    assert (model.config.num_classes, model.config.segmentation) == (7, False)
    assert_computes(model, {'logits': port.double()(image).logits}, image)


@torch.no_grad()
def test_encoder(tmp_path, image):
    """A network without a head gives its stages."""
    port = segformer(transformers.SegformerModel)

    model = read(saved(port, tmp_path / 'net'))

    stages = port.double()(image, output_hidden_states=True).hidden_states
    expected = {f'stage {n}': stage for n, stage in enumerate(stages, 1)}
    assert_computes(model, expected, image)


@torch.no_grad()
def test_glpn(tmp_path, image):
    """Depth is in metres below max_depth, and images are not normalised."""
    config = transformers.GLPNConfig(max_depth=80, **ENCODER)
    port = randomized(transformers.GLPNForDepthEstimation(config))

    model = read(saved(port, tmp_path / 'net'))

    assert model.format == 'hf-glpn'
    assert (model.config.depth_activation, model.config.max_depth_m) == ('metric', 80.0)
    assert (model.facts['mean'], model.facts['std']) == ([0.0] * 3, [1.0] * 3)
    assert_computes(model, {'depth': port.double()(image).predicted_depth[:, None]}, image)


@torch.no_grad()
def test_shift(tmp_path, image):
    """The multitask network has GLPN's head beside the other; its metres are a logarithm."""
    port = segformer(num_labels=23, id2label=dict(enumerate(SHIFT)))
    description = transformers.GLPNConfig(**ENCODER)
    decoder = randomized(modeling_glpn.GLPNDecoder(description))
    head = randomized(modeling_glpn.GLPNDepthEstimationHead(description))
    folder = saved(port, tmp_path / 'net')
    tensors = load_file(folder / 'model.safetensors')
    tensors |= {f'depth_decoder.{n}': value for n, value in decoder.state_dict().items()}
    tensors |= {f'depth_head.{n}': value for n, value in head.state_dict().items()}
    save_file(tensors, folder / 'model.safetensors', metadata={'format': 'pt'})
    edit(folder, depth_config=description.to_dict(), do_reduce_labels=True)

    model = read(folder)

    found = port.double()(image, output_hidden_states=True)
    depth = head.double()(decoder.double()(found.hidden_states))[:, None]
    assert model.format == 'shift'
    assert (model.config.depth_activation, model.config.max_depth_m) == ('bounded_log', 10.0)
    assert model.facts['label_set'] == 'shift_23'
    assert model.facts['classes'] == [*range(1, 23), 0]
    assert_computes(model, {'logits': found.logits, 'depth': depth}, image)


SHIFT = (
    'unlabeled', 'building', 'fence', 'other', 'pedestrian', 'pole', 'road line', 'road',
    'sidewalk', 'vegetation', 'vehicle', 'wall', 'traffic sign', 'sky', 'ground', 'bridge',
    'rail track', 'guard rail', 'traffic light', 'static', 'dynamic', 'water', 'terrain',
)  # fmt: skip


def test_the_precpu_says_the_normalisation(tmp_path):
    """Mean and std are those of 0 to 1, whatever the scale of the file."""
    folder = saved(segformer(), tmp_path / 'net')
    said = {
        'do_rescale': False, 'image_mean': [51.0, 102.0, 153.0], 'image_std': [51.0] * 3,
        'do_reduce_labels': True,
    }  # fmt: skip
    (folder / 'preprocessor_config.json').write_text(json.dumps(said), encoding='utf-8')

    model = read(folder)

    assert model.facts['mean'] == [0.2, 0.4, 0.6]
    assert model.facts['std'] == [0.2, 0.2, 0.2]
    assert any('label 1 of the label images' in note for note in model.notes)


def test_without_a_precpu_a_note_says_what_is_assumed(tmp_path):
    """ImageNet's normalisation is not taken in silence."""
    model = read(saved(segformer(), tmp_path / 'net'))

    assert model.facts['mean'] == [0.485, 0.456, 0.406]
    assert any('ImageNet' in note for note in model.notes)


def test_a_network_of_one_class_says_so(tmp_path):
    """With one label the decision is the sign of the output."""
    model = read(saved(segformer(num_labels=1), tmp_path / 'net'))

    assert model.config.num_classes == 1
    assert any('one class' in note for note in model.notes)


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'num_attention_heads': [1, 2, 4, 8]}, r'num_attention_heads \[1, 2, 4, 8\], the publi'),
        ({'hidden_act': 'relu'}, 'hidden_act relu, the published networks have gelu'),
        ({'model_type': 'beit'}, "model_type 'beit', expected 'segformer'"),
        ({'drop_path_rate': 'much'}, "drop_path_rate 'much', expected a number"),
    ],
)
def test_another_network_under_the_same_names_is_refused(tmp_path, change, sentence):
    """What changes the arithmetic without changing a name is read off config.json."""
    folder = saved(segformer(), tmp_path / 'net')
    edit(folder, **change)

    with pytest.raises(CheckpointError, match=sentence):
        read(folder)


def test_weights_without_their_description_are_refused(tmp_path):
    """The file alone does not say what config.json says."""
    folder = saved(segformer(), tmp_path / 'net')
    lonely = tmp_path / 'lonely.safetensors'
    (folder / 'model.safetensors').rename(lonely)

    with pytest.raises(CheckpointError, match=r'need the config.json next to them'):
        read(lonely)
    with pytest.raises(CheckpointError, match=r'expected config.json and model.safetensors'):
        read(folder)
