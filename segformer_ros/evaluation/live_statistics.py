# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the evaluation knows: rates, times and agreement with the truth; a table row, a summary."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
import math
from typing import Any

import numpy as np
from segformer_ros.evaluation.drive import DriveEvaluation
from segformer_ros.evaluation.label_scores import plain

TIMES = ('wait', 'preprocess', 'network', 'postprocess', 'publish', 'latency')

_WINDOW_S = 5.0
_KEPT_TIMES = 20_000
_HEADER = ('  time   in/s  out/s  dropped  latency', '     s                 frames       ms')
_SCORES_HEADER = ('    mIoU  AbsRel  delta1  evaluated', '                             frames')


def header(*, ground_truth: bool) -> str:
    """Return the two lines above the rows of the live table."""
    parts = zip(_HEADER, _SCORES_HEADER, strict=True) if ground_truth else zip(_HEADER)
    return '\n'.join(''.join(part) for part in parts)


class Rate:
    """Count events and tell how many there are in a second."""

    def __init__(self) -> None:
        self.count = 0
        self._first_s = math.nan
        self._recent: deque[float] = deque()

    def add(self, now_s: float) -> None:
        """Count one event."""
        if not self.count:
            self._first_s = now_s
        self.count += 1
        self._recent.append(now_s)
        while now_s - self._recent[0] > _WINDOW_S:
            self._recent.popleft()

    def recent(self, now_s: float) -> float:
        """Return the rate of the last seconds, falling when nothing comes; NaN without events."""
        if len(self._recent) < 2:
            return 0.0 if self.count > 1 else math.nan
        intervals = len(self._recent) - 1
        span = self._recent[-1] - self._recent[0]
        silence = now_s - self._recent[-1]
        if silence * intervals > 2.0 * span:
            span += silence
        return intervals / span if span > 0.0 else math.nan

    def overall(self) -> float:
        """Return the rate from the first to the last event; NaN where there is none."""
        span = self._recent[-1] - self._first_s if self._recent else 0.0
        return (self.count - 1) / span if span > 0.0 else math.nan


class LiveStatistics:
    """Collect what arrives and what it is worth; times are seconds of one steady clock."""

    def __init__(self, drive: DriveEvaluation, *, ground_truth: bool = True) -> None:
        """
        Start with nothing collected.

        :param drive: Of the images; reset() resets it too.
        :param ground_truth: Whether there is any; rows have no figures of it otherwise.
        """
        self.drive = drive
        self._ground_truth = ground_truth
        self.reset(math.nan)

    def reset(self, now_s: float) -> None:
        """Forget everything; NaN starts the time with the first input or result."""
        self.drive.reset()
        self.inputs, self.outputs = Rate(), Rate()
        self.dropped: int | None = None
        self._start_s = now_s
        self._times: deque[tuple[float, ...]] = deque(maxlen=_KEPT_TIMES)
        self._recent_latency: deque[float] = deque(maxlen=30)

    def add_input(self, now_s: float) -> None:
        """Count a camera image that the network could have taken."""
        self._begin(now_s)
        self.inputs.add(now_s)

    def add_output(self, now_s: float) -> None:
        """Count a result."""
        self._begin(now_s)
        self.outputs.add(now_s)

    def add_times(self, times_ms: Mapping[str, float], dropped: int) -> None:
        """
        Take what the network's node says about one frame.

        :param times_ms: The milliseconds of every name in TIMES.
        :param dropped: Images so far that gave way to newer ones.
        """
        self._times.append(tuple(times_ms[name] for name in TIMES))
        self._recent_latency.append(times_ms['latency'])
        self.dropped = dropped

    def row(self, now_s: float) -> str:
        """Return the row of the live table under its header, '-' for what is not known."""
        latency = float(np.median(self._recent_latency)) if self._recent_latency else math.nan
        rates = (
            f'{_cell(now_s - self._start_s, 6, 0)} {_cell(self.inputs.recent(now_s), 6, 1)} '
            f'{_cell(self.outputs.recent(now_s), 6, 1)} '
            f'{_cell(math.nan if self.dropped is None else self.dropped, 8, 0)} '
            f'{_cell(latency, 8, 0)}'
        )
        if not self._ground_truth:
            return rates
        scores = self.drive.scores
        depth = scores.total.depth.result()
        return (
            f'{rates} {_cell(scores.total.labels.segmentation.miou(), 7, 3)} '
            f'{_cell(depth["abs_rel"], 7, 3)} {_cell(depth["delta1"], 7, 3)} '
            f'{_cell(max(scores.evaluated.values(), default=0), 10, 0)}'
        )

    def classes(self) -> str:
        """Return the intersection over union of every class that was met, best first."""
        known = sorted(self.drive.scores.total.iou_by_name().items(), key=lambda item: -item[1])
        return '\n'.join(f'  {name:<14} {value:6.3f}' for name, value in known)

    def summary(self, now_s: float) -> dict[str, Any]:
        """Return everything as plain values for JSON; None for what is not known."""
        return {
            'seconds': plain(now_s - self._start_s),
            'inputs': {'frames': self.inputs.count, 'per_s': plain(self.inputs.overall())},
            'outputs': {'frames': self.outputs.count, 'per_s': plain(self.outputs.overall())},
            'dropped': self.dropped,
            'times_ms': self._percentiles(),
            **self.drive.summary(),
        }

    def _begin(self, now_s: float) -> None:
        if math.isnan(self._start_s):
            self._start_s = now_s

    def _percentiles(self) -> dict[str, dict[str, float]]:
        if not self._times:
            return {}
        p50, p99 = np.percentile(np.array(self._times), (50, 99), axis=0)
        return {
            name: {'p50': round(float(p50[index]), 3), 'p99': round(float(p99[index]), 3)}
            for index, name in enumerate(TIMES)
        }


def _cell(value: float, width: int, digits: int) -> str:
    return f'{"-":>{width}}' if math.isnan(value) else f'{value:{width}.{digits}f}'
