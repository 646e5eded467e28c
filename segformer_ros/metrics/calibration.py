# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a stated probability comes true (reliability; Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

BINS = 10


class CalibrationMeter:
    """Collect stated probabilities and what came true, in BINS equal parts of 0 to 1."""

    def __init__(self) -> None:
        self._count = np.zeros(BINS)
        self._stated = np.zeros(BINS)
        self._right = np.zeros(BINS)

    def add(self, stated: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> None:
        """
        Add some cases.

        :param stated: Probabilities from 0 to 1, any shape; 1 belongs to the last part.
        :param right: Whether each came true, of the same shape.
        :raises ValueError: The shapes differ.
        """
        if stated.shape != right.shape:
            raise ValueError(f'expected one shape, got {stated.shape} and {right.shape}')
        values = stated.astype(np.float64).ravel()
        parts = np.minimum((values * BINS).astype(np.int64), BINS - 1)
        self._count += np.bincount(parts, minlength=BINS)
        self._stated += np.bincount(parts, weights=values, minlength=BINS)
        self._right += np.bincount(parts, weights=right.ravel(), minlength=BINS)

    def result(self) -> dict[str, float]:
        """
        Return the figures of all cases together; NaN where there are none.

        :returns: ``stated``, the mean probability; ``right``, the share that came true; ``error``,
            the mean over all cases of the difference of both in its part (expected calibration
            error, equation 3 of the paper); ``count``.
        """
        total = float(self._count.sum())
        if not total:
            return {'stated': math.nan, 'right': math.nan, 'error': math.nan, 'count': 0.0}
        return {
            'stated': float(self._stated.sum()) / total,
            'right': float(self._right.sum()) / total,
            'error': float(np.abs(self._stated - self._right).sum()) / total,
            'count': total,
        }

    def parts(self) -> list[dict[str, float]]:
        """
        Return the figures of each part that has cases, from the least probable up.

        :returns: ``from`` and ``to``, its ends; ``stated``, ``right`` and ``count`` as of
            result(); ``share`` of all cases.
        """
        total = self._count.sum()
        return [
            {
                'from': index / BINS,
                'to': (index + 1) / BINS,
                'stated': float(self._stated[index] / count),
                'right': float(self._right[index] / count),
                'share': float(count / total),
                'count': float(count),
            }
            for index, count in enumerate(self._count)
            if count
        ]
