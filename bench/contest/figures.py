# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the tables: medians, spreads, ratios, differences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median, pstdev, quantiles
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


def summary(samples_s: Sequence[float]) -> dict[str, float]:
    """
    Describe times.

    :param samples_s: Seconds, at least two.
    :returns: Milliseconds: median, and the first and third quartile as the spread.
    """
    first, _, third = quantiles(samples_s, n=4, method='inclusive')
    return {
        'median_ms': 1000.0 * median(samples_s),
        'q1_ms': 1000.0 * first,
        'q3_ms': 1000.0 * third,
    }


def ros2_benchmark_metrics(latencies_s: Sequence[float]) -> dict[str, float]:
    """
    Describe frames that follow one another without a pause, with the names of ros2_benchmark.

    :param latencies_s: Camera image to label and depth images in memory, of three frames or more.
    """
    jitters = np.abs(np.diff(latencies_s))
    return {
        'Mean Frame Rate (fps)': 1.0 / mean(latencies_s),
        '# of Frames Sent': len(latencies_s),
        'Max. End-to-End Latency (ms)': 1000.0 * max(latencies_s),
        'Min. End-to-End Latency (ms)': 1000.0 * min(latencies_s),
        'Mean End-to-End Latency (ms)': 1000.0 * mean(latencies_s),
        'Max. Frame-to-Frame Jitter (ms)': 1000.0 * float(jitters.max()),
        'Min. Frame-to-Frame Jitter (ms)': 1000.0 * float(jitters.min()),
        'Mean Frame-to-Frame Jitter (ms)': 1000.0 * float(jitters.mean()),
        'Frame-to-Frame Jitter Std. Deviation (ms)': 1000.0 * pstdev(jitters.tolist()),
    }


def relative_difference(found: Array, expected: Array) -> float:
    """Give the largest absolute difference over the largest expected value; NaN stays NaN."""
    difference = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64))
    return float(difference.max() / np.abs(np.asarray(expected, np.float64)).max())


def share_equal(found: Array, expected: Array) -> float:
    """Give the share of equal values, 0 to 1."""
    return float(np.mean(found == expected))


def ratio(records: Sequence[dict[str, Any]], against: str, key: str) -> dict[str, float]:
    """
    Say how many times faster everybody is than one of them.

    :param records: With 'name' and, under key, a summary.
    :returns: By name; empty where the one did not take part.
    """
    base = next((item[key]['median_ms'] for item in records if item['name'] == against), None)
    if base is None:
        return {}
    return {item['name']: base / item[key]['median_ms'] for item in records}
