# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of merit against those of another implementation."""

import math

import numpy as np
import pytest
from segformer_ros.metrics import DepthMeter, SegmentationMeter

torch = pytest.importorskip('torch', reason='torchmetrics needs torch')
classification = pytest.importorskip(
    'torchmetrics.classification', reason='torchmetrics is not installed (requirements/test.txt)'
)
regression = pytest.importorskip('torchmetrics.regression')

CLASSES = 4


@pytest.fixture(scope='module')
def labels():
    """Return predictions and truths of three images; some truth is unknown."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, CLASSES, (3, 20, 30)).astype(np.uint8)
    noise = rng.integers(0, CLASSES, truth.shape).astype(np.uint8)
    prediction = np.where(rng.random(truth.shape) < 0.6, truth, noise)
    truth[rng.random(truth.shape) < 0.1] = 255
    return prediction, truth


@pytest.fixture(scope='module')
def depths():
    """Return predictions and truths of three images, all valid."""
    rng = np.random.default_rng(3)
    truth = rng.uniform(1.0, 70.0, (3, 20, 30)).astype(np.float32)
    return (truth * rng.uniform(0.6, 1.5, truth.shape)).astype(np.float32), truth


def _updated(metric, prediction, truth):
    for found, true in zip(prediction, truth, strict=True):
        metric.update(torch.from_numpy(found), torch.from_numpy(true))
    return metric.compute()


def _class_metric(kind, average, labels):
    options = {'num_classes': CLASSES, 'ignore_index': 255, 'average': average}
    metric = getattr(classification, kind)(**options)
    prediction, truth = (item.astype(np.int64) for item in labels)
    return _updated(metric, prediction, truth).numpy()


def test_labels_agree(labels):
    """IoU and accuracy by class and their means, and the confusion matrix."""
    meter = SegmentationMeter(range(CLASSES))
    for found, true in zip(*labels, strict=True):
        meter.add(found, true)
    iou = _class_metric('MulticlassJaccardIndex', 'none', labels)
    np.testing.assert_allclose(list(meter.iou().values()), iou, rtol=1e-6)
    assert meter.miou() == pytest.approx(iou.mean(), rel=1e-6)
    weighted = _class_metric('MulticlassJaccardIndex', 'weighted', labels)
    assert meter.frequency_weighted_iou() == pytest.approx(float(weighted), rel=1e-6)
    accuracy = _class_metric('MulticlassAccuracy', 'none', labels)
    np.testing.assert_allclose(list(meter.class_accuracy().values()), accuracy, rtol=1e-6)
    micro = _class_metric('MulticlassAccuracy', 'micro', labels)
    assert meter.accuracy() == pytest.approx(float(micro), rel=1e-6)
    metric = classification.MulticlassConfusionMatrix(num_classes=CLASSES, ignore_index=255)
    matrix = _updated(metric, *(item.astype(np.int64) for item in labels)).numpy()
    np.testing.assert_array_equal(meter.matrix()[:CLASSES, :CLASSES], matrix)


def test_depths_agree(depths):
    """Errors in metres, relative ones, and those of the logarithm."""
    meter = DepthMeter()
    for found, true in zip(*depths, strict=True):
        meter.add(found, true)
    result = meter.result()
    flat = [item.reshape(3, -1) for item in depths]
    logs = [np.log(item) for item in flat]
    kinds = {
        'mae': (regression.MeanAbsoluteError(), flat),
        'mse': (regression.MeanSquaredError(), flat),
        'rmse': (regression.MeanSquaredError(squared=False), flat),
        'abs_rel': (regression.MeanAbsolutePercentageError(), flat),
        'rmse_log': (regression.MeanSquaredError(squared=False), logs),
    }
    for name, (metric, values) in kinds.items():
        assert result[name] == pytest.approx(float(_updated(metric, *values)), rel=1e-5), name
    spread = np.std(logs[0] - logs[1])
    assert result['silog_kitti'] == pytest.approx(100.0 * float(spread), rel=1e-5)
    log10 = _updated(regression.MeanAbsoluteError(), *logs) / math.log(10.0)
    assert result['log10'] == pytest.approx(float(log10), rel=1e-5)
