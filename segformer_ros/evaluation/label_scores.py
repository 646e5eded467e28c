# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All figures of the labels of a network on a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.evaluated_classes import EvaluatedClasses
from segformer_ros.metrics import BoundaryMeter, known_mean, SegmentationMeter

COLUMNS = ('miou', 'accuracy', 'mean_accuracy', 'frequency_weighted_iou', 'boundary_f')

Image = npt.NDArray[np.uint8]


class LabelFigures:
    """What label images are worth against their ground truth: meters that add up."""

    def __init__(
        self, ids: Sequence[int], counted: Sequence[int] = (), *, boundaries: bool = True
    ) -> None:
        """
        Start with nothing collected; ids and counted are those of SegmentationMeter.

        :param boundaries: Whether the borders of the classes are evaluated too.
        """
        self.segmentation = SegmentationMeter(ids, counted)
        self.boundary = BoundaryMeter(ids) if boundaries else None

    def add(self, prediction: Image, truth: Image) -> None:
        """
        Add one image.

        :raises ValueError: The shapes differ.
        """
        self.segmentation.add(prediction, truth)
        if self.boundary is not None:
            self.boundary.add(prediction, truth)

    def merge(self, other: LabelFigures) -> None:
        """Add what another one, of the same classes, has collected."""
        self.segmentation.merge(other.segmentation)
        if self.boundary is not None and other.boundary is not None:
            self.boundary.merge(other.boundary)

    def means(self) -> dict[str, float]:
        """Return the figures over all classes by COLUMNS, NaN where unknown."""
        meter = self.segmentation
        found = {
            'miou': meter.miou(),
            'accuracy': meter.accuracy(),
            'mean_accuracy': meter.mean_accuracy(),
            'frequency_weighted_iou': meter.frequency_weighted_iou(),
        }
        if self.boundary is not None:
            found['boundary_f'] = self.boundary.mean()
        return found


class LabelScores:
    """Collect label images with their truth."""

    def __init__(self, evaluated: EvaluatedClasses, *, boundaries: bool = True) -> None:
        """
        Start with nothing collected.

        :param boundaries: Whether the borders of the classes are evaluated too.
        """
        self.evaluated, self.frames = evaluated, 0
        self._boundaries = boundaries
        self._total = self._figures()
        self._rows: list[dict[str, float]] = []

    def add(self, labels: Image, truth: Image) -> dict[str, float]:
        """
        Evaluate one image.

        :param labels: (H, W) class ids of the network.
        :param truth: (H, W) class ids of the dataset, 255 where unknown.
        :returns: The figures of this image by COLUMNS.
        :raises ValueError: The shapes differ.
        """
        prediction, true = self.evaluated.prediction[labels], self.evaluated.truth[truth]
        frame = self._figures()
        frame.add(prediction, true)
        self._total.merge(frame)
        self.frames += 1
        row = frame.means()
        self._rows.append(row)
        return row

    def confusion(self) -> npt.NDArray[np.int64]:
        """Return (n, n) pixel counts of the n evaluated classes; rows are ground truth."""
        ids = list(self.evaluated.ids)
        return self._total.segmentation.matrix()[np.ix_(ids, ids)]

    def summary(self) -> dict[str, Any]:
        """Return the figures for JSON; None where unknown."""
        meter, boundary, pooled = (
            self._total.segmentation,
            self._total.boundary,
            self._total.means(),
        )
        summary: dict[str, Any] = {
            'label_frames': self.frames,
            **{name: plain(value) for name, value in pooled.items()},
            **{f'{name}_per_image': self._mean(name) for name in pooled},
            'iou': self._by_name(meter.iou()),
            'class_accuracy': self._by_name(meter.class_accuracy()),
            'not_evaluated': list(self.evaluated.left_out),
        }
        if boundary is not None:
            summary['boundary_f_by_class'] = self._by_name(boundary.f_scores())
        return summary

    def _figures(self) -> LabelFigures:
        ids, counted = self.evaluated.ids, self.evaluated.counted
        return LabelFigures(ids, counted, boundaries=self._boundaries)

    def _mean(self, name: str) -> float | None:
        return plain(known_mean(row[name] for row in self._rows))

    def _by_name(self, values: Mapping[int, float]) -> dict[str, float | None]:
        return {item.name: plain(values[item.id]) for item in self.evaluated.classes}


def plain(value: float) -> float | None:
    """Return a value that JSON has: None for NaN and infinity."""
    return value if math.isfinite(value) else None
