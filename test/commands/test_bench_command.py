# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer bench, run as a user runs it."""

import json

import pytest
from segformer_ros.cli import main
from tiny_bundle import make_tiny_bundle

_SHORT = ('--image', '48x96', '--repeats', '2', '--backend', 'onnxruntime')


@pytest.fixture
def tiny(tmp_path):
    """Return the folder of a bundle of two convolutions."""
    return str(make_tiny_bundle(tmp_path / 'tiny'))


def test_every_backend_has_a_line_and_auto_says_its_choice(tiny, capsys):
    """Times of the network and of the whole way, and below what the node would take."""
    assert main(['bench', tiny, '--threads', '1', *_SHORT]) == 0

    title, heads, line, choice = capsys.readouterr().out.splitlines()
    assert title == 'tiny, image 48x96, 1 thread(s), 2 turns'
    assert heads.split() == ['network,', 'ms', 'image', 'to', 'results,', 'ms', 'frames/s']
    assert line.startswith('onnxruntime ')
    assert line.count(' to ') == 2
    assert choice.startswith('auto ')


def test_json_has_a_table_for_each_number_of_threads(tiny, capsys):
    """All figures, with the trial that chose the backend."""
    assert main(['bench', tiny, '--threads', '1', '2', '--json', *_SHORT]) == 0

    tables = json.loads(capsys.readouterr().out)['tables']
    assert [table['threads'] for table in tables] == [1, 2]
    for table in tables:
        (found,) = table['backends']
        assert found['backend'] == 'onnxruntime'
        assert found['metrics']['Mean Frame Rate (fps)'] > 0.0
        assert {trial['backend'] for trial in table['auto']['trials']} >= {'onnxruntime'}


def test_no_usable_backend_is_an_error(tiny, capsys, monkeypatch):
    """The reason stands in its line."""
    from segformer_ros.inference import backend_choice
    from segformer_ros.inference.backend import BackendError

    def refuse(*arguments, **options):
        raise BackendError('no such engine here')

    monkeypatch.setattr(backend_choice, 'load', refuse)
    assert main(['bench', tiny, *_SHORT]) == 1
    assert 'not used: no such engine here' in capsys.readouterr().out


def test_a_portrait_image_is_mentioned(tiny, capsys):
    """Anyone who meant width x height notices it."""
    words = ['--image', '96x48', '--repeats', '2', '--backend', 'onnxruntime', '--threads', '1']
    assert main(['bench', tiny, *words]) == 0
    title = capsys.readouterr().out.splitlines()[0]
    assert title == 'tiny, image 96x48 (portrait: 96 high, 48 wide), 1 thread(s), 2 turns'
