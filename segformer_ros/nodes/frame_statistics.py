# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What became of the images of one camera, and where the time of its frames went."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
import threading

import numpy as np

RATE_SPAN_S = 5.0


@dataclass(frozen=True)
class FrameTimes:
    """The way of one frame through the node in milliseconds, named as in FrameStats."""

    wait_ms: float
    preprocess_ms: float
    network_ms: float
    postprocess_ms: float
    publish_ms: float
    latency_ms: float
    age_ms: float = float('nan')
    depth_network_ms: float = 0.0

    @property
    def overhead_ms(self) -> float:
        """Return the latency without the waiting and the network."""
        return self.latency_ms - self.network_ms - self.wait_ms


@dataclass(frozen=True)
class FrameCounts:
    """What became of the images of one camera, named as in FrameStats."""

    received: int = 0
    published: int = 0
    replaced: int = 0
    idle: int = 0
    refused: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Summary:
    """
    The state of one camera.

    silent_s is the time since the last image, or since the start where there was none.
    missed counts the images that were published and never came; new_errors, new_jumps, new_missed
    and new_received count what happened since the summary before. last_error is the
    reason of the latest refusal or failure, failing whether no frame was good after it.
    image_fault says why no image can arrive, mixed which publishers share a topic.
    camera_problem says why the intrinsics of the camera are unknown, camera_text that or what they
    are taken from. percentiles holds the median and the 99th percentile by the names of
    FrameTimes.
    """

    counts: FrameCounts
    input_rate_hz: float
    output_rate_hz: float
    silent_s: float
    new_errors: int
    last_error: str
    failing: bool
    jumps: int
    new_jumps: int
    missed: int
    new_missed: int
    new_received: int
    image_fault: str
    mixed: str
    camera_problem: str
    camera_text: str
    percentiles: dict[str, tuple[float, float]]
    scale_text: str = ''
    scale_refused: int = 0


class FrameStatistics:
    """Counts and times of one camera; every method may be called from every thread."""

    def __init__(self, steady: Callable[[], float], window: int) -> None:
        """
        Start counting.

        :param steady: A clock in seconds that never jumps.
        :param window: Number of frames that the percentiles are of.
        """
        self._steady = steady
        self._lock = threading.Lock()
        self._counts = FrameCounts()
        self._times: deque[FrameTimes] = deque(maxlen=window)
        self._arrivals: deque[float] = deque(maxlen=10000)
        self._outputs: deque[float] = deque(maxlen=10000)
        self._since = self._last_arrival = steady()
        self._last_stamp_ns = 0
        self._last_error = ''
        self._failing = False
        self._mixed = ''
        self._image_fault = self._camera_problem = self._camera_text = self._scale_text = ''
        self._scale_refused = 0
        self._jumps = 0
        self._missed = 0
        self._told = (0, 0, 0, 0)

    def set_window(self, window: int) -> None:
        """Change the number of frames that the percentiles are of; the latest are kept."""
        with self._lock:
            self._times = deque(self._times, maxlen=window)

    def received(self, stamp_ns: int, *, missed: int = 0) -> None:
        """
        Count an image; a stamp older than the one before restarts rates and times.

        :param missed: Images that were published since the one before, and never came.
        """
        with self._lock:
            self._missed += missed
            self._last_arrival = self._steady()
            if stamp_ns < self._last_stamp_ns:
                self._restart()
            self._last_stamp_ns = stamp_ns
            self._arrivals.append(self._last_arrival)
            self._count('received')

    def replaced(self) -> None:
        """Count an image that gave way to a newer one."""
        with self._lock:
            self._count('replaced')

    def idle(self) -> None:
        """Count an image that no one wanted the result of."""
        with self._lock:
            self._count('idle')
            self._failing = False

    def refused(self, reason: str) -> None:
        """Count an image that could not be read."""
        with self._lock:
            self._count('refused')
            self._last_error, self._failing = reason, True

    def failed(self, reason: str) -> None:
        """Count a frame that was not computed or not published because of an error."""
        with self._lock:
            self._count('failed')
            self._last_error, self._failing = reason, True

    def published(self, times: FrameTimes) -> None:
        """Count a frame that is out."""
        with self._lock:
            self._count('published')
            self._outputs.append(self._steady())
            self._times.append(times)
            self._failing = False

    def image_fault(self, reason: str) -> None:
        """Note why no image can arrive, empty where one can."""
        with self._lock:
            self._image_fault = reason

    def mixed(self, reason: str) -> None:
        """Note who shares a topic of the camera, empty where no one does."""
        with self._lock:
            self._mixed = reason

    def camera(self, problem: str, text: str) -> None:
        """
        Note what is known of the camera.

        :param problem: Why its intrinsics are unknown, empty when they are known.
        :param text: The same in short, or what they are taken from.
        """
        with self._lock:
            self._camera_problem, self._camera_text = problem, text

    def scale(self, text: str, *, refused: bool) -> None:
        """Note by what depth is scaled, and whether the last frame had no road for it."""
        with self._lock:
            self._scale_text = text
            self._scale_refused += refused

    def clock_jumped(self) -> None:
        """Restart rates and times because the clock of the node was set back."""
        with self._lock:
            self._restart()

    @property
    def counts(self) -> FrameCounts:
        """Return the counts since the start."""
        with self._lock:
            return self._counts

    def summary(self) -> Summary:
        """Return the state of the camera, and begin a new period of 'since the summary before'."""
        with self._lock:
            now = self._steady()
            errors = self._counts.refused + self._counts.failed
            told_errors, told_jumps, told_missed, told_received = self._told
            self._told = (errors, self._jumps, self._missed, self._counts.received)
            return Summary(
                counts=self._counts,
                input_rate_hz=self._rate_hz(self._arrivals, now),
                output_rate_hz=self._rate_hz(self._outputs, now),
                silent_s=now - self._last_arrival,
                new_errors=errors - told_errors,
                last_error=self._last_error,
                failing=self._failing,
                jumps=self._jumps,
                new_jumps=self._jumps - told_jumps,
                missed=self._missed,
                new_missed=self._missed - told_missed,
                new_received=self._counts.received - told_received,
                image_fault=self._image_fault,
                mixed=self._mixed,
                camera_problem=self._camera_problem,
                camera_text=self._camera_text,
                percentiles=self._percentiles(),
                scale_text=self._scale_text,
                scale_refused=self._scale_refused,
            )

    def _count(self, name: str) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + 1})

    def _restart(self) -> None:
        self._jumps += 1
        self._since = self._steady()
        for series in (self._times, self._arrivals, self._outputs):
            series.clear()

    def _rate_hz(self, moments: deque[float], now: float) -> float:
        while moments and moments[0] < now - RATE_SPAN_S:
            moments.popleft()
        return len(moments) / max(min(RATE_SPAN_S, now - self._since), 0.1)

    def _percentiles(self) -> dict[str, tuple[float, float]]:
        if not self._times:
            return {}
        names = [item.name for item in fields(FrameTimes)]
        table = np.array([[getattr(times, name) for name in names] for times in self._times])
        found = {}
        for name, column in zip(names, table.T, strict=True):
            known = column[np.isfinite(column)]
            if known.size:
                median, high = np.percentile(known, (50.0, 99.0))
                found[name] = (float(median), float(high))
        return found
