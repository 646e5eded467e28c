# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every format is read into a network that computes what its own program computes."""

import published_checkpoints as published
import pytest
from segformer_ros.checkpoints import load, read
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.checkpoints.model import run
import torch

NARROW, WIDE = (16, 32, 40, 64), (64, 32, 40, 128)
NVLABS = published.nvlabs(NARROW, (1, 1, 2, 1), 5, 24)
MMSEG = published.mmseg(NARROW, (1, 1, 2, 1), 5)
SEGFORMER3D = published.segformer3d(NARROW, (1, 2, 1, 1), 5)
GLPDEPTH = published.glpdepth(WIDE, (1, 1, 1, 1))


def saved(path, shapes, **beside):
    """Write a checkpoint; with other things beside the weights when there are some."""
    state = published.random_state(shapes)
    torch.save({'state_dict': state, **beside} if beside else state, path)
    return state


def assert_same(found, expected):
    """Hold outputs against each other, relative to the largest."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert value.std() > 1e-3
        difference = (found[name] - value).abs().max() / value.abs().max()
        assert difference < 1e-9, name


def computed(model, image):
    """Run what was read in float64."""
    return run(model.build().double(), image)


def test_nvlabs(tmp_path, image):
    """The MLP head concatenates the coarsest stage first, and conv_seg takes no part."""
    path = tmp_path / 'segformer.b0.pth'
    state = saved(path, NVLABS, meta={'CLASSES': ('a', 'b', 'c', 'd', 'e')})

    model = read(path)

    assert model.format == 'nvlabs'
    assert (model.config.norm_eps, model.config.embed_norm_eps) == (1e-6, 1e-5)
    assert model.facts['class_names'] == ['a', 'b', 'c', 'd', 'e']
    assert any('conv_seg' in note for note in model.notes)
    assert_same(computed(model, image), published.run_nvlabs(state, image))


def test_mmseg(tmp_path, image):
    """Query, key and value come out of one weight, and the finest stage is the first."""
    path = tmp_path / 'mmseg.pth'
    state = saved(path, MMSEG, meta={'dataset_meta': {'classes': ['a', 'b', 'c', 'd', 'e']}})

    model = read(path)

    assert model.format == 'mmseg'
    assert (model.config.norm_eps, model.config.embed_norm_eps) == (1e-6, None)
    assert model.config.auxiliary_head
    assert model.facts['class_names'] == ['a', 'b', 'c', 'd', 'e']
    assert_same(computed(model, image), published.run_mmseg(state, image))


def test_segformer3d(tmp_path, image):
    """Both heads are MLP heads of 1x1 convolutions, and depth is not bounded."""
    path = tmp_path / 'segformer3d.pt'
    state = saved(path, SEGFORMER3D)

    model = read(path)

    assert model.format == 'segformer3d'
    assert model.facts['mean'] == [0.485, 0.56, 0.406]
    assert (model.config.depth_head, model.config.depth_activation) == ('mlp', 'linear')
    assert_same(computed(model, image), published.run_segformer3d(state, image))


def test_glpdepth(tmp_path, image):
    """The prefix of DataParallel goes, and the largest depth comes from a person."""
    path = tmp_path / 'best_model_kitti.ckpt'
    state = saved(path, GLPDEPTH)

    model = read(path, options=Options(max_depth_m=80.0))

    assert model.format == 'glpdepth'
    assert (model.facts['mean'], model.facts['std']) == ([0.0] * 3, [1.0] * 3)
    assert_same(computed(model, image), published.run_glpdepth(state, image, 80.0))


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_nvlabs_encoder(tmp_path, image, prefix):
    """An encoder without a head gives its four stages."""
    path = tmp_path / 'mit_b0.pth'
    state = saved(path, published.nvlabs_encoder(NARROW, (1, 1, 2, 1), prefix))

    model = read(path)

    stages = published.run_nvlabs_encoder(published.Weights(state), image, prefix)
    assert model.format == 'nvlabs-encoder'
    assert_same(computed(model, image), dict(zip(NAMES, stages, strict=True)))


NAMES = ('stage 1', 'stage 2', 'stage 3', 'stage 4')


def test_nvlabs_encoder_with_its_imagenet_head(tmp_path, image):
    """The head takes the mean of the last stage."""
    shapes = published.nvlabs_encoder(NARROW, (1, 1, 2, 1))
    path = tmp_path / 'mit_b0.pth'
    state = saved(path, shapes | published.layer_shapes('head', 10, 64))

    model = read(path)

    weights = published.Weights(state)
    mean = published.run_nvlabs_encoder(weights, image)[-1].mean(dim=(2, 3))
    assert model.config.num_classes == 10
    assert_same(computed(model, image), {'logits': weights.linear('head', mean)})


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_mmseg_encoder(tmp_path, image, prefix):
    """Both spellings of an encoder alone are read, the second one wrapped."""
    path = tmp_path / 'mit_b0.pth'
    shapes = published.mmseg_encoder(NARROW, (1, 1, 2, 1), prefix)
    state = saved(path, shapes, **({'meta': {}} if prefix else {}))

    model = read(path)

    stages = published.run_mmseg_encoder(published.Weights(state), image, prefix)
    assert model.format == 'mmseg-encoder'
    assert_same(computed(model, image), dict(zip(NAMES, stages, strict=True)))


def test_a_loaded_network_is_ready_to_use(tmp_path, image):
    """Load gives the network in evaluation mode with its facts."""
    path = tmp_path / 'segformer.b0.pth'
    state = saved(path, NVLABS)

    loaded = load(path)

    assert not loaded.network.training
    assert loaded.format == 'nvlabs'
    assert loaded.facts['source'] == 'segformer.b0.pth'
    assert len(loaded.facts['sha256']) == 64
    assert_same(run(loaded.network.double(), image), published.run_nvlabs(state, image))
