# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A run starts from what fits of a checkpoint, and says what does not."""

from dataclasses import asdict, replace

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.checkpoints import load as load_checkpoint
from segformer_ros.checkpoints import load_encoder
from segformer_ros.labels import label_set, LabelSet
from segformer_ros.network import build, checkpoint
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.training.config import ModelConfig
from segformer_ros.training.initial_weights import make_network
import torch

MODEL = ModelConfig(decoder_dim=32, depth_dim=16, depth_stride=4)
CITY = label_set('cityscapes_19')


def written(path, classes=CITY, **options):
    """Write a network with fresh weights."""
    torch.manual_seed(3)
    options = {'decoder_dim': 32, 'depth_dim': 16, 'depth_stride': 4, **options}
    network = build('b0', len(classes.classes), **options)
    facts = {
        'network': asdict(network.config),
        'label_set': classes.name,
        'classes': list(classes.ids),
    }
    checkpoint.write(path, network.state_dict(), facts)
    return network.state_dict()


def test_network_of_the_same_classes_is_taken_whole(tmp_path):
    """Every weight is that of the file."""
    path = tmp_path / 'network.safetensors'
    expected = written(path)

    network, notes = make_network(MODEL, CITY, str(path))

    assert all(torch.equal(value, expected[n]) for n, value in network.state_dict().items())
    assert len(notes) == 1
    assert 'starts from' in notes[0]


@pytest.mark.parametrize('scale', [True, False])
def test_a_scale_of_depth_starts_again_and_is_left_out_where_it_is_not_wanted(tmp_path, scale):
    """Everything else is that of the file, with and without it."""
    path = tmp_path / 'network.safetensors'
    expected = written(path, depth_scale=not scale)

    network, notes = make_network(replace(MODEL, depth_scale=scale), CITY, str(path))

    own = network.state_dict()
    fresh = {name for name in own if name not in expected}
    assert fresh == ({f'depth_head.log_scale.{k}' for k in ('weight', 'bias')} if scale else set())
    assert all(torch.equal(value, expected[n]) for n, value in own.items() if n not in fresh)
    assert notes[1:] == (['starts from random weights: depth_head.log_scale'] if scale else [])


def test_classes_are_found_by_name_and_others_start_from_scratch(tmp_path):
    """The rows of a classifier follow the names of the classes; the note names what is fresh."""
    path = tmp_path / 'network.safetensors'
    expected = written(path, depth=False)
    wall = label_set('camvid_11').by_name('pavement')
    mixed = LabelSet('own', (CITY.by_name('car'), wall, CITY.by_name('road')))

    network, notes = make_network(MODEL, mixed, str(path))

    own = network.state_dict()
    for name, value in expected.items():
        if name.startswith('segmentation_head.classifier.'):
            rows = [list(CITY.classes).index(CITY.by_name(c)) for c in ('car', 'road')]
            assert torch.equal(own[name][[0, 2]], value[rows])
        else:
            assert torch.equal(own[name], value), name
    assert notes[1] == 'starts from random weights: depth_head, the classes pavement'


def test_classifier_of_other_classes_is_not_taken(tmp_path):
    """Without a class in common only the rest of the head is."""
    path = tmp_path / 'network.safetensors'
    written(path, depth=False)
    pavement = LabelSet('own', (label_set('camvid_11').by_name('pavement'),))

    _, notes = make_network(MODEL, pavement, str(path))

    assert notes[1] == 'starts from random weights: segmentation_head.classifier, depth_head'


def test_encoder_alone_is_enough_and_brings_its_eps(tmp_path):
    """An encoder of ImageNet goes under fresh heads; its LayerNorms keep their eps."""
    source, path = tmp_path / 'network.safetensors', tmp_path / 'encoder.safetensors'
    expected = written(source, norm_eps=1e-6, embed_norm_eps=1e-5)
    model = load_encoder(source)
    checkpoint.write(path, model.tensors, model.facts)

    network, notes = make_network(MODEL, CITY, str(path))

    assert (network.config.norm_eps, network.config.embed_norm_eps) == (1e-6, 1e-5)
    own = network.state_dict()
    assert all(torch.equal(own[n], v) for n, v in expected.items() if n.startswith('encoder.'))
    assert notes[1] == 'starts from random weights: segmentation_head, depth_head'
    other, notes = make_network(replace(MODEL, norm_eps=1e-5), CITY, str(path))
    assert other.config.norm_eps == 1e-5
    assert 'norm_eps is 1e-05, the weights were trained with 1e-06' in notes


