# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the demonstration says: lines that stay, and one line that changes."""

from __future__ import annotations

from collections.abc import Callable
import shutil
import time
from typing import TextIO

_SECONDS_BETWEEN_LINES = 5.0


class Display:
    """
    In a terminal the last line changes in place.

    Elsewhere, in a file or a pipe, a changing line is rewritten every few seconds.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        """
        Write to a stream.

        :param now: Steady clock, seconds.
        """
        self._stream = stream
        self._now = now
        self._in_place = stream.isatty()
        self._shown = ''
        self._next_s = 0.0

    def line(self, text: str) -> None:
        """Write a line, or several, that stay."""
        self._clear()
        self._stream.write(f'{text}\n')
        self._stream.flush()
        self._next_s = 0.0

    def status(self, text: str) -> None:
        """Show what is happening right now."""
        if self._in_place:
            cut = text[: shutil.get_terminal_size().columns - 1]
            if cut != self._shown:
                self._clear()
                self._stream.write(cut)
                self._shown = cut
        elif self._now() >= self._next_s:
            self._next_s = self._now() + _SECONDS_BETWEEN_LINES
            self._stream.write(f'{text}\n')
        self._stream.flush()

    def keep(self) -> None:
        """Let the changing line stay as it is."""
        if self._shown:
            self._stream.write('\n')
            self._stream.flush()
            self._shown = ''

    def _clear(self) -> None:
        if self._shown:
            self._stream.write(f'\r{" " * len(self._shown)}\r')
            self._shown = ''
