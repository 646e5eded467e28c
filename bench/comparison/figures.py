# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the tables: ratios and differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


def relative_difference(found: Array, expected: Array) -> float:
    """Return the largest absolute difference over the largest expected value; NaN stays NaN."""
    difference = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64))
    return float(difference.max() / np.abs(np.asarray(expected, np.float64)).max())


def share_equal(found: Array, expected: Array) -> float:
    """Return the share of equal values, 0 to 1."""
    return float(np.mean(found == expected))


def ratio(records: Sequence[dict[str, Any]], against: str, key: str) -> dict[str, float]:
    """
    Describe how many times faster everybody is than one of them.

    :param records: With 'name' and, under key, 'median_ms'.
    :returns: By name; empty where the one did not take part.
    """
    base = next((item[key]['median_ms'] for item in records if item['name'] == against), None)
    if base is None:
        return {}
    return {item['name']: base / item[key]['median_ms'] for item in records}
