# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the evaluation collects and tells."""

import json
import math

import numpy as np
import pytest
from segformer_ros.evaluation.drive import DriveEvaluation, DriveOptions
from segformer_ros.evaluation.live_statistics import header, LiveStatistics, Rate, TIMES


@pytest.fixture
def statistics():
    """Return empty statistics for depths up to 80 m."""
    return LiveStatistics(DriveEvaluation(DriveOptions()))


def test_a_rate_is_intervals_over_time():
    """Eleven events in one second are ten intervals of 0.1 s."""
    rate = Rate()
    for index in range(11):
        rate.add(5.0 + index / 10)
    assert rate.overall() == pytest.approx(10.0)
    assert rate.recent(6.0) == pytest.approx(10.0)


def test_a_rate_falls_when_nothing_comes():
    """A stalled stream must not look alive."""
    rate = Rate()
    for index in range(11):
        rate.add(index / 10)
    assert rate.recent(4.0) == pytest.approx(10 / 4.0)
    assert rate.overall() == pytest.approx(10.0)


def test_a_rate_of_one_event_is_not_known():
    """There is no interval yet."""
    rate = Rate()
    assert math.isnan(rate.recent(0.0))
    rate.add(1.0)
    assert math.isnan(rate.recent(1.0))
    assert math.isnan(rate.overall())


def test_an_empty_summary_is_valid_json(statistics):
    """What is not known is null, never NaN, which JSON does not have."""
    text = json.dumps(statistics.summary(1.0), allow_nan=False)
    assert json.loads(text)['segmentation']['miou'] is None


def test_a_row_stands_under_its_header(statistics):
    """All rows are as wide as the header, whatever is known."""
    widths = {len(line) for line in header(ground_truth=True).splitlines()}
    widths.add(len(statistics.row(0.0)))
    for index in range(30):
        statistics.add_input(index / 10)
        statistics.add_output(index / 10)
        statistics.add_times(dict.fromkeys(TIMES, 80.4), dropped=2)
        scores = statistics.drive.scores
        scores.add_labels(index, np.ones((4, 4), np.uint8), np.ones((4, 4), np.uint8))
        scores.add_depth(index, np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    row = statistics.row(2.9)
    widths.add(len(row))
    assert len(widths) == 1
    assert row.split() == ['3', '10.0', '10.0', '2', '80', '1.000', '0.000', '1.000', '30']


def test_without_ground_truth_no_column_is_empty():
    """Its figures are left out, in the header and in the rows."""
    statistics = LiveStatistics(DriveEvaluation(DriveOptions()), ground_truth=False)
    for index in range(3):
        statistics.add_input(index / 10)
        statistics.add_output(index / 10)
        statistics.add_times(dict.fromkeys(TIMES, 80.4), dropped=2)
    row, lines = statistics.row(0.2), header(ground_truth=False).splitlines()
    assert row.split() == ['0', '10.0', '10.0', '2', '80']
    assert {len(row)} == {len(line) for line in lines}


def test_times_have_a_median_and_a_tail(statistics):
    """The split of the latency is what a user tunes by."""
    for value in range(100):
        statistics.add_times({name: float(value) for name in TIMES}, dropped=0)
    assert statistics.summary(1.0)['times_ms']['network'] == {'p50': 49.5, 'p99': 98.01}


def test_reset_forgets_everything(statistics):
    """A new measurement starts with nothing of the old one."""
    statistics.drive.scores.add_labels(1, np.ones((4, 4), np.uint8), np.ones((4, 4), np.uint8))
    statistics.drive.unknown['tag 99'] = 3
    statistics.add_output(1.0)
    statistics.reset(5.0)
    summary = statistics.summary(7.0)
    assert summary['seconds'] == 2.0
    assert summary['outputs']['frames'] == 0
    assert summary['segmentation']['miou'] is None
    assert summary['segmentation']['unknown_pixels'] == 0


def test_the_classes_are_listed_best_first(statistics):
    """The list ends with what is worth improving."""
    truth = np.array([[1, 1, 14, 14]], np.uint8)
    statistics.drive.scores.add_labels(1, np.array([[1, 1, 14, 1]], np.uint8), truth)
    names = [line.split()[0] for line in statistics.classes().splitlines()]
    assert names == ['road', 'car']
