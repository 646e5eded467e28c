# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of merit against numbers worked out by hand."""

import math

import numpy as np
import pytest
from segformer_ros.metrics import (
    confusion_matrix,
    crop_of,
    DepthMeter,
    mean_iou,
    median_scale,
    SegmentationMeter,
)


def _labels(*rows):
    return np.array(rows, np.uint8)


def _depth(*values):
    return np.array([values], np.float32)


def test_the_confusion_matrix_has_the_ground_truth_in_its_rows():
    """Pixels of the ignored id are not there at all."""
    prediction = _labels([0, 1, 1, 2])
    truth = _labels([0, 0, 1, 255])
    matrix = confusion_matrix(prediction, truth, num_ids=3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert confusion_matrix(prediction, truth).shape == (256, 256)
    assert confusion_matrix(prediction, truth, ignore=None)[255, 2] == 1
    assert confusion_matrix(_labels([]), _labels([])).sum() == 0


def test_ids_and_shapes_are_checked():
    """An id beyond the table, or images of two sizes, are the caller's mistake."""
    with pytest.raises(ValueError, match='expected class ids below 3, got 7'):
        confusion_matrix(_labels([7]), _labels([0]), num_ids=3)
    with pytest.raises(ValueError, match='one shape'):
        confusion_matrix(_labels([0, 1]), _labels([0]))
    with pytest.raises(ValueError, match='one shape'):
        DepthMeter().add(_depth(1, 2), _depth(1))


def test_iou_is_intersection_over_union():
    """
    Road has 2 of 3 true pixels and one false one, car 1 of 2 and one false one.

    The bus is predicted but not there, so it has an IoU but no part in the mean; the train is in
    neither; id 9 is not evaluated; 255 as a prediction is an error like any other.
    """
    meter = SegmentationMeter([1, 2, 3, 4])
    truth = _labels([1, 1, 1, 2, 2, 9, 255])
    prediction = _labels([1, 1, 2, 2, 1, 3, 1])
    meter.add(prediction, truth)
    meter.add(_labels([3, 255]), _labels([2, 2]))

    iou = meter.iou()

    assert iou[1] == pytest.approx(2 / 4)
    assert iou[2] == pytest.approx(1 / 5)
    assert iou[3] == 0.0
    assert math.isnan(iou[4])
    assert meter.miou() == pytest.approx((2 / 4 + 1 / 5) / 2)
    assert meter.accuracy() == pytest.approx(3 / 7)
    assert meter.miou_per_image() == pytest.approx(((2 / 4 + 1 / 3) / 2 + 0.0) / 2)
    assert meter.matrix().sum() == 7


def test_without_evaluated_pixels_figures_are_nan():
    """Not zero, not an exception."""
    meter = SegmentationMeter([1])
    meter.add(_labels([1]), _labels([255]))
    assert all(math.isnan(f()) for f in (meter.miou, meter.accuracy, meter.miou_per_image))
    result = DepthMeter().result()
    assert (result['pixels'], result['images']) == (0.0, 0.0)
    assert all(
        math.isnan(value) for name, value in result.items() if name not in {'pixels', 'images'}
    )


def test_depth_figures_by_hand():
    """Two pixels: 12 m for 10 m and 16 m for 20 m."""
    meter = DepthMeter()
    meter.add(_depth(12, 16), _depth(10, 20))

    result = meter.result()

    a, b = math.log(1.2), math.log(0.8)
    square, mean = (a * a + b * b) / 2, (a + b) / 2
    expected = {
        'abs_rel': 0.2,
        'sq_rel': (4 / 10 + 16 / 20) / 2,
        'rmse': math.sqrt((4 + 16) / 2),
        'rmse_log': math.sqrt(square),
        'log10': (math.log10(1.2) - math.log10(0.8)) / 2,
        'silog_eigen': square - 0.5 * mean**2,
        'silog_kitti': 100 * math.sqrt(square - mean**2),
        'silog_glpn': math.sqrt(square - 0.5 * mean**2),
        'delta1': 0.5,
        'delta2': 1.0,
        'delta3': 1.0,
        'coverage': 1.0,
        'pixels': 2.0,
        'images': 1.0,
    }
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert result['silog'] == result['silog_kitti_per_image']


def test_a_depth_that_is_wrong_by_a_factor_has_no_silog_of_kitti():
    """It is scale invariant; the other two forms keep half of the mean error."""
    truth = np.random.default_rng(0).uniform(1, 50, (20, 30)).astype(np.float32)
    meter = DepthMeter()
    meter.add(truth * np.float32(1.1), truth)
    result = meter.result()
    assert result['silog_kitti'] < 1e-3
    assert result['silog_eigen'] == pytest.approx(0.5 * math.log(1.1) ** 2, rel=1e-4)
    assert result['silog_glpn'] == pytest.approx(math.sqrt(0.5) * math.log(1.1), rel=1e-4)
    assert result['delta1'] == 1.0


def test_a_perfect_depth_has_no_error():
    """Rounding does not make a square root of a negative number."""
    truth = np.random.default_rng(0).uniform(1, 50, (20, 30)).astype(np.float32)
    meter = DepthMeter()
    meter.add(truth, truth)
    result = meter.result()
    assert result['silog'] == result['rmse'] == result['abs_rel'] == 0.0
    assert result['delta1'] == 1.0


def test_pooled_and_per_image_differ():
    """One image has one bad pixel, the other three good ones."""
    meter = DepthMeter()
    meter.add(_depth(15, math.nan, math.nan), _depth(10, math.nan, math.inf))
    meter.add(_depth(10, 10, 10), _depth(10, 10, 10))
    result = meter.result()
    assert result['abs_rel'] == pytest.approx(0.5 / 4)
    assert result['abs_rel_per_image'] == pytest.approx(0.25)
    assert result['rmse'] == pytest.approx(math.sqrt(25 / 4))
    assert result['rmse_per_image'] == pytest.approx(2.5)


def test_coverage_counts_what_has_no_prediction():
    """
    Of four pixels with a truth in range two have a depth.

    Infinity and zero are no depths; a truth out of range is not evaluated, with or without one.
    """
    meter = DepthMeter(min_m=1.0, max_m=80.0)
    nan = math.nan
    meter.add(_depth(2, nan, math.inf, 5, 0, 9, 9), _depth(2, 2, nan, 5, 5, 81, 0.5))
    result = meter.result()
    assert result['coverage'] == pytest.approx(2 / 4)
    assert result['pixels'] == 2.0
    assert result['abs_rel'] == 0.0


@pytest.mark.parametrize('limits', [(0.0, 80.0), (5.0, 5.0), (9.0, 5.0)])
def test_an_impossible_range_is_refused(limits):
    """A depth of zero has no logarithm."""
    with pytest.raises(ValueError, match='expected 0 < min_m < max_m'):
        DepthMeter(*limits)


def test_merged_meters_are_one_meter():
    """Evaluating frame by frame and adding up gives the very same figures."""
    rng = np.random.default_rng(6)
    ids = (1, 2, 3)
    together, merged = SegmentationMeter(ids), SegmentationMeter(ids)
    depth_together, depth_merged = DepthMeter(), DepthMeter()
    total = np.zeros((256, 256), np.int64)
    for _ in range(3):
        labels, truth = rng.integers(0, 5, (2, 6, 7)).astype(np.uint8)
        depth, true = rng.uniform(0.2, 100.0, (2, 6, 7)).astype(np.float32)
        one, one_depth = SegmentationMeter(ids), DepthMeter()
        for meter in (together, one):
            meter.add(labels, truth)
        for meter in (depth_together, one_depth):
            meter.add(depth, true)
        merged.merge(one)
        depth_merged.merge(one_depth)
        total += one.matrix()
    np.testing.assert_array_equal(merged.matrix(), together.matrix())
    assert merged.miou_per_image() == together.miou_per_image()
    assert depth_merged.result() == depth_together.result()
    assert mean_iou(total, ids) == together.miou()


def test_a_false_class_on_counted_pixels_lowers_its_iou():
    """
    SHIFT is evaluated like this: 9 is no class of the mean, yet road predicted there is false.

    The unlabelled pixel counts nowhere, nor does 9 in the accuracy.
    """
    truth = _labels([1, 1, 2, 9, 9, 255])
    prediction = _labels([1, 1, 2, 1, 9, 1])
    strict, lenient = SegmentationMeter([1, 2], counted=[9]), SegmentationMeter([1, 2])
    strict.add(prediction, truth)
    lenient.add(prediction, truth)
    assert strict.iou() == {1: pytest.approx(2 / 3), 2: 1.0}
    assert lenient.iou() == {1: 1.0, 2: 1.0}
    assert strict.miou() == pytest.approx((2 / 3 + 1) / 2)
    assert strict.accuracy() == 1.0


def test_means_over_classes_by_hand():
    """Of eight pixels six are road, of which three are found, and two are car, both found."""
    meter = SegmentationMeter([1, 2, 3])
    meter.add(_labels([1, 1, 1, 2, 2, 2, 2, 2]), _labels([1, 1, 1, 1, 1, 1, 2, 2]))
    accuracy = meter.class_accuracy()
    assert (accuracy[1], accuracy[2]) == (0.5, 1.0)
    assert math.isnan(accuracy[3])
    assert meter.mean_accuracy() == pytest.approx(0.75)
    assert meter.accuracy() == pytest.approx(5 / 8)
    assert meter.iou()[2] == pytest.approx(2 / 5)
    assert meter.frequency_weighted_iou() == pytest.approx(6 / 8 * 3 / 6 + 2 / 8 * 2 / 5)


def test_all_forms_of_the_scale_invariant_error_by_hand():
    """Of d = ln 1.2 and ln 0.8: means and mean squares, put together as each paper does."""
    meter = DepthMeter()
    meter.add(_depth(12, 16), _depth(10, 20))
    a, b = math.log(1.2), math.log(0.8)
    square, mean = (a * a + b * b) / 2, (a + b) / 2
    expected = {
        'silog_raw25': square - 0.25 * mean**2,
        'silog_eigen': square - 0.5 * mean**2,
        'silog_eigen_x100': 100 * (square - 0.5 * mean**2),
        'silog_glpn': math.sqrt(square - 0.5 * mean**2),
        'silog_bts': 10 * math.sqrt(square - 0.85 * mean**2),
        'silog_kitti': 100 * math.sqrt(square - mean**2),
        'mae': 3.0,
        'mse': 10.0,
        'irmse': math.sqrt(((1000 / 12 - 100) ** 2 + (1000 / 16 - 50) ** 2) / 2),
    }
    result = meter.result()
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_clipped_predictions_are_moved_into_the_range():
    """0.1 m becomes 1 m and 500 m becomes 80 m; what is no depth stays without one."""
    meter = DepthMeter(1.0, 80.0, clip=True)
    meter.add(_depth(0.1, 500, math.nan), _depth(1, 80, 5))
    result = meter.result()
    assert result['abs_rel'] == 0.0
    assert result['coverage'] == pytest.approx(2 / 3)


def test_the_median_scale_looks_at_pixels_with_both():
    """The medians of 2, 4, 6 and 10, 20, 60; without a pair there is none."""
    scale = median_scale(_depth(2, 4, 6, math.nan, 9), _depth(10, 20, 60, 3, math.inf))
    assert scale == pytest.approx(20 / 4)
    assert math.isnan(median_scale(_depth(math.nan), _depth(1)))


@pytest.mark.parametrize(
    ('name', 'size', 'rows', 'columns'),
    [
        ('none', (375, 1242), (0, 375), (0, 1242)),
        ('garg', (375, 1242), (153, 371), (44, 1197)),
        ('eigen', (375, 1242), (124, 342), (44, 1197)),
        ('nyu', (480, 640), (45, 471), (41, 601)),
        ('kitti', (375, 1242), (23, 375), (13, 1229)),
        ('shift', (800, 1280), (0, 740), (0, 1280)),
    ],
)
def test_crops_keep_what_their_papers_keep(name, size, rows, columns):
    """Rows and columns, the last ones not included."""
    found = crop_of(name, *size)
    assert [(item.start, item.stop) for item in found] == [rows, columns]


def test_impossible_crops_are_refused():
    """The crop of KITTI has a size of its own."""
    with pytest.raises(ValueError, match='needs images of 352x1216 or more, got 256x512'):
        crop_of('kitti', 256, 512)
    with pytest.raises(ValueError, match='crop must be one of none, garg'):
        crop_of('middle', 256, 512)
