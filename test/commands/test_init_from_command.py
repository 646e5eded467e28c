# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The encoder of a checkpoint becomes a file that a recipe can start from."""

from dataclasses import asdict

import pytest

pytest.importorskip('torch', reason='checkpoints need torch')

from segformer_ros import cli
from segformer_ros.checkpoints import read
from segformer_ros.network import build, checkpoint
import torch


@pytest.fixture
def network(tmp_path):
    """Write a whole network and give its path."""
    path = tmp_path / 'network.safetensors'
    module = build('b0', 3, decoder_dim=16, depth=False, norm_eps=1e-6, embed_norm_eps=1e-5)
    checkpoint.write(path, module.state_dict(), {'network': asdict(module.config)})
    return path


def test_encoder_is_written_and_described(tmp_path, network, capsys):
    """Only the encoder is in the file; the output says how a recipe names it."""
    out = tmp_path / 'encoder.safetensors'

    assert cli.main(['init-from', str(network), str(out)]) == 0

    model, whole = read(out), read(network)
    assert not (model.config.segmentation)
    assert not (model.config.depth)
    assert (model.config.norm_eps, model.config.embed_norm_eps) == (1e-6, 1e-5)
    expected = {n: t for n, t in whole.tensors.items() if n.startswith('encoder.')}
    assert model.tensors.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in model.tensors.items())
    said = capsys.readouterr().out
    assert 'B0 encoder' in said
    assert 'eps 1e-06 and 1e-05' in said
    assert f'init: {out}' in said


@pytest.mark.parametrize(('name', 'why'), [('encoder.pth', 'another kind'), ('', 'it exists')])
def test_names_that_cannot_be_written_are_refused(tmp_path, network, capsys, name, why):
    """The message says what is expected; nothing is read."""
    out = tmp_path / name if name else network

    assert cli.main(['init-from', 'hf://not/asked', str(out)]) == 1

    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'expected a new name that ends in .safetensors' in error
    assert why in error
