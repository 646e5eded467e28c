# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the tables."""

from comparison import figures
import numpy as np
import pytest


def test_ratio_is_how_many_times_faster():
    """The one that all are compared with has 1; who takes half of its time has 2."""
    records = [
        {'name': 'slow', 'network': {'median_ms': 8.0}},
        {'name': 'fast', 'network': {'median_ms': 4.0}},
    ]
    assert figures.ratio(records, 'slow', 'network') == {'slow': 1.0, 'fast': 2.0}
    assert figures.ratio(records, 'absent', 'network') == {}


def test_difference_is_relative_to_the_largest_value():
    """Near zero a value may differ by many times itself; that does not count."""
    expected = np.array([0.001, -4.0, 2.0])
    found = np.array([0.003, -4.0, 2.0], np.float32)
    assert figures.relative_difference(found, expected) == pytest.approx(0.0005, rel=1e-3)


def test_difference_with_nan_is_nan():
    """What was not computed never looks like agreement."""
    assert np.isnan(figures.relative_difference(np.array([np.nan, 1.0]), np.array([1.0, 1.0])))


def test_share_equal_counts_places():
    """Three of four are three quarters, whatever their types."""
    found = np.array([1, 2, 3, 4], np.uint8)
    assert figures.share_equal(found, np.array([1, 2, 3, 5])) == 0.75
