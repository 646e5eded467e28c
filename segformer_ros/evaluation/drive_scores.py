# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All figures of a drive: over all frames, over the last ones, and of every single one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.figures import Figures, Window
from segformer_ros.evaluation.flicker import FlickerMeter
from segformer_ros.evaluation.label_scores import LabelFigures
from segformer_ros.labels.class_maps import CommonClasses
from segformer_ros.metrics import DepthMeter

LABEL_COLUMNS = ('miou', 'accuracy', 'boundary_f', 'flicker')
DEPTH_COLUMNS = (
    'abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'log10', 'silog_eigen', 'silog_kitti', 'silog_glpn',
    'delta1', 'delta2', 'delta3', 'coverage',
)  # fmt: skip

FrameKey = tuple[int, int]
"""Of the figures of a single frame: how often stamps have jumped back, and its stamp, ns."""

# Five hours at 10 Hz, about 200 MB; older frames then leave the file, not the figures.
_MOST_ROWS = 200_000


class DriveScores:
    """
    Evaluate label images and depth images, each with its truth.

    `total` has the figures of all frames, `window` keeps the latest ones; `evaluated` counts them
    by 'labels' and 'depth'; `rows` holds the figures of single frames in the order in which the
    frames came.
    """

    def __init__(
        self, classes: CommonClasses, *, min_depth_m: float, max_depth_m: float, window: int
    ) -> None:
        """
        Start with nothing evaluated.

        :param classes: What the classes of the labels (first) and of the truth (second) share.
        :param min_depth_m: Nearest ground-truth depth that is evaluated.
        :param max_depth_m: Farthest ground-truth depth that is evaluated.
        :param window: Number of frames that the windowed figures are of.
        """
        self.classes = classes
        self.range_m = (min_depth_m, max_depth_m)
        self.total = Figures(classes.label_set, self.range_m)
        self.window = Window(classes.label_set, self.range_m, window)
        self.rows: dict[FrameKey, dict[str, float]] = {}
        self._flicker, self._life = FlickerMeter(), 0

    @property
    def evaluated(self) -> Counter[str]:
        """Count the evaluated images by 'labels' and 'depth', those that there are."""
        return +Counter(labels=self.total.label_frames, depth=self.total.depth_frames)

    def add_labels(
        self,
        stamp_ns: int,
        labels: npt.NDArray[np.uint8],
        truth: npt.NDArray[np.uint8],
        *,
        life: int = 0,
    ) -> None:
        """
        Evaluate one label image.

        :param life: How often stamps have jumped back before it.
        :param labels: (H, W) class ids of the first label set.
        :param truth: (H, W) class ids of the second label set, 255 where unknown.
        :raises ValueError: The shapes differ.
        """
        prediction, true = self.classes.first[labels], self.classes.second[truth]
        ids = self.classes.label_set.ids
        frame = LabelFigures(ids)
        frame.add(prediction, true)
        if life != self._life:
            self._flicker, self._life = FlickerMeter(), life
        flicker = self._flicker.add(stamp_ns, prediction, true)
        total = self.total
        total.labels.merge(frame)
        total.flicker = total.flicker.plus(flicker)
        total.label_frames += 1
        self.window.add_labels(frame, flicker)
        row = frame.means() | {'flicker': flicker.share()}
        self._row((life, stamp_ns)).update({name: row[name] for name in LABEL_COLUMNS})

    def add_depth(
        self,
        stamp_ns: int,
        depth: npt.NDArray[np.float32],
        truth: npt.NDArray[np.float32],
        *,
        life: int = 0,
    ) -> None:
        """
        Evaluate one depth image.

        :param life: How often stamps have jumped back before it.
        :param depth: (H, W) metres, NaN where unknown.
        :param truth: (H, W) metres, +inf for the sky.
        :raises ValueError: The shapes differ.
        """
        frame = DepthMeter(*self.range_m)
        frame.add(depth, truth)
        self.total.depth.merge(frame)
        self.total.depth_frames += 1
        self.window.add_depth(frame)
        result = frame.result()
        self._row((life, stamp_ns)).update({name: result[name] for name in DEPTH_COLUMNS})

    def _row(self, key: FrameKey) -> dict[str, float]:
        if key not in self.rows and len(self.rows) >= _MOST_ROWS:
            del self.rows[next(iter(self.rows))]
        return self.rows.setdefault(key, {})
