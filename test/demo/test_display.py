# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The lines that the demonstration shows."""

import io

import pytest
from segformer_ros.demo.display import Display


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Make the terminal twenty columns wide."""
    monkeypatch.setenv('COLUMNS', '20')
    monkeypatch.setenv('LINES', '10')


def _screen(text):
    """Return the lines that a terminal shows after a text."""
    lines = [[]]
    column = 0
    for letter in text:
        if letter == '\n':
            lines.append([])
            column = 0
        elif letter == '\r':
            column = 0
        else:
            lines[-1][column : column + 1] = letter
            column += 1
    return [''.join(line).rstrip() for line in lines]


def test_a_terminal_shows_only_the_newest_status():
    """A shorter status leaves nothing of a longer one."""
    stream = _Terminal()
    display = Display(stream)
    display.status('a long status')
    display.status('short')
    assert _screen(stream.getvalue()) == ['short']


def test_a_line_takes_the_place_of_the_status():
    """What stays is not mixed with what changes."""
    stream = _Terminal()
    display = Display(stream)
    display.status('working on it')
    display.line('done')
    display.status('next')
    assert _screen(stream.getvalue()) == ['done', 'next']


def test_a_status_never_wraps():
    """A wrapped line could not be taken back."""
    stream = _Terminal()
    Display(stream).status('x' * 50)
    assert len(_screen(stream.getvalue())[0]) < 20


def test_a_kept_status_stays():
    """The last row of the table is still there at the end."""
    stream = _Terminal()
    display = Display(stream)
    display.status('the last row')
    display.keep()
    display.status('film')
    assert _screen(stream.getvalue()) == ['the last row', 'film']


def test_a_file_gets_plain_lines_and_not_all_of_them():
    """A log of a CI run is readable and short."""
    stream, times = io.StringIO(), iter([0.0, 0.0, 3.0, 6.0, 6.0])
    display = Display(stream, lambda: next(times))
    display.status('one')
    display.status('two')
    display.status('three')
    display.line('end')
    assert stream.getvalue() == 'one\nthree\nend\n'
