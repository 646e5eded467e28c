# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How calm labels are from frame to frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID


class FlickerMeter:
    """
    Collect the frames of a drive and tell how much the labels flicker.

    That is the share of the pixels whose true class is the same as in the frame before, but
    whose predicted class is another: what moves in the world does not count.
    """

    def __init__(self) -> None:
        """Start with nothing collected."""
        self._changed = self._steady = 0
        self._before: tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None = None

    def add(
        self, stamp_ns: int, prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]
    ) -> float:
        """
        Add one frame; frames before the last one or of another size start anew.

        :param prediction: (H, W) class ids.
        :param truth: (H, W) class ids, 255 where unknown.
        :returns: The flicker since the frame before, NaN without one.
        """
        before, self._before = self._before, (stamp_ns, prediction, truth)
        if before is None or stamp_ns <= before[0] or before[2].shape != truth.shape:
            return math.nan
        same = (truth == before[2]) & (truth != VOID)
        steady = int(np.count_nonzero(same))
        changed = int(np.count_nonzero(same & (prediction != before[1])))
        self._steady += steady
        self._changed += changed
        return changed / steady if steady else math.nan

    def mean(self) -> float:
        """Give the flicker over all frames, NaN without two that can be compared."""
        return self._changed / self._steady if self._steady else math.nan
