# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bring two streams together by exact stamp, whatever is lost or late on the way."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar

First = TypeVar('First')
Second = TypeVar('Second')

# A stamp that is older than the newest by more than this means that the source was restarted.
RESTART_NS = 1_000_000_000


class StampPairs(Generic[First, Second]):
    """
    Two streams of items with stamps; an item is kept until its partner comes or its turn is over.

    `unpaired` counts the items that gave way without a partner, by stream, `restarts` the jumps
    back in time.
    """

    def __init__(self, limit: int = 32) -> None:
        """
        Start with nothing kept.

        :param limit: Items without a partner that are kept of each stream, at least one.
        :raises ValueError: The limit is below one.
        """
        if limit < 1:
            raise ValueError(f'limit must be at least 1, not {limit}')
        self.unpaired = [0, 0]
        self.restarts = 0
        self._limit = limit
        self._first: OrderedDict[int, First] = OrderedDict()
        self._second: OrderedDict[int, Second] = OrderedDict()
        self._newest: list[int | None] = [None, None]

    def add_first(self, stamp_ns: int, item: First) -> tuple[First, Second] | None:
        """Add to the first stream and give the pair that this completes, if any."""
        self._watch(0, stamp_ns)
        if stamp_ns in self._second:
            return item, self._second.pop(stamp_ns)
        self._first[stamp_ns] = item
        self._shorten(0, self._first)
        return None

    def add_second(self, stamp_ns: int, item: Second) -> tuple[First, Second] | None:
        """Add to the second stream and give the pair that this completes, if any."""
        self._watch(1, stamp_ns)
        if stamp_ns in self._first:
            return self._first.pop(stamp_ns), item
        self._second[stamp_ns] = item
        self._shorten(1, self._second)
        return None

    def clear(self) -> None:
        """Forget everything that is kept or counted."""
        self._first.clear()
        self._second.clear()
        self._newest = [None, None]
        self.unpaired = [0, 0]
        self.restarts = 0

    def _shorten(self, stream: int, kept: OrderedDict[int, Any]) -> None:
        while len(kept) > self._limit:
            kept.popitem(last=False)
            self.unpaired[stream] += 1

    def _watch(self, stream: int, stamp_ns: int) -> None:
        """Drop what came before a jump back, so that it never meets a stamp that comes again."""
        newest = self._newest[stream]
        if newest is not None and stamp_ns < newest - RESTART_NS:
            self.restarts += 1
            streams: tuple[OrderedDict[int, Any], ...] = (self._first, self._second)
            for index, kept in enumerate(streams):
                for old in [key for key in kept if key > stamp_ns + RESTART_NS]:
                    del kept[old]
                    self.unpaired[index] += 1
        elif newest is not None and stamp_ns < newest:
            return
        self._newest[stream] = stamp_ns
