# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time on the clock and time of the CPU: under load only the second one is the program's."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter, process_time


@dataclass(frozen=True)
class Moment:
    """A moment, or the time between two of them, in seconds."""

    clock_s: float
    processor_s: float


def now() -> Moment:
    """Return the present moment of this process."""
    return Moment(perf_counter(), process_time())


def elapsed(start: Moment) -> Moment:
    """Return the time since a moment."""
    return Moment(perf_counter() - start.clock_s, process_time() - start.processor_s)
