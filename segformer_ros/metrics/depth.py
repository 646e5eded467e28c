# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far depth is from the truth, in every form that papers and benchmarks use."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.metrics.means import known_mean

_SUMS = (
    'abs_rel', 'sq_rel', 'absolute', 'square', 'inverse_square', 'log', 'log_square', 'log10',
    'delta1', 'delta2', 'delta3',
)  # fmt: skip


class DepthMeter:
    """
    Collect depth images and tell how far they are from the truth.

    A pixel is evaluated where the truth is inside the range. Where the prediction there is not a
    positive finite number, it counts against the coverage and nowhere else.
    """

    def __init__(self, min_m: float = 0.5, max_m: float = 80.0, *, clip: bool = False) -> None:
        """
        Start with nothing collected.

        :param min_m: Nearest truth that is evaluated, metres, inclusive.
        :param max_m: Farthest truth that is evaluated, metres, inclusive.
        :param clip: Move predictions into the range first, as the code of Eigen et al. and GLPN
            does.
        :raises ValueError: The range is empty or does not start above zero.
        """
        if not 0.0 < min_m < max_m:
            raise ValueError(f'expected 0 < min_m < max_m, got {min_m} and {max_m}')
        self.min_m, self.max_m, self._clip = min_m, max_m, clip
        self._sums = dict.fromkeys(_SUMS, 0.0)
        self._pixels = self._evaluated = self._images = 0
        self._image_results: list[dict[str, float]] = []

    def add(self, prediction: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> None:
        """
        Add one image.

        :param prediction: Metres, NaN where unknown, any shape.
        :param truth: Metres, not finite where unknown or sky, same shape.
        :raises ValueError: The shapes differ.
        """
        if prediction.shape != truth.shape:
            raise ValueError(
                f'expected depths of one shape, got {prediction.shape} and {truth.shape}: '
                'resize neither, predict at the size of the ground truth'
            )
        evaluated = np.isfinite(truth) & (truth >= self.min_m) & (truth <= self.max_m)
        valid = evaluated & np.isfinite(prediction) & (prediction > 0.0)
        self._images += 1
        self._evaluated += int(np.count_nonzero(evaluated))
        pixels = int(np.count_nonzero(valid))
        if pixels:
            found = prediction[valid].astype(np.float64)
            found = np.clip(found, self.min_m, self.max_m) if self._clip else found
            sums = _depth_sums(found, truth[valid])
            self._pixels += pixels
            self._image_results.append(_depth_figures(sums, pixels))
            for name, value in sums.items():
                self._sums[name] += value

    def merge(self, other: DepthMeter) -> None:
        """Add all images of another meter of the same range."""
        self._images += other._images
        self._evaluated += other._evaluated
        self._pixels += other._pixels
        self._image_results += other._image_results
        for name, value in other._sums.items():
            self._sums[name] += value

    def result(self) -> dict[str, float]:
        """
        Return every figure by name; NaN where nothing was evaluated.

        ``abs_rel``; ``sq_rel``, ``mae`` and ``rmse`` (m), ``mse`` (m^2), ``irmse`` (1/km),
        ``rmse_log``, ``log10``, ``delta1`` to ``delta3`` (share below 1.25, 1.25^2, 1.25^3).

        The scale-invariant errors are made of M = mean(d^2) and m = mean(d), where d = ln
        prediction - ln truth: ``silog_raw25`` = M - 0.25 m^2 (shift-experiments, training),
        ``silog_eigen`` = M - 0.5 m^2 (Eigen et al. 2014), ``silog_eigen_x100`` = 100 times that,
        ``silog_glpn`` = sqrt(M - 0.5 m^2), ``silog_bts`` = 10 sqrt(M - 0.85 m^2) and
        ``silog_kitti`` = 100 sqrt(M - m^2) (the benchmarks of KITTI and SHIFT).

        Each also as ``..._per_image``; ``silog`` is ``silog_kitti_per_image``. ``coverage`` is
        the share of evaluated pixels with a prediction; ``pixels`` and ``images`` are counts.
        """
        result = _depth_figures(self._sums, self._pixels)
        for name in tuple(result):
            result[f'{name}_per_image'] = known_mean(item[name] for item in self._image_results)
        result['silog'] = result['silog_kitti_per_image']
        result['coverage'] = self._pixels / self._evaluated if self._evaluated else math.nan
        result['pixels'] = float(self._pixels)
        result['images'] = float(self._images)
        return result


def _depth_sums(
    prediction: npt.NDArray[np.float64], truth: npt.NDArray[np.float32]
) -> dict[str, float]:
    true = truth.astype(np.float64)
    error = prediction - true
    log = np.log(prediction) - np.log(true)
    sums = {
        'abs_rel': float(np.sum(np.abs(error) / true)),
        'sq_rel': float(np.sum(error * error / true)),
        'absolute': float(np.sum(np.abs(error))),
        'square': float(np.sum(error * error)),
        'inverse_square': float(np.sum((1000.0 / prediction - 1000.0 / true) ** 2)),
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
    return {
        'abs_rel': mean['abs_rel'],
        'sq_rel': mean['sq_rel'],
        'mae': mean['absolute'],
        'mse': mean['square'],
        'rmse': math.sqrt(mean['square']),
        'irmse': math.sqrt(mean['inverse_square']),
        'rmse_log': math.sqrt(mean['log_square']),
        'log10': mean['log10'],
        **_silog_forms(mean['log'], mean['log_square']),
        'delta1': mean['delta1'],
        'delta2': mean['delta2'],
        'delta3': mean['delta3'],
    }


def _silog_forms(mean: float, mean_square: float) -> dict[str, float]:
    # Rounding can leave a constant error with a variance just below zero.
    variance = mean_square - mean**2
    variance = variance if not variance < 0.0 else 0.0
    eigen = variance + 0.5 * mean**2
    return {
        'silog_raw25': variance + 0.75 * mean**2,
        'silog_eigen': eigen,
        'silog_eigen_x100': 100.0 * eigen,
        'silog_glpn': math.sqrt(eigen),
        'silog_bts': 10.0 * math.sqrt(variance + 0.15 * mean**2),
        'silog_kitti': 100.0 * math.sqrt(variance),
    }


def median_scale(prediction: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> float:
    """
    Return what a prediction must be multiplied by to have the median of the truth.

    :param prediction: Metres, NaN where unknown.
    :param truth: Metres, same shape, only pixels that are evaluated.
    :returns: NaN where no pixel has both.
    """
    valid = np.isfinite(prediction) & (prediction > 0.0) & np.isfinite(truth)
    if not valid.any():
        return math.nan
    return float(np.median(truth[valid])) / float(np.median(prediction[valid]))
