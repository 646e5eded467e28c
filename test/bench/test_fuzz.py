# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged input of every kind is refused by the module's own error, or read as what it states."""

import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('torch', reason='checkpoints are a part of it')

import fuzz
from fuzzing.damage import raises_only
from fuzzing.pixels import stated_size
from hypothesis import strategies as st

# Of nine kinds of input, more than 2000 examples; `python bench/fuzz.py` draws others.
EXAMPLES = 225


@pytest.mark.parametrize('target', fuzz.all_targets(), ids=lambda target: target.name)
def test_damaged_input_breaks_nothing(target):
    """No other exception, no wrong size, no point that is not finite, bounded memory."""
    assert fuzz.check(target, EXAMPLES) >= 0.8 * EXAMPLES


def test_every_kind_of_input_is_drawn():
    """Nothing is left out without a word."""
    names = [target.name for target in fuzz.all_targets()]

    assert names == [
        'image', 'compressed', 'labels', 'camera_info', 'manifest', 'manifest_bytes', 'message',
        'metadata', 'checkpoint',
    ]  # fmt: skip


def test_counterexample_ends_the_program(monkeypatch, capsys):
    """The smallest input is shown with what it raised."""

    def check(drawn):
        if drawn > 7:
            raise KeyError('too large')

    broken = fuzz.Target('broken', st.integers(0, 1000), check)
    monkeypatch.setattr(fuzz, 'all_targets', lambda: (broken,))
    monkeypatch.setattr(sys, 'argv', ['fuzz.py', '--examples', '50'])

    assert fuzz.main() == 1

    said = capsys.readouterr().out
    assert "broken, seed 1: KeyError: 'too large'" in said
    assert 'drawn=8' in said


def test_examples_are_counted(monkeypatch, capsys):
    """The last line says how many ran."""
    target = fuzz.Target('good', st.integers(), lambda drawn: None)
    monkeypatch.setattr(fuzz, 'all_targets', lambda: (target,))
    monkeypatch.setattr(sys, 'argv', ['fuzz.py', '--examples', '2500'])

    assert fuzz.main() == 0

    assert capsys.readouterr().out.splitlines()[-1] == '2600 examples, no counterexample'


def test_every_variant_is_checked(monkeypatch, capsys):
    """What was drawn is done to several inputs; the one that breaks something is shown."""
    seen = []

    def check(made):
        seen.append(made)
        if made == 'second 7':
            raise KeyError(made)

    target = fuzz.Target(
        'twice', st.integers(0, 9), check, lambda drawn: (f'first {drawn}', f'second {drawn}')
    )
    monkeypatch.setattr(fuzz, 'all_targets', lambda: (target,))
    monkeypatch.setattr(sys, 'argv', ['fuzz.py', '--examples', '400'])

    assert fuzz.main() == 1

    assert 'first 3' in seen
    assert 'second 3' in seen
    assert "twice, seed 1: KeyError: 'second 7'" in capsys.readouterr().out


def test_error_without_a_message_is_a_fault():
    """So is an error of another class."""
    with pytest.raises(AssertionError, match='without a message'):
        raises_only((ValueError,), lambda: (_ for _ in ()).throw(ValueError()))
    with pytest.raises(ZeroDivisionError):
        raises_only((ValueError,), lambda: 1 // 0)


def test_size_is_read_from_the_header():
    """Of PNG and JPEG alike; nothing is a size where there is no header."""
    for suffix in ('.png', '.jpg'):
        content = cv2.imencode(suffix, np.zeros((7, 11, 3), np.uint8))[1].tobytes()
        assert stated_size(content) == (7, 11)
    assert stated_size(b'') is None
