# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Borders and flicker of labels."""

import math

import numpy as np
import pytest
from segformer_ros.evaluation.flicker import FlickerMeter
from segformer_ros.metrics import BoundaryMeter

IDS = (3, 7, 9)


def slow_borders(labels, number):
    """Find the border pixels of a class one by one."""
    height, width = labels.shape
    found = []
    for row, column in np.argwhere(labels == number):
        for other_row, other_column in (
            (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1),
        ):  # fmt: skip
            inside = 0 <= other_row < height and 0 <= other_column < width
            if inside and labels[other_row, other_column] not in {number, 255}:
                found.append((row, column))
                break
    return np.array(found).reshape(-1, 2)


def share_nearby(own, other, radius):
    """Return the share of border pixels that have another nearby."""
    if not len(own):
        return None
    if not len(other):
        return 0.0
    distance = np.abs(own[:, np.newaxis] - other[np.newaxis]).max(axis=2)
    return float(np.mean(distance.min(axis=1) <= radius))


def test_the_f_score_is_that_of_the_definition():
    """Every border pixel compared with every other one, on blocks with unknown places."""
    rng = np.random.default_rng(8)
    truth = np.kron(rng.choice(IDS, (6, 9)), np.ones((15, 30))).astype(np.uint8)
    prediction = np.roll(truth, (1, 3), (0, 1))
    prediction[30:45, 80:130] = 9
    truth[10:20, 50:80] = 255
    radius = round(0.0075 * math.hypot(*truth.shape))
    assert radius == 2
    evaluated = np.where(truth == 255, np.uint8(255), prediction)

    meter = BoundaryMeter(IDS)
    meter.add(prediction, truth)

    expected = {}
    for number in IDS:
        own, other = slow_borders(evaluated, number), slow_borders(truth, number)
        precision = share_nearby(own, other, radius)
        recall = share_nearby(other, own, radius)
        expected[number] = 2 * precision * recall / (precision + recall)
    assert meter.f_scores() == pytest.approx(expected)
    assert 0.5 < meter.mean() < 1.0
    assert meter.mean() == pytest.approx(sum(expected.values()) / 3)


def test_a_perfect_prediction_has_the_score_one():
    """A class without a border in truth and prediction is not known."""
    truth = np.full((20, 20), 3, np.uint8)
    truth[:, 10:] = 7
    meter = BoundaryMeter(IDS)
    meter.add(truth, truth)
    assert meter.mean() == 1.0
    assert math.isnan(meter.f_scores()[9])


def test_a_missed_class_and_an_invented_one_have_the_score_zero():
    """The mean is over the classes of the truth."""
    truth = np.full((20, 20), 3, np.uint8)
    truth[:, 10:] = 7
    prediction = np.full((20, 20), 3, np.uint8)
    prediction[:, :2] = 9
    meter = BoundaryMeter(IDS)
    meter.add(prediction, truth)
    assert meter.f_scores() == {3: 0.0, 7: 0.0, 9: 0.0}
    assert meter.mean() == 0.0


def test_meters_of_borders_merge():
    """Frames evaluated one by one add up."""
    rng = np.random.default_rng(1)
    together, merged = BoundaryMeter(IDS), BoundaryMeter(IDS)
    for _ in range(3):
        truth, prediction = rng.choice(IDS, (2, 12, 12)).astype(np.uint8)
        one = BoundaryMeter(IDS)
        for meter in (one, together):
            meter.add(prediction, truth)
        merged.merge(one)
    assert merged.f_scores() == together.f_scores()
    assert math.isnan(BoundaryMeter(IDS).mean())


def test_borders_of_two_sizes_are_refused():
    """Neither is resized."""
    with pytest.raises(ValueError, match='of one shape'):
        BoundaryMeter(IDS).add(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


def test_flicker_is_change_where_the_ground_truth_stands_still():
    """What moves, and what is not known, does not count."""
    meter = FlickerMeter()
    truth = np.array([[3, 3, 3, 7, 255]], np.uint8)
    assert math.isnan(meter.add(1, truth, truth).share())
    moved = np.array([[3, 3, 3, 3, 255]], np.uint8)
    labels = np.array([[3, 9, 3, 9, 9]], np.uint8)
    first, second = meter.add(2, labels, moved), meter.add(3, labels, moved)
    assert first == (1, 3)
    assert second.share() == 0.0
    assert first.plus(second).share() == pytest.approx(1 / 7)


def test_flicker_starts_from_scratch_when_time_jumps_back_or_the_size_changes():
    """There is no frame before to compare with."""
    meter = FlickerMeter()
    one = np.full((2, 2), 3, np.uint8)
    meter.add(5, one, one)
    assert meter.add(4, one, one) == (0, 0)
    other = np.full((2, 3), 3, np.uint8)
    assert meter.add(6, other, other) == (0, 0)
    assert meter.add(7, other, other) == (0, 6)
