# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of depth on a dataset: as it is, median-scaled, by distance and by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.label_scores import plain
from segformer_ros.inference.results import CONFIDENCE_FACTOR
from segformer_ros.labels import LabelClass
from segformer_ros.metrics import CalibrationMeter, crop_of, CROPS, DepthMeter, median_scale

COLUMNS = (
    'abs_rel', 'sq_rel', 'mae', 'mse', 'rmse', 'irmse', 'rmse_log', 'log10', 'silog_raw25',
    'silog_eigen', 'silog_eigen_x100', 'silog_glpn', 'silog_bts', 'silog_kitti', 'delta1',
    'delta2', 'delta3', 'coverage', 'pixels',
)  # fmt: skip
SCALED_COLUMNS = ('median_scale', 'abs_rel_median_scaled', 'rmse_median_scaled')

Depth = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DepthRules:
    """
    How depth is evaluated.

    :param min_m: Nearest truth that is evaluated.
    :param max_m: Farthest truth that is evaluated.
    :param crop: The part of every image that is evaluated: one of metrics.CROPS.
    :param clip: Move predictions into the range first.
    :param bands_m: Distances between min_m and max_m where bands begin and end.
    """

    min_m: float = 0.5
    max_m: float = 80.0
    crop: str = 'none'
    clip: bool = False
    bands_m: tuple[float, ...] = (10.0, 20.0, 40.0)

    def __post_init__(self) -> None:
        self.meter()
        if self.crop not in CROPS:
            raise ValueError(f'crop must be one of {", ".join(CROPS)}, not {self.crop!r}')

    def meter(self) -> DepthMeter:
        """Return a meter of the whole range."""
        return DepthMeter(self.min_m, self.max_m, clip=self.clip)

    def bands(self) -> dict[str, tuple[float, float]]:
        """Return the ends of every band by its name; a depth at an end is in the nearer one."""
        inner = sorted(edge for edge in self.bands_m if self.min_m < edge < self.max_m)
        edges = [self.min_m, *inner, self.max_m]
        pairs = itertools.pairwise(edges)
        return {f'{low:g} to {high:g} m': (low, high) for low, high in pairs}


