# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the two networks of a bundle are computed: one after the other, or on two threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from statistics import median
from time import perf_counter
from typing import TypeVar

SCHEDULES = ('auto', 'sequential', 'parallel')
WAYS = SCHEDULES[1:]
WARM_UP, TURNS = 2, 8
"""Frames of each way that 'auto' does not count, and that it compares afterwards."""

_First = TypeVar('_First')
_Second = TypeVar('_Second')


class Schedule:
    """
    Does two pieces of work in one of SCHEDULES.

    'auto' does both ways in turns, which give the same results, and keeps the faster one.
    """

    def __init__(self, name: str = 'auto', *, clock: Callable[[], float] = perf_counter) -> None:
        """
        Begin.

        :param clock: In seconds.
        :raises ValueError: There is no schedule of this name.
        """
        self._clock = clock
        self._thread: ThreadPoolExecutor | None = None
        self.use(name)

    def use(self, name: str) -> None:
        """
        Begin another schedule.

        :raises ValueError: There is none of this name.
        """
        check_schedule(name)
        self._way = '' if name == 'auto' else name
        self._asked = name != 'auto'
        self._turn = 0
        self._seconds: dict[str, list[float]] = {way: [] for way in WAYS}

    @property
    def reason(self) -> str:
        """Report which way is taken and why."""
        if self._asked:
            return f'{self._way} as asked for'
        if not self._way:
            return 'sequential and parallel in turns, to find the faster one'
        times = ', '.join(f'{way} {1e3 * self._median(way):.1f} ms' for way in WAYS)
        return f'{self._way}, the faster one: {times}'

    def both(
        self, first: Callable[[], _First], second: Callable[[], _Second]
    ) -> tuple[_First, _Second, bool]:
        """
        Do both.

        :returns: What they return, and whether they were done on two threads.
        """
        way = self._way or WAYS[self._turn % len(WAYS)]
        start = self._clock()
        one, other = self._parallel(first, second) if way == 'parallel' else (first(), second())
        if not self._way:
            self._note(way, self._clock() - start)
        return one, other, way == 'parallel'

    def close(self) -> None:
        """End the second thread."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _parallel(
        self, first: Callable[[], _First], second: Callable[[], _Second]
    ) -> tuple[_First, _Second]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix='depth_network')
        future = self._thread.submit(second)
        try:
            one = first()
        finally:
            # Its buffers are in use until then, whatever became of the first.
            wait([future])
        return one, future.result()

    def _note(self, way: str, seconds: float) -> None:
        self._turn += 1
        self._seconds[way].append(seconds)
        if self._turn == len(WAYS) * (WARM_UP + TURNS):
            self._way = min(WAYS, key=self._median)

    def _median(self, way: str) -> float:
        return median(self._seconds[way][WARM_UP:])


def check_schedule(name: str) -> None:
    """
    Check the name of a schedule.

    :raises ValueError: There is none of this name.
    """
    if name not in SCHEDULES:
        raise ValueError(f'schedule must be one of {", ".join(SCHEDULES)}, not {name!r}')