def test_encoder_of_another_size_is_refused(tmp_path):
    """The message says which size the recipe and the file have."""
    path = tmp_path / 'network.safetensors'
    written(path)

    with pytest.raises(CheckpointError, match=r'B0 with .* the B1 of the recipe; set network'):
        make_network(replace(MODEL, size='b1'), CITY, str(path))
    with pytest.raises(CheckpointError, match='nowhere'):
        make_network(MODEL, CITY, str(tmp_path / 'nowhere.safetensors'))


def test_a_narrower_depth_head_becomes_a_part_of_the_new_one(tmp_path):
    """Whole and exactly, and a sentence says so; nothing of it starts anew."""
    path = tmp_path / 'network.safetensors'
    old = written(path)
    wider = replace(MODEL, depth_dim=48, depth_stride=1)

    network, notes = make_network(wider, CITY, str(path))

    assert notes[1:] == ['the depth head of 16 channels begins as a part of the 48']
    name = 'depth_head.fusions.1.conv1.weight'
    assert torch.equal(network.state_dict()[name][:16, :16], old[name][:, :16])
    assert torch.equal(network.state_dict()[name][:16, 48:64], old[name][:, 16:])


SLIM = replace(MODEL, sr_ratios=(16, 8, 4, 1), mlp_ratios=(2, 2, 4, 4), decoder_dim=8)


@torch.no_grad()
def test_a_slimmer_network_begins_close_to_the_trained_one(tmp_path):
    """
    Half of the hidden channels of each layer repeat others, so that half of them is enough.

    What is left is the reduction of keys: the mean of four patches instead of each.
    """
    path = tmp_path / 'network.safetensors'
    tensors, facts = redundant(path)
    checkpoint.write(path, tensors, facts)
    images = torch.randn(2, 3, 64, 128)
    trained = load_checkpoint(path).network

    same_keys, _ = make_network(
        replace(SLIM, sr_ratios=(8, 4, 2, 1)), CITY, str(path), lambda: images
    )
    slim, notes = make_network(SLIM, CITY, str(path), lambda: images)

    expected = trained(images)['logits']
    scale = expected.std()
    assert float((same_keys.eval()(images)['logits'] - expected).abs().max() / scale) < 1e-3
    assert float((slim.eval()(images)['logits'] - expected).square().mean().sqrt() / scale) < 0.1
    layers = 'encoder.stages, segmentation_head.classifier, segmentation_head.batch_norm'
    assert notes[1].startswith(f'made slimmer from there: {layers}')


def redundant(path):
    """Return a network whose hidden channels are half as many as they seem, and its facts."""
    written(path, decoder_dim=16)
    tensors, facts = checkpoint.read(path)
    for name, value in tensors.items():
        if 'mlp.fc1' in name or 'mlp.dwconv' in name:
            value[len(value) // 2 :] = value[: len(value) // 2]
        if name.startswith('segmentation_head.linear_fuse'):
            value[8:] = value[:8]
            value += 0.1 * torch.randn(8, *value.shape[1:]).repeat(2, 1, 1, 1)
    return tensors, facts


def test_without_images_no_channels_are_chosen(tmp_path):
    """The encoder has to fit then; a slimmer head starts anew."""
    path = tmp_path / 'network.safetensors'
    written(path)
    head = replace(MODEL, decoder_dim=8)

    _, notes = make_network(head, CITY, str(path))

    assert 'segmentation_head' in notes[-1]
    assert notes[-1].startswith('starts from random weights: ')
    with pytest.raises(CheckpointError, match='its encoder does not fit'):
        make_network(SLIM, CITY, str(path))
