# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well labels agree with the truth: pixel counts, and the figures made of them."""

from __future__ import annotations

from collections.abc import Iterable
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.metrics.means import known_mean


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
            'resize neither, predict at the size of the ground truth'
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
    Pixels of the counted ids are not evaluated either, but an evaluated class that is predicted
    there is a false one: it counts in the union of that class and lowers its IoU.
    """

    def __init__(self, ids: Iterable[int], counted: Iterable[int] = ()) -> None:
        """
        Start with nothing collected.

        :param ids: The class ids that are evaluated.
        :param counted: True ids whose pixels count in unions alone.
        """
        self.ids = tuple(ids)
        self._kept = np.zeros(256, np.bool_)
        self._kept[[*self.ids, *counted]] = True
        self._matrix = np.zeros((256, 256), np.int64)
        self._image_mious: list[float] = []

    def add(self, prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> None:
        """
        Add one image.

        :param prediction: (H, W) class ids.
        :param truth: (H, W) class ids, 255 where unknown.
        :raises ValueError: The shapes differ.
        """
        self.add_counts(confusion_matrix(prediction, truth))

    def add_counts(self, counts: npt.NDArray[np.int64]) -> None:
        """
        Add one image by its pixel counts.

        :param counts: (256, 256) as confusion_matrix gives them.
        """
        matrix = np.where(self._kept[:, np.newaxis], counts, 0)
        self._matrix += matrix
        self._image_mious.append(_mean_of_present(matrix, self.ids))

    def merge(self, other: SegmentationMeter) -> None:
        """Add all images of another meter of the same ids."""
        self._matrix += other._matrix
        self._image_mious += other._image_mious

    def matrix(self) -> npt.NDArray[np.int64]:
        """Return the (256, 256) pixel counts, row: true id, column: predicted id."""
        return self._matrix.copy()

    def iou(self) -> dict[int, float]:
        """Return intersection over union by id; NaN: in neither truth nor prediction."""
        return _iou(self._matrix, self.ids)

    def miou(self) -> float:
        """Average the IoU over the ids that occur in the truth; NaN without any."""
        return _mean_of_present(self._matrix, self.ids)

    def miou_per_image(self) -> float:
        """Average the mIoU of the single images that have any evaluated pixel."""
        return known_mean(self._image_mious)

    def accuracy(self) -> float:
        """Return the share of evaluated pixels with the right id (aAcc); NaN without any."""
        numbers = list(self.ids)
        total = int(self._matrix[numbers].sum())
        return int(self._matrix[numbers, numbers].sum()) / total if total else math.nan

    def class_accuracy(self) -> dict[int, float]:
        """Return the share of the pixels of each id that were found; NaN: not in the truth."""
        true = self._matrix.sum(axis=1)
        return {
            number: int(self._matrix[number, number]) / int(true[number])
            if true[number]
            else math.nan
            for number in self.ids
        }

    def mean_accuracy(self) -> float:
        """Average the class accuracy over the ids that occur in the truth (mAcc); NaN without."""
        return known_mean(self.class_accuracy().values())

    def frequency_weighted_iou(self) -> float:
        """Average the IoU, each id weighing as much as it has true pixels; NaN without any."""
        true = self._matrix.sum(axis=1)
        total = sum(int(true[number]) for number in self.ids)
        known = ((int(true[number]), value) for number, value in self.iou().items())
        return sum(n * value for n, value in known if n) / total if total else math.nan


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
    return known_mean(value for number, value in _iou(matrix, ids).items() if present[number])
