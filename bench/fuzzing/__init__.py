# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The properties that bench/fuzz.py and test/test_fuzz.py look for counterexamples of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import resource
from typing import Any

from hypothesis.strategies import SearchStrategy

_LIMIT_BYTES = 64 << 20
_TIMES = 24
_INPUTS = 50


@dataclass(frozen=True)
class Target:
    """
    One kind of input.

    :param inputs: Draws them.
    :param check: Raises where a property does not hold.
    :param variants: Makes several inputs of what was drawn.
    """

    name: str
    inputs: SearchStrategy[Any]
    check: Callable[[Any], None]
    variants: Callable[[Any], Iterable[Any]] = lambda drawn: (drawn,)


class _Peak:
    """The most memory of this process, looked at now and then: the call takes milliseconds."""

    def __init__(self) -> None:
        self.inputs, self.stated, self.before = 0, 0, _peak_bytes()

    def count(self, stated: int) -> None:
        """
        Count an input that was read.

        :raises AssertionError: Memory has grown too much in the latest ones.
        """
        self.inputs += 1
        self.stated = max(self.stated, stated)
        if self.inputs < _INPUTS:
            return
        now = _peak_bytes()
        grown, allowed = now - self.before, _LIMIT_BYTES + _TIMES * self.stated
        self.inputs, self.stated, self.before = 0, 0, now
        if grown > allowed:
            raise AssertionError(
                f'memory grew by {grown} bytes in one of {_INPUTS} inputs, {allowed} were allowed'
            )


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


_PEAK = _Peak()


def forget_peak() -> None:
    """Begin again with the memory that the process has now."""
    _PEAK.inputs, _PEAK.stated, _PEAK.before = 0, 0, _peak_bytes()


@contextmanager
def bounded_memory(stated: int) -> Iterator[None]:
    """
    Fail where memory grows by more than some times the size that an input states, and a limit.

    :param stated: Bytes.
    """
    yield
    _PEAK.count(stated)
