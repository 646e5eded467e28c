# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Waiting for recorded moments by a steady clock, without drift."""

from __future__ import annotations

from collections.abc import Callable

_SLICE_S = 0.025


class Pacer:
    """
    A pacer that waits until the stamps of a recording are due.

    Every wait ends at a time that is counted from the first moment, so that no error adds up.

    :param rate: How much faster than recorded.
    :param steady: A clock in seconds that never jumps.
    :param wait: Waits for some seconds; True means to give up.
    :param on_time: Called about 40 times in a second with the recorded time, in nanoseconds.
    """

    def __init__(
        self,
        rate: float,
        steady: Callable[[], float],
        wait: Callable[[float], bool],
        on_time: Callable[[int], object] = lambda time_ns: None,
    ) -> None:
        self._rate = rate
        self._steady = steady
        self._wait = wait
        self._on_time = on_time
        self._origin: tuple[float, int] | None = None
        self.latest_s = 0.0
        """How late the latest moment was."""

    def reach(self, time_ns: int) -> bool:
        """
        Wait for a moment of the recording; the first one is now.

        :returns: Whether to continue.
        """
        if self._origin is None:
            self._origin = (self._steady(), time_ns)
        start_s, start_ns = self._origin
        due_s = start_s + (time_ns - start_ns) / 1e9 / self._rate
        while (left_s := due_s - self._steady()) > 0.0:
            self._on_time(time_ns - round(left_s * self._rate * 1e9))
            if self._wait(min(left_s, _SLICE_S)):
                return False
        self.latest_s = max(self.latest_s, -left_s)
        self._on_time(time_ns)
        return not self._wait(0.0)

    def jump(self, pause_s: float) -> None:
        """Let the next moment come after a pause, whatever its recorded time."""
        self._origin = None
        self._wait(pause_s)
