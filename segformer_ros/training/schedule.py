# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a run is, what it does next, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
import time

from segformer_ros.training.config import PhaseConfig, TrainConfig
from torch import Tensor

Report = Callable[[str], None]


@dataclass
class Progress:
    """
    How far a run is.

    :param step: Steps done in all.
    :param phase: Number of the current phase; the number of phases when the run is complete.
    :param phase_step: Steps done in it.
    :param phase_s: Seconds spent in its steps.
    """

    step: int = 0
    phase: int = 0
    phase_step: int = 0
    phase_s: float = 0.0

    def share(self, phase: PhaseConfig) -> float:
        """Give the part of the phase that is done, 0 to 1."""
        if phase.steps:
            return min(1.0, self.phase_step / phase.steps)
        return min(1.0, self.phase_s / (60.0 * phase.minutes))


def learning_rate(phase: PhaseConfig, share: float, step: int, warmup_steps: int) -> float:
    """Follow half a cosine from the phase's first to its last rate, after a linear warm-up."""
    first, last = phase.learning_rate
    rate = last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))
    return rate * min(1.0, (step + 1) / max(warmup_steps, 1))


class Clock:
    """Says when something is due, and reports progress every 20 seconds."""

    def __init__(self, config: TrainConfig, report: Report) -> None:
        self.phases, self.report = config.phases, report
        now = time.monotonic()
        self._last = {'checkpoint': now, 'evaluation': now, 'line': now}
        self._line_step = 0

    def due(self, name: str, minutes: float) -> bool:
        """Say once whether so many minutes have passed since it was last due."""
        now = time.monotonic()
        if now - self._last[name] < 60.0 * minutes:
            return False
        self._last[name] = now
        return True

    def line(self, progress: Progress, phase: PhaseConfig, parts: dict[str, Tensor]) -> None:
        """Report the state of the phase, at most every 20 seconds."""
        before, step = self._last['line'], self._line_step
        if not self.due('line', 1.0 / 3.0):
            return
        self._line_step = progress.phase_step
        rate = (progress.phase_step - step) / (self._last['line'] - before)
        share = progress.share(phase)
        left_s = progress.phase_s * (1.0 - share) / max(share, 1e-6)
        losses = ', '.join(f'{name} {float(value):.3f}' for name, value in parts.items())
        self.report(
            f'phase {progress.phase + 1}/{len(self.phases)} {100.0 * share:.0f} % '
            f'(ends in {left_s / 60.0:.0f} min), step {progress.step}, {losses}, '
            f'{rate * phase.batch_size:.1f} images/s'
        )
