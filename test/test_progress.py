# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a command reports of its progress."""

import io
import threading
from types import SimpleNamespace

import pytest
from segformer_ros import progress as progress_module
from segformer_ros.progress import Progress


class Lines(io.StringIO):
    """A stream that is no terminal, and knows when it got a line."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, text):
        """Note it."""
        count = super().write(text)
        self.written.set()
        return count


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        """Return True."""
        return True


@pytest.mark.parametrize(
    ('total', 'done', 'expected'),
    [
        (0, 0, 'evaluating: 0 s so far'),
        (8, 0, 'evaluating: 0 of 8 images in 0 s'),
        (8, 8, 'evaluating: 8 of 8 images in 0 s'),
        (0, 2, 'evaluating: 2 images in 0 s'),
        (8, 2, 'evaluating: 2 of 8 images in 0 s, 0 s left'),
    ],
)
def test_a_log_file_gets_lines(total, done, expected, monkeypatch):
    """Also before the first unit is done."""
    monkeypatch.setattr(progress_module, 'time', SimpleNamespace(monotonic=lambda: 0.0))
    stream = Lines()
    with Progress('evaluating', total, 'image', period_s=0.01, stream=stream) as progress:
        progress.update(done)
        # The first of them may have been made before the update.
        for _ in range(2):
            stream.written.clear()
            assert stream.written.wait(240.0)
    assert stream.getvalue().splitlines()[-1] == expected
    lines = stream.getvalue()
    assert not stream.written.wait(0.05) or stream.getvalue() == lines


def test_a_terminal_gets_a_bar():
    """And no lines."""
    stream = Terminal()
    with Progress('evaluating', 4, 'image', stream=stream) as progress:
        progress.update()
    assert 'evaluating:' in stream.getvalue()
    assert '\r' in stream.getvalue()
    assert progress.done == 1
