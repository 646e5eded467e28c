# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a command is: a bar on a terminal, elsewhere a line every 20 seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

PERIOD_S = 20.0


class Progress:
    """
    Shows the progress of a block on standard error.

    Lines come from a thread, so that a first step of minutes is not silent either.
    """

    def __init__(
        self,
        what: str,
        total: int = 0,
        unit: str = 'frame',
        *,
        period_s: float = PERIOD_S,
        stream: TextIO | None = None,
    ) -> None:
        """
        Choose bar or lines; nothing is shown before the block begins.

        :param what: The work in a word or two, such as 'evaluating'.
        :param total: Number of units, 0 where unknown; the attribute of this name may be set
            when it becomes known.
        :param stream: None: standard error.
        """
        self.what, self.done = what, 0
        self.total, self._unit, self._period_s = total, unit, period_s
        self._stream = sys.stderr if stream is None else stream
        self._bar: tqdm[None] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def update(self, count: int = 1) -> None:
        """Count units that are done."""
        self.done += count
        if self._bar is not None:
            self._bar.total = self.total or None
            self._bar.update(count)

    def __enter__(self) -> Progress:
        """Begin."""
        self._start = time.monotonic()
        if self._stream.isatty():
            self._bar = tqdm(
                desc=self.what,
                total=self.total or None,
                unit=self._unit,
                dynamic_ncols=True,
                leave=False,
                file=self._stream,
            )
        else:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the bar, or end the lines."""
        self._ended.set()
        if self._bar is not None:
            self._bar.close()
        else:
            self._thread.join()

    def _report(self) -> None:
        while not self._ended.wait(self._period_s):
            self._stream.write(f'{self._line(time.monotonic() - self._start)}\n')
            self._stream.flush()

    def _line(self, seconds: float) -> str:
        if not self.total and not self.done:
            return f'{self.what}: {_duration(seconds)} so far'
        of_all = f' of {self.total}' if self.total else ''
        line = f'{self.what}: {self.done}{of_all} {self._unit}s in {_duration(seconds)}'
        left = self.total - self.done
        if self.done and left > 0:
            line += f', {_duration(seconds / self.done * left)} left'
        return line


def _duration(seconds: float) -> str:
    return f'{seconds:.0f} s' if seconds < 120.0 else f'{seconds / 60.0:.0f} min'
