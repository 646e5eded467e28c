# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A grid that moves with the robot through a world that stands still, and forgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.drivable_grid.observation import UNKNOWN


class GridMemory:
    """
    Keeps the newest cost of every cell until no one has seen it for a while.

    :param cells: Rows and columns.
    :param keep_s: Seconds after which an unseen cell becomes unknown again.
    """

    def __init__(self, cells: int, keep_s: float) -> None:
        self._keep_s = keep_s
        self._costs: npt.NDArray[np.int8] = np.full((cells, cells), UNKNOWN, np.int8)
        self._seen_s: npt.NDArray[np.float64] = np.full((cells, cells), -np.inf)
        self._first: tuple[int, int] | None = None
        self._newest_s = -np.inf

    def update(
        self, observed: npt.NDArray[np.int8], first_cell: tuple[int, int], time_s: float
    ) -> npt.NDArray[np.int8]:
        """
        Add what an image shows, and forget what is too old.

        :param observed: Of observation.observe.
        :param first_cell: Column and row of its first cell, from the origin of the frame.
        :param time_s: When the image was taken. A jump back of more than the time that cells are
            kept empties the memory: it is another drive.
        :returns: (cells, cells) costs, UNKNOWN where nothing is known; new.
        """
        if time_s < self._newest_s - max(self._keep_s, 1.0):
            self._costs[:], self._seen_s[:] = UNKNOWN, -np.inf
            self._newest_s = -np.inf
        if self._first is not None and self._first != first_cell:
            across, along = (new - old for new, old in zip(first_cell, self._first, strict=True))
            self._costs = _shifted(self._costs, along, across, UNKNOWN)
            self._seen_s = _shifted(self._seen_s, along, across, -np.inf)
        self._first = first_cell
        # Of two cameras the later image wins, in whatever order they come.
        newer = (observed != UNKNOWN) & (self._seen_s <= time_s)
        self._costs[newer], self._seen_s[newer] = observed[newer], time_s
        self._newest_s = max(self._newest_s, time_s)
        self._costs[self._seen_s < self._newest_s - self._keep_s] = UNKNOWN
        return self._costs.copy()


def _shifted(array: npt.NDArray[Any], along: int, across: int, fill: float) -> npt.NDArray[Any]:
    """Return what a window shows that has moved by some rows and columns."""
    result = np.full_like(array, fill)
    rows, columns = array.shape
    if abs(along) < rows and abs(across) < columns:
        source = array[
            max(along, 0) : rows + min(along, 0), max(across, 0) : columns + min(across, 0)
        ]
        top, left = max(-along, 0), max(-across, 0)
        result[top : top + source.shape[0], left : left + source.shape[1]] = source
    return result
