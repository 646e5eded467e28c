# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well the borders between classes are met."""

from __future__ import annotations

from collections.abc import Iterable
import math

import cv2
import numpy as np
import numpy.typing as npt

VOID = 255


class BoundaryMeter:
    """
    Collect label images and tell how well the borders of the classes are met.

    The F-score of Csurka et al. (What is a good evaluation measure for semantic segmentation?,
    BMVC 2013): of every class, precision is the share of its predicted border pixels that have a
    true one nearby and recall the share of its true ones that have a predicted one nearby.
    Nearby means up to 0.75 % of the diagonal away in rows and in columns. A border lies between
    two known classes: where the truth is unknown and at the edge of the image there is none.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        """
        Start with nothing collected.

        :param ids: The class ids that are evaluated.
        """
        self.ids = tuple(ids)
        self._index = np.full(256, VOID, np.uint8)
        self._index[list(self.ids)] = np.arange(len(self.ids))
        # Found and all border pixels, of the prediction and of the truth, by class.
        self._counts = np.zeros((4, len(self.ids)), np.int64)

    def add(self, prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> None:
        """
        Add one image.

        :param prediction: (H, W) class ids.
        :param truth: (H, W) class ids, 255 where unknown.
        :raises ValueError: The shapes differ.
        """
        if prediction.shape != truth.shape:
            raise ValueError(
                f'expected labels of one shape, got {prediction.shape} and {truth.shape}'
            )
        true = self._index[truth]
        found = np.where(true == VOID, np.uint8(VOID), self._index[prediction])
        radius = max(1, round(0.0075 * math.hypot(*truth.shape)))
        window = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
        borders = [_border_pixels(item) for item in (found, true)]
        for index in range(len(self.ids)):
            own, other = (position[kind == index] for position, kind in borders)
            for row, pixels, others in ((0, own, other), (2, other, own)):
                self._counts[row, index] += _count_near(pixels, others, truth.shape, window)
                self._counts[row + 1, index] += len(pixels)

    def merge(self, other: BoundaryMeter) -> None:
        """Add all images of another meter of the same ids."""
        self._counts += other._counts

    def f_scores(self) -> dict[int, float]:
        """Return the score by id; NaN where neither truth nor prediction has a border."""
        result = {}
        for index, number in enumerate(self.ids):
            found, predicted, met, true = (int(value) for value in self._counts[:, index])
            precision = found / predicted if predicted else 0.0
            recall = met / true if true else 0.0
            total = precision + recall
            result[number] = 2.0 * precision * recall / total if total else 0.0
            if not predicted and not true:
                result[number] = math.nan
        return result

    def mean(self) -> float:
        """Average the scores over the ids whose borders occur in the truth; NaN without any."""
        true = self._counts[3]
        scores = self.f_scores().values()
        known = [score for score, count in zip(scores, true, strict=True) if count]
        return sum(known) / len(known) if known else math.nan


def _border_pixels(
    index: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
    """Find the pixels next to one of another known class: positions in the flat image, classes."""
    border = np.zeros(index.shape, np.bool_)
    known = index != VOID
    for one, other in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        differs = (index[one] != index[other]) & known[one] & known[other]
        border[one] |= differs
        border[other] |= differs
    position = np.flatnonzero(border)
    return position, index.reshape(-1)[position]


def _count_near(
    pixels: npt.NDArray[np.intp],
    others: npt.NDArray[np.intp],
    shape: tuple[int, ...],
    window: npt.NDArray[np.uint8],
) -> int:
    """Count the pixels that have one of the others in the window around them."""
    if not len(pixels) or not len(others):
        return 0
    mask = np.zeros(shape, np.uint8)
    mask.reshape(-1)[others] = 1
    return int(cv2.dilate(mask, window).reshape(-1)[pixels].sum())
