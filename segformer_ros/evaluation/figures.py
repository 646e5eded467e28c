# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All figures of some frames: of every frame so far, or of the latest ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.flicker import Flicker
from segformer_ros.evaluation.label_scores import LabelFigures, plain
from segformer_ros.labels import LabelSet
from segformer_ros.metrics import BoundaryMeter, DepthMeter


class Figures:
    """What label images and depth images, each evaluated with its truth, are worth together."""

    def __init__(self, classes: LabelSet, range_m: tuple[float, float]) -> None:
        """
        Start with no frames.

        :param classes: All classes that are evaluated.
        :param range_m: Nearest and farthest ground-truth depth that is evaluated, metres.
        """
        self.classes = classes
        self.range_m = range_m
        self.labels = LabelFigures(classes.ids)
        self.flicker = Flicker()
        self.depth = DepthMeter(*range_m)
        self.label_frames = self.depth_frames = 0

    def iou_by_name(self) -> dict[str, float]:
        """Return the IoU of every class that was met, in truth or prediction."""
        iou = self.labels.segmentation.iou()
        return {
            item.name: iou[item.id]
            for item in self.classes.classes
            if not math.isnan(iou[item.id])
        }

    def labels_summary(self) -> dict[str, Any]:
        """Return the figures of the labels as plain values for JSON; None where unknown."""
        assert self.labels.boundary is not None
        scores = self.labels.boundary.f_scores()
        by_name = {item.name: scores[item.id] for item in self.classes.classes}
        return {
            'frames': self.label_frames,
            'label_set': self.classes.name,
            **{name: plain(value) for name, value in self.labels.means().items()},
            'miou_per_image': plain(self.labels.segmentation.miou_per_image()),
            'iou': self.iou_by_name(),
            'boundary_f_by_class': {
                name: value for name, value in by_name.items() if not math.isnan(value)
            },
            'flicker': plain(self.flicker.share()),
        }

    def depth_summary(self) -> dict[str, Any]:
        """Return the figures of the depth as plain values for JSON; None where unknown."""
        return {
            'frames': self.depth_frames,
            'range_m': list(self.range_m),
            **{name: plain(value) for name, value in self.depth.result().items()},
        }


@dataclass(frozen=True)
class _LabelFrame:
    """The counts of one frame; those of its pairs of classes are few of 65536."""

    pairs: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    boundary: BoundaryMeter | None
    flicker: Flicker


class Window:
    """Keep the counts of the latest frames, to tell what they are worth."""

    def __init__(self, classes: LabelSet, range_m: tuple[float, float], frames: int) -> None:
        """
        Start with no frames.

        :param frames: How many label images, and how many depth images, are kept.
        """
        self.frames = frames
        self._classes, self._range_m = classes, range_m
        self._labels: deque[_LabelFrame] = deque(maxlen=frames)
        self._depths: deque[DepthMeter] = deque(maxlen=frames)

    def add_labels(self, frame: LabelFigures, flicker: Flicker) -> None:
        """Add what one label image is worth; the oldest one leaves a full window."""
        counts = frame.segmentation.matrix().ravel()
        pairs = np.flatnonzero(counts)
        self._labels.append(_LabelFrame(pairs, counts[pairs], frame.boundary, flicker))

    def add_depth(self, frame: DepthMeter) -> None:
        """Add what one depth image is worth; the oldest one leaves a full window."""
        self._depths.append(frame)

    def figures(self) -> Figures:
        """Return the figures of the frames that are kept."""
        result = Figures(self._classes, self._range_m)
        for item in self._labels:
            counts = np.zeros(256 * 256, np.int64)
            counts[item.pairs] = item.counts
            result.labels.segmentation.add_counts(counts.reshape(256, 256))
            if result.labels.boundary is not None and item.boundary is not None:
                result.labels.boundary.merge(item.boundary)
            result.flicker = result.flicker.plus(item.flicker)
        for depth in self._depths:
            result.depth.merge(depth)
        result.label_frames, result.depth_frames = len(self._labels), len(self._depths)
        return result
