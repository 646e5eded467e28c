# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All figures of a drive: over all frames, over the last ones, and of every single one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.carla import CommonClasses
from segformer_ros.judge.video_metrics import FlickerMeter
from segformer_ros.metrics import BoundaryMeter, DepthMeter, mean_iou, SegmentationMeter

LABEL_COLUMNS = ('miou', 'accuracy', 'boundary_f', 'flicker')
DEPTH_COLUMNS = (
    'abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'log10', 'silog_eigen', 'silog_kitti', 'silog_glpn',
    'delta1', 'delta2', 'delta3', 'coverage',
)  # fmt: skip

# Five hours at 10 Hz, about 200 MB; older frames then leave the file, not the figures.
_MOST_ROWS = 200_000


class DriveScores:
    """
    Judge label images and depth images, each with its truth.

    `judged` counts them by 'labels' and 'depth'; `rows` holds the figures of single frames by
    stamp, in the order in which the frames came.
    """

    def __init__(
        self, classes: CommonClasses, *, min_depth_m: float, max_depth_m: float, window: int
    ) -> None:
        """
        Start with nothing judged.

        :param classes: What the classes of the labels (first) and of the truth (second) share.
        :param min_depth_m: Nearest true depth that is judged.
        :param max_depth_m: Farthest true depth that is judged.
        :param window: Number of frames that the windowed figures are of.
        """
        self.classes = classes
        self.window = window
        self.range_m = (min_depth_m, max_depth_m)
        ids = classes.label_set.ids
        self.segmentation = SegmentationMeter(ids)
        self.boundary = BoundaryMeter(ids)
        self.flicker = FlickerMeter()
        self.depth = DepthMeter(*self.range_m)
        self.judged: Counter[str] = Counter()
        self.rows: dict[int, dict[str, float]] = {}
        self._recent_labels: deque[npt.NDArray[np.int32]] = deque(maxlen=window)
        self._recent_depths: deque[DepthMeter] = deque(maxlen=window)

    def judge_labels(
        self, stamp_ns: int, labels: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]
    ) -> None:
        """
        Judge one label image.

        :param labels: (H, W) class ids of the first label set.
        :param truth: (H, W) class ids of the second label set, 255 where unknown.
        :raises ValueError: The shapes differ.
        """
        prediction, true = self.classes.first[labels], self.classes.second[truth]
        frame = SegmentationMeter(self.segmentation.ids)
        frame.add(prediction, true)
        boundary = BoundaryMeter(self.boundary.ids)
        boundary.add(prediction, true)
        self.segmentation.merge(frame)
        self.boundary.merge(boundary)
        self.judged['labels'] += 1
        self._recent_labels.append(frame.matrix()[list(frame.ids)].astype(np.int32))
        self._row(stamp_ns).update(
            miou=frame.miou(),
            accuracy=frame.accuracy(),
            boundary_f=boundary.mean(),
            flicker=self.flicker.add(stamp_ns, prediction, true),
        )

    def judge_depth(
        self, stamp_ns: int, depth: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]
    ) -> None:
        """
        Judge one depth image.

        :param depth: (H, W) metres, NaN where unknown.
        :param truth: (H, W) metres, +inf for the sky.
        :raises ValueError: The shapes differ.
        """
        frame = DepthMeter(*self.range_m)
        frame.add(depth, truth)
        self.depth.merge(frame)
        self.judged['depth'] += 1
        self._recent_depths.append(frame)
        result = frame.result()
        self._row(stamp_ns).update({name: result[name] for name in DEPTH_COLUMNS})

    def window_miou(self) -> float:
        """Give the mIoU over the last frames; NaN without any."""
        matrix = np.zeros((256, 256), np.int64)
        for item in self._recent_labels:
            matrix[list(self.segmentation.ids)] += item
        return mean_iou(matrix, self.segmentation.ids)

    def window_depth(self) -> dict[str, float]:
        """Give the depth figures over the last frames."""
        meter = DepthMeter(*self.range_m)
        for item in self._recent_depths:
            meter.merge(item)
        return meter.result()

    def iou_by_name(self) -> dict[str, float]:
        """Give the IoU of every class that was met, in truth or prediction."""
        iou = self.segmentation.iou()
        return {
            item.name: iou[item.id]
            for item in self.classes.label_set.classes
            if not math.isnan(iou[item.id])
        }

    def labels_summary(self) -> dict[str, Any]:
        """Give the figures of the labels as plain values for JSON; None where unknown."""
        scores = self.boundary.f_scores()
        by_name = {item.name: scores[item.id] for item in self.classes.label_set.classes}
        return {
            'frames': self.judged['labels'],
            'label_set': self.classes.label_set.name,
            'miou': plain(self.segmentation.miou()),
            'miou_per_image': plain(self.segmentation.miou_per_image()),
            'miou_window': plain(self.window_miou()),
            'window': self.window,
            'accuracy': plain(self.segmentation.accuracy()),
            'iou': self.iou_by_name(),
            'boundary_f': plain(self.boundary.mean()),
            'boundary_f_by_class': {
                name: value for name, value in by_name.items() if not math.isnan(value)
            },
            'flicker': plain(self.flicker.mean()),
        }

    def depth_summary(self) -> dict[str, Any]:
        """Give the figures of the depth as plain values for JSON; None where unknown."""
        return {
            'frames': self.judged['depth'],
            'range_m': list(self.range_m),
            **plain_values(self.depth.result()),
            'window': self.window,
            'abs_rel_window': plain(self.window_depth()['abs_rel']),
        }

    def _row(self, stamp_ns: int) -> dict[str, float]:
        if stamp_ns not in self.rows and len(self.rows) >= _MOST_ROWS:
            del self.rows[next(iter(self.rows))]
        return self.rows.setdefault(stamp_ns, {})


def plain(value: float) -> float | None:
    """Give a value that JSON has: None for NaN."""
    return None if math.isnan(value) else value


def plain_values(values: Mapping[str, float]) -> dict[str, float | None]:
    """Give values that JSON has."""
    return {name: plain(value) for name, value in values.items()}
