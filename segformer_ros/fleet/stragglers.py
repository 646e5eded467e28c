# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shards that take far longer than the others: a second worker does them, the first one wins."""

from __future__ import annotations

from collections.abc import Callable

from segformer_ros.fleet.records import Shard

PATIENCE_S = 60.0
"""What every shard may take."""
_FACTOR = 3.0


class Stragglers:
    """
    Knows since when each shard is computed, and how long those before it have taken.

    :param clock: In seconds, steady.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: dict[int, tuple[float, Shard]] = {}
        self._twice: set[int] = set()
        self._seconds = self._frames = 0.0

    def begin(self, shard: Shard) -> None:
        """Note that a worker has a shard."""
        self._running.setdefault(shard.id, (self._clock(), shard))

    def end(self, shard: Shard, seconds: float) -> None:
        """Note that a shard is done, or given back: 0 seconds."""
        self._running.pop(shard.id, None)
        self._twice.discard(shard.id)
        if seconds:
            self._seconds += seconds
            self._frames += max(1, shard.frames)

    def next(self) -> Shard | None:
        """Return a shard that a second worker should do; None where there is none."""
        if not self._frames:
            return None
        now, pace_s = self._clock(), self._seconds / self._frames
        for start, shard in self._running.values():
            patience_s = max(PATIENCE_S, _FACTOR * pace_s * max(1, shard.frames))
            if shard.id not in self._twice and now - start > patience_s:
                self._twice.add(shard.id)
                return shard
        return None
