# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two checkpoints that share their encoder become one network; others stay two."""

import numpy as np
import pytest
from random_network import random_network
from segformer_ros import bundle
from segformer_ros.cli import main
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.network import checkpoint
import torch

SIZES = ('--size', '32x64', '--depth-size', '32x64')
PLAIN = ('--no-single-task', '--licence', 'MIT', '--depth-licence', 'Apache-2.0')


@pytest.fixture(scope='module')
def split(tmp_path_factory):
    """Write a network for both tasks, and each half of it, as files."""
    folder = tmp_path_factory.mktemp('split')
    network = random_network(depth_stride=4, depth_activation='log')
    facts = {
        'network': vars(network.config),
        'classes': [1, 11, 14],
        'label_set': 'carla_0914',
        'focal_length_px': 48.0,
    }
    whole = folder / 'whole.safetensors'
    checkpoint.write(whole, network.state_dict(), facts)
    for task in ('segmentation', 'depth'):
        half = folder / f'{task}.safetensors'
        words = ['convert', str(whole), str(half), '--to', 'native', '--only', task]
        assert main(words) == 0
    return folder


def export(split, out, *words):
    """Export both halves as one bundle."""
    halves = [str(split / f'{task}.safetensors') for task in ('segmentation', 'depth')]
    assert main(['export', *halves, str(out), *words]) == 0
    return bundle.read(out)


def predict(path):
    """Compute an image."""
    pipeline = Pipeline.load(path, backend='onnxruntime', threads=1, compiled=False)
    image = bundle.golden_image(3, 40, 80)
    return pipeline.predict(image, focal_length_px=60.0, options=Options(confidence=True))


def test_a_split_network_becomes_whole_again(split, tmp_path, capsys):
    """Labels, depth and arithmetic are those of the network before it was split."""
    made = export(split, tmp_path / 'made', *SIZES, *PLAIN)
    assert 'same encoder, which is computed once' in capsys.readouterr().out
    assert not made.networks
    assert made.manifest.tasks == ('segmentation', 'depth')
    assert made.manifest.licence == 'labels MIT, depth Apache-2.0'
    whole = tmp_path / 'whole'
    words = ['--size', '32x64', '--no-single-task']
    assert main(['export', str(split / 'whole.safetensors'), str(whole), *words]) == 0
    expected = bundle.read(whole).manifest
    for name in ('classes', 'arithmetic', 'depth', 'focal_length_px', 'depth_range_m', 'mean'):
        assert getattr(made.manifest, name) == getattr(expected, name)
    found, before = predict(tmp_path / 'made'), predict(whole)
    np.testing.assert_array_equal(found.labels, before.labels)
    np.testing.assert_array_equal(found.depth, before.depth)
    np.testing.assert_array_equal(found.confidence, before.confidence)


def changed(split, tmp_path, change):
    """Write the half for depth anew with a change to its weights or facts."""
    from segformer_ros.checkpoints.source import read

    model = read(split / 'depth.safetensors')
    tensors, facts = dict(model.tensors), dict(model.facts)
    change(tensors, facts)
    (tmp_path / 'split').mkdir()
    checkpoint.write(tmp_path / 'split' / 'depth.safetensors', tensors, facts)
    (tmp_path / 'split' / 'segmentation.safetensors').write_bytes(
        (split / 'segmentation.safetensors').read_bytes()
    )
    return tmp_path / 'split'


def test_a_half_that_was_rewritten_still_fits(split, tmp_path):
    """So what the next test changes is what makes two networks of them."""
    from segformer_ros.export.pair_export import with_shared_encoder

    folder = changed(split, tmp_path, lambda *_: None)
    halves = [str(folder / f'{task}.safetensors') for task in ('segmentation', 'depth')]
    assert with_shared_encoder(*halves, ([(32, 64)], [(32, 64)])) is not None


def one_weight(tensors, _):
    """Change the last bit of one number of the encoder."""
    name = next(name for name in tensors if name.startswith('encoder.'))
    value = tensors[name].clone()
    flat = value.view(-1)
    flat[0] = torch.nextafter(flat[0], torch.tensor(9.0))
    tensors[name] = value


@pytest.mark.parametrize(
    ('change', 'depth_size'),
    [
        (one_weight, (32, 64)),
        (lambda _, facts: facts.update(mean=[0.5] * 3, std=[0.5] * 3), (32, 64)),
        (lambda *_: None, (64, 64)),
    ],
    ids=['one weight', 'normalisation', 'input size'],
)
def test_different_encoders_do_not_fit(split, tmp_path, change, depth_size):
    """In one bit of one weight, in normalisation, or in the input size."""
    from segformer_ros.export.pair_export import with_shared_encoder

    folder = changed(split, tmp_path, change)
    halves = [str(folder / f'{task}.safetensors') for task in ('segmentation', 'depth')]
    assert with_shared_encoder(*halves, ([(32, 64)], [depth_size])) is None


def test_different_encoders_stay_two_networks(split, tmp_path):
    """In one bundle."""
    made = export(changed(split, tmp_path, one_weight), tmp_path / 'made', *SIZES, *PLAIN)
    assert set(made.networks) == {'segmentation', 'depth'}
