# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a run says while it works: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import sys
import time
from typing import SupportsFloat

from tqdm import tqdm

Report = Callable[[str], None]
_LINE_S = 20.0


class Clock:
    """A timer for what is due at intervals."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._start = time.monotonic()

    def due(self, name: str, seconds: float) -> bool:
        """Return True once for every interval that has passed since the start."""
        now = time.monotonic()
        if now - self._last.get(name, self._start) < seconds:
            return False
        self._last[name] = now
        return True


class ProgressBar:
    """Steps done and to do, time left, samples per second and losses."""

    def __init__(self, total: int, done: int, report: Report, *, bar: bool | None = None) -> None:
        """
        Start.

        :param total: Steps of the whole run.
        :param done: Steps of earlier sessions.
        :param report: Takes one line of text.
        :param bar: Draw a bar; None: where standard error is a terminal.
        """
        self._report, self._clock = report, Clock()
        self._total, self._done, self._samples = total, done, 0
        self._first, self._start = done, time.monotonic()
        self._line_samples, self._line_start = 0, self._start
        shown = sys.stderr.isatty() if bar is None else bar
        self._bar = tqdm(total=total, initial=done, unit='step', disable=not shown, leave=False)

    def say(self, line: str) -> None:
        """Report a line without breaking the bar."""
        with self._bar.external_write_mode():
            self._report(line)

    def rate(self) -> float:
        """Return the samples per second since the last call."""
        now = time.monotonic()
        rate = (self._samples - self._line_samples) / max(now - self._line_start, 1e-9)
        self._line_samples, self._line_start = self._samples, now
        return rate

    def step(self, samples: int, stage: str, values: Mapping[str, SupportsFloat]) -> None:
        """
        Count a step.

        :param samples: The number of samples that it was trained on.
        :param stage: Name of the stage.
        :param values: What to show; made floats of only when it is shown.
        """
        self._done += 1
        self._samples += samples
        self._bar.update()
        if not self._bar.disable:
            if self._clock.due('bar', 1.0):
                self._bar.set_postfix_str(self._text(stage, values))
        elif self._clock.due('line', _LINE_S):
            self._report(f'{self._share()}, {self._text(stage, values)}')

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def _text(self, stage: str, values: Mapping[str, SupportsFloat]) -> str:
        shown = ', '.join(f'{name} {float(value):.4g}' for name, value in values.items())
        return f'{stage}, {shown}, {self.rate():.1f} samples/s'

    def _share(self) -> str:
        seconds = time.monotonic() - self._start
        left_s = seconds / max(self._done - self._first, 1) * (self._total - self._done)
        return (
            f'step {self._done} of {self._total} '
            f'({100.0 * self._done / self._total:.0f} %, ends in {duration(left_s)})'
        )


def duration(seconds: float) -> str:
    """Write a time as people say it: 40 s, 12 min, 3.5 h."""
    if seconds < 90.0:
        return f'{seconds:.0f} s'
    return f'{seconds / 60.0:.0f} min' if seconds < 5400.0 else f'{seconds / 3600.0:.1f} h'
