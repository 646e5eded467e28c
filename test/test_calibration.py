# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stated probabilities against what came true, on numbers that are known."""

import math

import numpy as np
import pytest
from segformer_ros.metrics import CalibrationMeter


def test_figures_are_those_worked_by_hand():
    """Two parts: 0.15 and 0.25 stated, of which 0 and 2 thirds came true."""
    meter = CalibrationMeter()
    meter.add(np.array([0.1, 0.2]), np.array([False, False]))
    meter.add(np.array([[0.15, 0.25, 0.3]]), np.array([[False, True, True]]))
    first, second, third = meter.parts()
    assert (first['from'], first['to'], first['count']) == (0.1, 0.2, 2.0)
    assert (first['stated'], first['right'], first['share']) == pytest.approx((0.125, 0.0, 0.4))
    assert (second['stated'], second['right'], second['share']) == pytest.approx((0.225, 0.5, 0.4))
    assert (third['stated'], third['right'], third['share']) == pytest.approx((0.3, 1.0, 0.2))
    found = meter.result()
    assert found['count'] == 5.0
    assert (found['stated'], found['right']) == pytest.approx((0.2, 0.4))
    assert found['error'] == pytest.approx((2 * 0.125 + 2 * 0.275 + 0.7) / 5)


def test_honest_probabilities_are_found_to_be_so():
    """What comes true as often as stated has an error near 0; twice too sure has not."""
    rng = np.random.default_rng(2)
    stated = rng.uniform(0.0, 1.0, 200_000)
    right = rng.uniform(0.0, 1.0, stated.size) < stated
    honest, boastful = CalibrationMeter(), CalibrationMeter()
    honest.add(stated, right)
    boastful.add(np.sqrt(stated), right)
    assert honest.result()['error'] < 0.01
    assert boastful.result()['error'] == pytest.approx(2 / 3 - 1 / 2, abs=0.01)


def test_no_pixels_give_no_figures_and_the_limits_have_their_parts():
    """0 is in the first part, 1 in the last."""
    meter = CalibrationMeter()
    assert math.isnan(meter.result()['error'])
    assert meter.parts() == []
    meter.add(np.array([0.0, 1.0]), np.array([False, True]))
    assert [part['from'] for part in meter.parts()] == [0.0, 0.9]
    with pytest.raises(ValueError, match='expected one shape'):
        meter.add(np.zeros(2), np.zeros(3, np.bool_))