class DepthScores:
    """Collect depth images with their truth, which may be sparse."""

    def __init__(self, rules: DepthRules, classes: tuple[LabelClass, ...] = ()) -> None:
        """
        Start with nothing collected.

        :param classes: For which the depth is evaluated by itself, where the truth has labels.
        """
        self.rules, self.frames = rules, 0
        self._names = {item.id: item.name for item in classes}
        self._whole, self._scaled = rules.meter(), rules.meter()
        self._bands = {name: rules.meter() for name in rules.bands()}
        self._classes: dict[int, DepthMeter] = {}
        self._factors: list[float] = []
        self._calibration: CalibrationMeter | None = None

    def add(
        self,
        depth: Depth,
        truth: Depth,
        labels: Labels | None = None,
        confidence: Labels | None = None,
    ) -> dict[str, float]:
        """
        Evaluate one image.

        :param depth: (H, W) metres, NaN where unknown.
        :param truth: (H, W) metres, not finite where unknown or sky.
        :param labels: (H, W) true ids of the evaluated classes; None: unknown.
        :param confidence: (H, W) stated probability times 255 that depth is within a factor
            CONFIDENCE_FACTOR of the truth; None: the network states none.
        :returns: The figures of this image by COLUMNS and SCALED_COLUMNS.
        :raises ValueError: The shapes differ, or the image is too small for the crop.
        """
        if depth.shape != truth.shape:
            raise ValueError(f'expected depths of one shape, got {depth.shape}, {truth.shape}')
        area = crop_of(self.rules.crop, truth.shape[0], truth.shape[1])
        found, true = depth[area], truth[area]
        low, high = self.rules.min_m, self.rules.max_m
        # Sparse truth, bands and classes are all shares of this list of pixels.
        evaluated = np.isfinite(true) & (true >= low) & (true <= high)
        kinds = labels[area][evaluated] if labels is not None else None
        found, true = found[evaluated], true[evaluated]
        if confidence is not None:
            self._calibrate(confidence[area][evaluated], found, true)
        self.frames += 1
        row = self._evaluate(self._whole, found, true)
        for name, ends in self.rules.bands().items():
            inside = (true > ends[0]) & (true <= ends[1])
            inside |= (true == low) & (ends[0] == low)
            if inside.any():
                self._bands[name].add(found[inside], true[inside])
        if kinds is not None:
            self._add_classes(found, true, kinds)
        return {name: row[name] for name in COLUMNS} | self._add_scaled(found, true)

    def _add_classes(self, found: Depth, true: Depth, kinds: Labels) -> None:
        # Sorted once instead of compared once for each class; stable: every sum is in the order
        # of the image.
        order = np.argsort(kinds, kind='stable')
        found, true = found[order], true[order]
        counts = np.bincount(kinds, minlength=256)
        ends = np.cumsum(counts)
        for number in np.flatnonzero(counts).tolist():
            if number in self._names:
                part = slice(ends[number] - counts[number], ends[number])
                meter = self._classes.setdefault(number, self.rules.meter())
                meter.add(found[part], true[part])

    def _evaluate(self, meter: DepthMeter, found: Depth, true: Depth) -> dict[str, float]:
        """Evaluate the pixels of one image, if there are any, and give their own figures."""
        frame = self.rules.meter()
        if true.size:
            frame.add(found, true)
            meter.merge(frame)
        return frame.result()

    def _calibrate(self, confidence: Labels, found: Depth, true: Depth) -> None:
        known = np.isfinite(found)
        with np.errstate(divide='ignore'):
            ratio = np.maximum(found[known] / true[known], true[known] / found[known])
        self._calibration = self._calibration or CalibrationMeter()
        self._calibration.add(confidence[known] / 255.0, ratio <= CONFIDENCE_FACTOR)

    def _add_scaled(self, found: Depth, true: Depth) -> dict[str, float]:
        factor = median_scale(found, true)
        if math.isnan(factor):
            return dict.fromkeys(SCALED_COLUMNS, math.nan)
        self._factors.append(factor)
        row = self._evaluate(self._scaled, found * np.float32(factor), true)
        return dict(zip(SCALED_COLUMNS, (factor, row['abs_rel'], row['rmse']), strict=True))

    def summary(self) -> dict[str, Any]:
        """
        Return the figures for JSON; None where unknown.

        :returns: Those of DepthMeter.result(), and 'depth_by_distance', 'depth_by_class' and
            'depth_median_scaled', in which every image was multiplied by its own factor first;
            'depth_confidence' where the network states one: CalibrationMeter.result(), the
            'factor' that it is about, and its 'parts'.
        """
        factors = self._factors or [math.nan]
        return {
            'depth_frames': self.frames,
            'depth_range_m': [self.rules.min_m, self.rules.max_m],
            'depth_crop': self.rules.crop,
            'depth_clipped': self.rules.clip,
            **_plain(self._whole.result()),
            'depth_median_scaled': {
                'factor_mean': plain(float(np.mean(factors))),
                'factor_std': plain(float(np.std(factors))),
                **_plain(self._scaled.result()),
            },
            'depth_by_distance': {
                name: _plain(meter.result()) for name, meter in self._bands.items()
            },
            'depth_by_class': {
                self._names[number]: _plain(self._classes[number].result())
                for number in self._names
                if number in self._classes
            },
            **self._confidence_summary(),
        }

    def _confidence_summary(self) -> dict[str, Any]:
        meter = self._calibration
        if meter is None:
            return {}
        figures = {'factor': CONFIDENCE_FACTOR, **_plain(meter.result()), 'parts': meter.parts()}
        return {'depth_confidence': figures}


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: plain(value) for name, value in values.items()}
