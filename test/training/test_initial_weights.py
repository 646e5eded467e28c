# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A run starts from what fits of a checkpoint, and says what does not."""

from dataclasses import asdict, replace

import pytest

pytest.importorskip('torch', reason='training needs torch')

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


def test_classes_are_found_by_name_and_others_start_anew(tmp_path):
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
    assert notes[1] == 'starts anew: depth_head, the classes pavement'


def test_classifier_of_other_classes_is_not_taken(tmp_path):
    """Without a class in common only the rest of the head is."""
    path = tmp_path / 'network.safetensors'
    written(path, depth=False)
    pavement = LabelSet('own', (label_set('camvid_11').by_name('pavement'),))

    _, notes = make_network(MODEL, pavement, str(path))

    assert notes[1] == 'starts anew: segmentation_head.classifier, depth_head'


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
    assert notes[1] == 'starts anew: segmentation_head, depth_head'
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
