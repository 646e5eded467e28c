# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How calm labels are from frame to frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID


class Flicker(NamedTuple):
    """Pixels whose true class stayed, and how many of them changed their predicted class."""

    changed: int = 0
    steady: int = 0

    def plus(self, other: Flicker) -> Flicker:
        """Return the pixels of both."""
        return Flicker(self.changed + other.changed, self.steady + other.steady)

    def share(self) -> float:
        """Return the share that changed; NaN where nothing could be compared."""
        return self.changed / self.steady if self.steady else math.nan


class FlickerMeter:
    """
    Take the frames of a drive in order and tell how much the labels flicker.

    That is the share of the pixels whose true class is the same as in the frame before, but
    whose predicted class is another: what moves in the world does not count.
    """

    def __init__(self) -> None:
        """Start without a frame."""
        self._before: tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None = None

    def add(
        self, stamp_ns: int, prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]
    ) -> Flicker:
        """
        Take one frame; frames before the last one or of another size start from scratch.

        :param prediction: (H, W) class ids.
        :param truth: (H, W) class ids, 255 where unknown.
        :returns: The pixels since the frame before, none without one.
        """
        before, self._before = self._before, (stamp_ns, prediction, truth)
        if before is None or stamp_ns <= before[0] or before[2].shape != truth.shape:
            return Flicker()
        same = (truth == before[2]) & (truth != VOID)
        changed = np.count_nonzero(same & (prediction != before[1]))
        return Flicker(int(changed), int(np.count_nonzero(same)))
