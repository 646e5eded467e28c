# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints, and that every failure is one line."""

import published_checkpoints as published
import pytest
from segformer_ros.checkpoints.formats import FORMATS
from segformer_ros.cli import main
from segformer_ros.commands.convert import FORMATS as NAMES
import torch


@pytest.fixture
def path(tmp_path):
    """Return a checkpoint of NVlabs."""
    state = published.random_state(published.nvlabs((16, 32, 40, 64), (1, 1, 2, 1), 5, 24))
    torch.save({'state_dict': state, 'optimizer': {}}, tmp_path / 'start.pth')
    return tmp_path / 'start.pth'


def test_the_command_knows_every_layout():
    """Its list is that of the package, which it does not import for --help."""
    assert tuple(FORMATS) == NAMES


def test_a_report_is_printed(path, tmp_path, capsys):
    """What became what, what was left out, and each output in both arithmetics."""
    out = tmp_path / 'out.safetensors'

    code = main(['convert', str(path), '--to', 'native', str(out), '--size', '32x64'])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert out.is_file()
    assert lines[0] == f'nvlabs -> native: B0 with nvlabs head of 5 classes, {out}'
    assert 'note: left out what lies next to the weights: optimizer' in lines
    assert 'compared on 1x3x32x64, relative to the largest magnitude:' in lines
    rows = [line.split() for line in lines if line.startswith('logits')]
    assert [row[1] for row in rows] == ['float32', 'float64']
    assert [row[7] for row in rows] == ['1e-05', '1e-06']


def test_a_refusal_is_one_line(path, tmp_path, capsys):
    """And nothing is left behind."""
    code = main(['convert', str(path), '--to', 'hf-glpn', str(tmp_path / 'out')])

    assert code == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'cannot become hf-glpn: it is a network with a depth head alone' in error
    assert [item.name for item in tmp_path.iterdir()] == ['start.pth']


def test_a_difference_above_the_tolerance_is_shown_and_fails(path, tmp_path, capsys):
    """The table comes first, then the line that says what failed."""
    words = ['convert', str(path), '--to', 'hf-segformer', str(tmp_path / 'out'), '--accept-eps']

    code = main([*words, '--tolerance', '0', '0', '--size', '32x32'])

    found = capsys.readouterr()
    assert code == 1
    assert 'allowed 0e+00' in found.out
    assert 'nothing was written' in found.err
    assert not (tmp_path / 'out').exists()


def test_wrong_usage_is_reported_by_the_parser(path, tmp_path, capsys):
    """An unknown format never gets as far as the file."""
    code = main(['convert', str(path), '--to', 'caffe', str(tmp_path / 'out')])

    assert code == 2
    assert 'invalid choice' in capsys.readouterr().err
