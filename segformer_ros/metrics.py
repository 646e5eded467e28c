# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How good labels and depths are: one implementation for training, export, nodes and bags.

Figures are pooled over all pixels of the data set unless their name ends in ``_per_image``: those
are computed for each image and then averaged over the images, as most depth papers do.
"""

from __future__ import annotations

from collections.abc import Iterable
import math

import numpy as np
import numpy.typing as npt

_SUMS = ('abs_rel', 'sq_rel', 'square', 'log', 'log_square', 'log10', 'delta1', 'delta2', 'delta3')


def confusion_matrix(
    prediction: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8],
    num_ids: int = 256,
    ignore: int | None = 255,
) -> npt.NDArray[np.int64]:
    """
    Count the pixels of every pair of truth and prediction.

    :param prediction: Class ids, any shape.
    :param truth: Class ids, same shape.
    :param num_ids: All ids are below this number.
    :param ignore: Pixels of this true id are left out; None counts them all.
    :returns: (num_ids, num_ids), row: true id, column: predicted id.
    :raises ValueError: The shapes differ or an id is out of range.
    """
    if prediction.shape != truth.shape:
        raise ValueError(
            f'expected labels of one shape, got {prediction.shape} and {truth.shape}: '
            'resize neither, predict at the size of the truth'
        )
    rows, columns = truth.ravel(), prediction.ravel()
    if ignore is not None:
        keep = rows != ignore
        rows, columns = rows[keep], columns[keep]
    if rows.size and max(int(rows.max()), int(columns.max())) >= num_ids:
        worst = max(int(rows.max()), int(columns.max()))
        raise ValueError(f'expected class ids below {num_ids}, got {worst}')
    pairs = rows.astype(np.int64) * num_ids + columns
    return np.bincount(pairs, minlength=num_ids * num_ids).reshape(num_ids, num_ids)


class SegmentationMeter:
    """
    Collect label images and tell how well they agree with the truth.

    Pixels whose true id is not among the ids are left out; a prediction outside them is an error.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        """:param ids: The class ids that are judged."""
        self.ids = tuple(ids)
        self._matrix = np.zeros((256, 256), np.int64)
        self._image_mious: list[float] = []

    def add(self, prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> None:
        """
        Add one image.

        :param prediction: (H, W) class ids.
        :param truth: (H, W) class ids, 255 where unknown.
        :raises ValueError: The shapes differ.
        """
        matrix = confusion_matrix(prediction, truth)
        judged = np.zeros(256, np.bool_)
        judged[list(self.ids)] = True
        matrix[~judged] = 0
        self._matrix += matrix
        self._image_mious.append(_mean_of_present(matrix, self.ids))

    def merge(self, other: SegmentationMeter) -> None:
        """Add all images of another meter of the same ids."""
        self._matrix += other._matrix
        self._image_mious += other._image_mious

    def matrix(self) -> npt.NDArray[np.int64]:
        """Give the (256, 256) pixel counts, row: true id, column: predicted id."""
        return self._matrix.copy()

    def iou(self) -> dict[int, float]:
        """Give intersection over union by id; NaN: in neither truth nor prediction."""
        return _iou(self._matrix, self.ids)

    def miou(self) -> float:
        """Average the IoU over the ids that occur in the truth; NaN without any."""
        return _mean_of_present(self._matrix, self.ids)

    def miou_per_image(self) -> float:
        """Average the mIoU of the single images that have any judged pixel."""
        return _nanmean(self._image_mious)

    def accuracy(self) -> float:
        """Give the share of judged pixels with the right id; NaN without any."""
        total = int(self._matrix.sum())
        return float(np.trace(self._matrix)) / total if total else math.nan


class DepthMeter:
    """
    Collect depth images and tell how far they are from the truth.

    A pixel is judged where the truth is inside the range. Where the prediction there is not a
    positive finite number, it counts against the coverage and nowhere else.
    """

    def __init__(self, min_m: float = 0.5, max_m: float = 80.0) -> None:
        """
        Start with nothing collected.

        :param min_m: Nearest truth that is judged, metres, inclusive.
        :param max_m: Farthest truth that is judged, metres, inclusive.
        :raises ValueError: The range is empty or does not start above zero.
        """
        if not 0.0 < min_m < max_m:
            raise ValueError(f'expected 0 < min_m < max_m, got {min_m} and {max_m}')
        self.min_m, self.max_m = min_m, max_m
        self._sums = dict.fromkeys(_SUMS, 0.0)
        self._pixels = self._judged = self._images = 0
        self._image_results: list[dict[str, float]] = []

    def add(self, prediction: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> None:
        """
        Add one image.

        :param prediction: (H, W) metres, NaN where unknown.
        :param truth: (H, W) metres, not finite where unknown or sky.
        :raises ValueError: The shapes differ.
        """
        if prediction.shape != truth.shape:
            raise ValueError(
                f'expected depths of one shape, got {prediction.shape} and {truth.shape}: '
                'resize neither, predict at the size of the truth'
            )
        judged = np.isfinite(truth) & (truth >= self.min_m) & (truth <= self.max_m)
        valid = judged & np.isfinite(prediction) & (prediction > 0.0)
        self._images += 1
        self._judged += int(np.count_nonzero(judged))
        pixels = int(np.count_nonzero(valid))
        if pixels:
            sums = _depth_sums(prediction[valid].astype(np.float64), truth[valid])
            self._pixels += pixels
            self._image_results.append(_depth_figures(sums, pixels))
            for name, value in sums.items():
                self._sums[name] += value

    def merge(self, other: DepthMeter) -> None:
        """Add all images of another meter of the same range."""
        self._images += other._images
        self._judged += other._judged
        self._pixels += other._pixels
        self._image_results += other._image_results
        for name, value in other._sums.items():
            self._sums[name] += value

    def result(self) -> dict[str, float]:
        """
        Give every figure by name; NaN where nothing was judged.

        ``abs_rel``, ``sq_rel`` (m), ``rmse`` (m), ``rmse_log``, ``log10``, ``delta1`` to
        ``delta3`` (share below 1.25, 1.25^2, 1.25^3) and, with d = ln prediction - ln truth, the
        three published forms of the scale-invariant error: ``silog_eigen`` = mean(d^2) - 0.5
        mean(d)^2, ``silog_kitti`` = 100 sqrt(mean(d^2) - mean(d)^2), ``silog_glpn`` =
        sqrt(silog_eigen). Each also as ``..._per_image``; ``silog`` is
        ``silog_kitti_per_image``. ``coverage`` is the share of judged pixels with a prediction;
        ``pixels`` and ``images`` are counts.
        """
        result = _depth_figures(self._sums, self._pixels)
        for name in tuple(result):
            result[f'{name}_per_image'] = _nanmean(item[name] for item in self._image_results)
        result['silog'] = result['silog_kitti_per_image']
        result['coverage'] = self._pixels / self._judged if self._judged else math.nan
        result['pixels'] = float(self._pixels)
        result['images'] = float(self._images)
        return result


def mean_iou(matrix: npt.NDArray[np.int64], ids: Iterable[int]) -> float:
    """
    Average the IoU over the ids that occur in the truth; NaN without any.

    :param matrix: (256, 256) pixel counts as of SegmentationMeter.matrix(), or a sum of such.
    """
    return _mean_of_present(matrix, ids)


def _iou(matrix: npt.NDArray[np.int64], ids: Iterable[int]) -> dict[int, float]:
    true, found = matrix.sum(axis=1), matrix.sum(axis=0)
    result = {}
    for number in ids:
        hit = int(matrix[number, number])
        union = int(true[number] + found[number]) - hit
        result[number] = hit / union if union else math.nan
    return result


def _mean_of_present(matrix: npt.NDArray[np.int64], ids: Iterable[int]) -> float:
    present = matrix.sum(axis=1) > 0
    return _nanmean(value for number, value in _iou(matrix, ids).items() if present[number])


def _nanmean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _depth_sums(
    prediction: npt.NDArray[np.float64], truth: npt.NDArray[np.float32]
) -> dict[str, float]:
    true = truth.astype(np.float64)
    error = prediction - true
    log = np.log(prediction) - np.log(true)
    sums = {
        'abs_rel': float(np.sum(np.abs(error) / true)),
        'sq_rel': float(np.sum(error * error / true)),
        'square': float(np.sum(error * error)),
        'log': float(np.sum(log)),
        'log_square': float(np.sum(log * log)),
        'log10': float(np.sum(np.abs(log))) / math.log(10.0),
    }
    ratio = np.maximum(prediction / true, true / prediction)
    for power in (1, 2, 3):
        sums[f'delta{power}'] = float(np.count_nonzero(ratio < 1.25**power))
    return sums


def _depth_figures(sums: dict[str, float], pixels: int) -> dict[str, float]:
    mean = {name: value / pixels if pixels else math.nan for name, value in sums.items()}
    eigen = mean['log_square'] - 0.5 * mean['log'] ** 2
    variance = mean['log_square'] - mean['log'] ** 2
    return {
        'abs_rel': mean['abs_rel'],
        'sq_rel': mean['sq_rel'],
        'rmse': math.sqrt(mean['square']),
        'rmse_log': math.sqrt(mean['log_square']),
        'log10': mean['log10'],
        'silog_eigen': eigen,
        # Rounding can leave a constant error with a variance just below zero.
        'silog_kitti': 100.0 * math.sqrt(variance if not variance < 0.0 else 0.0),
        'silog_glpn': math.sqrt(eigen),
        'delta1': mean['delta1'],
        'delta2': mean['delta2'],
        'delta3': mean['delta3'],
    }
