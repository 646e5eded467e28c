# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A file that fits no format, or two, is told in one sentence with names in it."""

import published_checkpoints as published
import pytest
from segformer_ros.checkpoints import load, load_encoder, read
from segformer_ros.checkpoints.formats import FORMATS
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.network.checkpoint import CheckpointError
import torch

NARROW, DEPTHS = (16, 32, 40, 64), (1, 1, 2, 1)


@pytest.fixture
def state():
    """Return a complete file of NVlabs."""
    return published.random_state(published.nvlabs(NARROW, DEPTHS, 5, 24))


def saved(tmp_path, state):
    """Write it."""
    path = tmp_path / 'some.pth'
    torch.save({'state_dict': state}, path)
    return path


def refused(path, **options):
    """Return the one line that reading ends with."""
    with pytest.raises(CheckpointError) as error:
        read(path, **options)
    assert '\n' not in str(error.value)
    return str(error.value)


def test_missing_names_are_reported(tmp_path, state):
    """A few of them, and how many more."""
    for name in [name for name in state if name.startswith('backbone.norm')]:
        del state[name]

    text = refused(saved(tmp_path, state))

    assert 'is of no known format, nearest is nvlabs: it misses backbone.norm1.bias, ' in text
    assert 'and 5 more' in text
    assert 'does not know' not in text


def test_unknown_names_are_reported(tmp_path, state):
    """What a format does not know is never dropped."""
    state['backbone.pos_embed'] = torch.zeros(1)
    state['decode_head.extra.weight'] = torch.zeros(1)

    text = refused(saved(tmp_path, state))

    assert 'nvlabs does not know backbone.pos_embed, decode_head.extra.weight' in text
    assert 'misses' not in text


def test_a_foreign_file_shows_some_of_its_names(tmp_path):
    """Nothing fits, so nothing is the nearest."""
    state = {f'layer{n}.conv.weight': torch.zeros(1) for n in range(9)}

    text = refused(saved(tmp_path, state))

    assert 'is of no known format (native, hf-segformer' in text
    assert 'it has layer0.conv.weight, layer1.conv.weight, layer2.conv.weight and 6 more' in text


def test_an_empty_file_is_reported(tmp_path):
    """No weights, no format."""
    assert 'holds no weights at all' in refused(saved(tmp_path, {}))


def test_an_ambiguous_file_asks_for_from(tmp_path, state, monkeypatch):
    """When two formats fit exactly, a person decides."""
    monkeypatch.setitem(FORMATS, 'twin', FORMATS['nvlabs'])
    path = saved(tmp_path, state)

    assert 'is ambiguous, it fits nvlabs and nvlabs: say which with --from' in refused(path)
    assert read(path, 'nvlabs').format == 'nvlabs'


def test_a_named_layout_that_does_not_fit_says_why(tmp_path, state):
    """The asked format is the one that the sentence is about."""
    path = saved(tmp_path, state)

    text = refused(path, layout='nvlabs-encoder')
    assert 'is no nvlabs-encoder checkpoint: nvlabs-encoder does not know decode_head' in text
    assert 'is of no known format (mmseg)' in refused(path, layout='mmseg')
    assert 'format must be one of native, hf-segformer' in refused(path, layout='caffe')


def test_a_wrong_shape_is_reported(tmp_path, state):
    """Names alone do not make a network."""
    state['decode_head.linear_c2.proj.weight'] = torch.zeros(24, 33)

    text = refused(saved(tmp_path, state))

    assert 'segmentation_head.linear_c.1.weight (our name) has the shape (24, 33)' in text
    assert 'needs (24, 32)' in text


def test_widths_of_no_published_size_are_reported(tmp_path):
    """The nearest size is the one that the sentence compares with."""
    shapes = published.nvlabs((16, 32, 48, 64), DEPTHS, 5, 24)

    text = refused(saved(tmp_path, published.random_state(shapes)))

    assert 'a B0 with nvlabs head of 5 classes needs' in text


def test_quantised_weights_are_refused(tmp_path, state):
    """Whole numbers are no weights of this network."""
    name = 'backbone.block1.0.attn.q.weight'
    state[name] = state[name].to(torch.int8)

    assert 'quantised weights are not read' in refused(saved(tmp_path, state))


def test_old_files_lack_a_counter(tmp_path, state):
    """The number of batches is no weight: torch 0.4 did not write it."""
    del state['decode_head.linear_fuse.bn.num_batches_tracked']

    model = read(saved(tmp_path, state))

    assert model.tensors['segmentation_head.batch_norm.num_batches_tracked'] == 0


def test_glpdepth_asks_for_its_largest_depth(tmp_path):
    """The file does not say it, and a wrong one scales every depth."""
    shapes = published.glpdepth((64, 32, 40, 128), (1, 1, 1, 1))
    path = saved(tmp_path, published.random_state(shapes))

    assert 'give --max-depth, which is 10 for a network of NYU' in refused(path)


def test_glpdepth_cannot_be_b0(tmp_path):
    """The stage that B0 would need is in no such file."""
    shapes = published.glpdepth(NARROW, DEPTHS)
    path = saved(tmp_path, published.random_state(shapes))

    text = refused(path, options=Options(max_depth_m=10.0))

    assert 'B0 has 32 there, and the convolution that GLPN needs for it exists in Hugging' in text
    assert 'GLPDepth itself exists as B4 alone' in text


def test_an_encoder_is_no_network(tmp_path):
    """Load wants a head; load_encoder gives the encoder of anything."""
    state = published.random_state(published.mmseg_encoder(NARROW, DEPTHS))
    path = saved(tmp_path, state)

    with pytest.raises(CheckpointError, match='is a B0 encoder: expected a network with a'):
        load(path)
    assert load_encoder(path).config.size == 'b0'


def test_the_encoder_of_a_full_network_starts_a_training(tmp_path, state):
    """Only its weights come along."""
    model = load_encoder(saved(tmp_path, state))

    assert model.config.num_classes == 0
    assert all(name.startswith('encoder.') for name in model.tensors)
    assert not {'label_set', 'classes'} & set(model.facts)
    model.check()
