# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bring two streams together by exact stamp, whatever is lost or late on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

First = TypeVar('First')
Second = TypeVar('Second')

# A stamp that is older than the newest by more than this means that the source was restarted.
RESTART_NS = 1_000_000_000


class RestartWatch:
    """
    Notice when the stamps of several streams begin again, of each stream in its own time.

    `restarts` counts the jumps back; one that all streams make is one.
    """

    def __init__(self, streams: int) -> None:
        """Start without a stamp."""
        self.restarts = 0
        self._newest: list[int | None] = [None] * streams
        self._lives = [0] * streams

    def add(self, stream: int, stamp_ns: int) -> tuple[int, ...]:
        """
        Take the stamp of the next item of a stream.

        :returns: The streams whose items so far are of a former life; none but after a jump back.
        """
        newest = self._newest[stream]
        if newest is not None and newest - RESTART_NS <= stamp_ns < newest:
            return ()
        self._newest[stream] = stamp_ns
        if newest is None or stamp_ns >= newest:
            return ()
        self._lives[stream] += 1
        if self._lives[stream] <= self.restarts:
            # Another one was here before: what it has brought since then is of this life.
            return (stream,)
        self.restarts = self._lives[stream]
        former = [index for index, life in enumerate(self._lives) if life < self.restarts]
        for index in former:
            last = self._newest[index]
            if last is not None and last - RESTART_NS <= stamp_ns:
                # Its own jump will be too small to be noticed.
                self._lives[index] = self.restarts
        return (stream, *former)


@dataclass
class Waiting(Generic[First]):
    """
    A message that waits for its partners.

    :param message: None after it was shrunk.
    :param again: Reads it again; None where that cannot be done.
    """

    message: First | None
    again: Callable[[], First] | None = None

    def shrink(self) -> bool:
        """Let go of the message where it can be read again, and tell whether it was."""
        if self.again is not None:
            self.message = None
        return self.message is None

    def read(self) -> First:
        """Return the message."""
        if self.message is None:
            assert self.again is not None
            return self.again()
        return self.message


class StampPairs(Generic[First, Second]):
    """
    Two streams of items with stamps; an item is kept until its partner comes or its turn is over.

    `unpaired` counts the items that gave way without a partner, by stream.
    """

    def __init__(
        self, limit: int = 32, shrink: Callable[[First | Second], bool] = lambda item: False
    ) -> None:
        """
        Start with nothing kept.

        :param limit: Items without a partner that are kept of each stream, at least one.
        :param shrink: Told of an item whose turn is over; where it returns True, it has made the
            item so small that it can stay.
        :raises ValueError: The limit is below one.
        """
        if limit < 1:
            raise ValueError(f'limit must be at least 1, not {limit}')
        self.unpaired = [0, 0]
        self._limit, self._shrink = limit, shrink
        self._large: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._first: dict[int, First] = {}
        self._second: dict[int, Second] = {}
        self._watch = RestartWatch(2)

    @property
    def restarts(self) -> int:
        """Return how often the stamps jumped back."""
        return self._watch.restarts

    def add_first(self, stamp_ns: int, item: First) -> tuple[First, Second] | None:
        """Add to the first stream and give the pair that this completes, if any."""
        self._forget_former(0, stamp_ns)
        if stamp_ns in self._second:
            self._large[1].pop(stamp_ns, None)
            return item, self._second.pop(stamp_ns)
        self._first[stamp_ns] = item
        self._shorten(0, stamp_ns, self._first)
        return None

    def add_second(self, stamp_ns: int, item: Second) -> tuple[First, Second] | None:
        """Add to the second stream and give the pair that this completes, if any."""
        self._forget_former(1, stamp_ns)
        if stamp_ns in self._first:
            self._large[0].pop(stamp_ns, None)
            return self._first.pop(stamp_ns), item
        self._second[stamp_ns] = item
        self._shorten(1, stamp_ns, self._second)
        return None

    def finish(self) -> None:
        """Count what still waits as unpaired and forget it."""
        for stream in (0, 1):
            self._forget(stream)

    def _shorten(self, stream: int, stamp_ns: int, kept: dict[int, Any]) -> None:
        large = self._large[stream]
        large[stamp_ns] = None
        while len(large) > self._limit:
            oldest = next(iter(large))
            del large[oldest]
            if not self._shrink(kept[oldest]):
                del kept[oldest]
                self.unpaired[stream] += 1

    def _forget(self, stream: int) -> None:
        kept: dict[int, Any] = self._second if stream else self._first
        self.unpaired[stream] += len(kept)
        kept.clear()
        self._large[stream].clear()

    def _forget_former(self, stream: int, stamp_ns: int) -> None:
        """Drop what came before a jump back, so that it never meets a stamp that comes again."""
        for index in self._watch.add(stream, stamp_ns):
            self._forget(index)
