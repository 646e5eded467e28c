# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All figures of the labels of a network on a dataset."""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.judged_classes import JudgedClasses
from segformer_ros.metrics import BoundaryMeter, known_mean, SegmentationMeter

COLUMNS = ('miou', 'accuracy', 'mean_accuracy', 'frequency_weighted_iou', 'boundary_f')

Image = npt.NDArray[np.uint8]


class LabelScores:
    """Collect label images with their truth."""

    def __init__(self, judged: JudgedClasses, *, boundaries: bool = True) -> None:
        """
        Start with nothing collected.

        :param boundaries: Whether the borders of the classes are judged too.
        """
        self.judged, self.frames = judged, 0
        self._meter = SegmentationMeter(judged.ids, judged.counted)
        self._boundary = BoundaryMeter(judged.ids) if boundaries else None
        self._rows: list[dict[str, float]] = []

    def add(self, labels: Image, truth: Image) -> dict[str, float]:
        """
        Judge one image.

        :param labels: (H, W) class ids of the network.
        :param truth: (H, W) class ids of the dataset, 255 where unknown.
        :returns: The figures of this image by COLUMNS.
        :raises ValueError: The shapes differ.
        """
        prediction, true = self.judged.prediction[labels], self.judged.truth[truth]
        frame = SegmentationMeter(self.judged.ids, self.judged.counted)
        frame.add(prediction, true)
        self._meter.merge(frame)
        self.frames += 1
        row = _figures(frame)
        if self._boundary is not None:
            boundary = BoundaryMeter(self.judged.ids)
            boundary.add(prediction, true)
            self._boundary.merge(boundary)
            row['boundary_f'] = boundary.mean()
        self._rows.append(row)
        return row

    def confusion(self) -> npt.NDArray[np.int64]:
        """Give (n, n) pixel counts of the n judged classes, row: truth, column: prediction."""
        ids = list(self.judged.ids)
        return self._meter.matrix()[np.ix_(ids, ids)]

    def summary(self) -> dict[str, Any]:
        """Give the figures for JSON; None where unknown."""
        meter = self._meter
        pooled = _figures(meter)
        if self._boundary is not None:
            pooled['boundary_f'] = self._boundary.mean()
        summary: dict[str, Any] = {
            'label_frames': self.frames,
            **{name: plain(value) for name, value in pooled.items()},
            **{f'{name}_per_image': self._mean(name) for name in pooled},
            'iou': self._by_name(meter.iou()),
            'class_accuracy': self._by_name(meter.class_accuracy()),
            'not_judged': list(self.judged.left_out),
        }
        if self._boundary is not None:
            summary['boundary_f_by_class'] = self._by_name(self._boundary.f_scores())
        return summary

    def _mean(self, name: str) -> float | None:
        return plain(known_mean(row[name] for row in self._rows))

    def _by_name(self, values: Mapping[int, float]) -> dict[str, float | None]:
        return {item.name: plain(values[item.id]) for item in self.judged.classes}


def _figures(meter: SegmentationMeter) -> dict[str, float]:
    return {
        'miou': meter.miou(),
        'accuracy': meter.accuracy(),
        'mean_accuracy': meter.mean_accuracy(),
        'frequency_weighted_iou': meter.frequency_weighted_iou(),
    }


def plain(value: float) -> float | None:
    """Give a value that JSON has: None for NaN and infinity."""
    return value if math.isfinite(value) else None
