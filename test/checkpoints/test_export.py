# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of another program becomes a bundle that claims nothing it cannot know."""

import pytest

pytest.importorskip('onnx', reason='export needs onnx')

import published_checkpoints as published
from segformer_ros.checkpoints import load
from segformer_ros.checkpoints.convert import convert, Request
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.export.checkpoint_export import bundle_facts, export_checkpoint
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.training.torch_network import TorchNetwork
import torch

NARROW, DEPTHS = (16, 32, 40, 64), (1, 1, 2, 1)


def saved(path, classes=5):
    """Write a checkpoint of NVlabs."""
    torch.save(published.random_state(published.nvlabs(NARROW, DEPTHS, classes, 24)), path)
    return path


def test_a_foreign_checkpoint_becomes_a_bundle(tmp_path):
    """Origin and format are in the provenance; licence and classes are unknown."""
    path = saved(tmp_path / 'segformer.b0.pth')

    manifest = export_checkpoint(path, tmp_path / 'bundle', [(32, 64)], notes='a test').manifest

    assert manifest.licence == 'unknown'
    assert manifest.label_set == 'unknown'
    assert [item.name for item in manifest.classes][:2] == ['class_0', 'class_1']
    assert manifest.provenance['source'] == 'segformer.b0.pth'
    assert manifest.provenance['format'] == 'nvlabs'
    assert len(manifest.provenance['sha256']) == 64
    assert manifest.provenance['notes'] == 'a test'


def test_what_a_person_said_is_in_the_facts(tmp_path):
    """Label set and licence were given when it was converted."""
    options = Options(label_set='cityscapes_19', licence='MIT')
    path = saved(tmp_path / 'start.pth', classes=19)
    request = Request(path, 'native', tmp_path / 'ours.safetensors', options=options)

    facts = bundle_facts(load(convert(request).out), 'name')

    assert (facts.licence, facts.label_set) == ('MIT', 'cityscapes_19')
    assert facts.classes[13].name == 'car'
    assert facts.provenance['source'] == 'start.pth'


def test_depth_needs_to_know_its_camera(tmp_path):
    """Metres are right for one focal length, which no foreign file says."""
    shapes = published.glpdepth((64, 32, 40, 128), (1, 1, 1, 1))
    path = tmp_path / 'start.ckpt'
    torch.save(published.random_state(shapes), path)
    options = Options(max_depth_m=80.0)
    ours = convert(Request(path, 'native', tmp_path / 'o.safetensors', options=options)).out
    model = load(ours)

    with pytest.raises(CheckpointError, match=r'give the focal length .* with --focal-length'):
        bundle_facts(model, 'name')
    facts = bundle_facts(model, 'name', focal_length_px=721.5, licence='for research')

    assert (facts.focal_length_px, facts.licence) == (721.5, 'for research')
    assert (facts.mean, facts.std) == ((0.0,) * 3, (1.0,) * 3)
    assert facts.depth_range_m == (0.5, 80.0)


def test_one_class_has_a_background(tmp_path):
    """Their ids are the labels that such a network learns from: 1, and 0 for all else."""
    facts = bundle_facts(load(saved(tmp_path / 'start.pth', classes=1)), 'name')

    assert [(item.id, item.name) for item in facts.classes] == [(0, 'background'), (1, 'class_0')]
    assert facts.label_set == 'unknown'


def test_more_classes_than_label_images_hold_are_refused(tmp_path):
    """Ids are one byte and 255 is unknown: 255 classes fit, 256 do not."""
    facts = bundle_facts(load(saved(tmp_path / 'most.pth', classes=255)), 'name')
    assert facts.class_ids == tuple(range(255))
    path = saved(tmp_path / 'more.pth', classes=256)
    message = 'expected a network of at most 255 classes, found 256'
    with pytest.raises(CheckpointError, match=message):
        bundle_facts(load(path), 'name')
    with pytest.raises(CheckpointError, match=message):
        TorchNetwork.load(path)
    converted = convert(Request(path, 'native', tmp_path / 'ours.safetensors')).out
    assert load(converted).network.config.num_classes == 256
