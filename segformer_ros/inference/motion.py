# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How an image has moved since the one before, and where that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# The flow of smaller images is not safe in OpenCV 4.
MIN_SIDE = 32
# Mean difference of brightness, in levels, between a place and where it was.
_MAX_DIFFERENCE = 12.0
_WINDOW = (3, 3)


@dataclass(frozen=True)
class Motion:
    """
    The way from one image to the next.

    :param places: (H, W, 2) column and row of where each pixel was before.
    :param trust: (H, W) 0 to 1: whether it was there indeed.
    """

    places: FloatArray
    trust: FloatArray

    @property
    def share(self) -> float:
        """The mean trust: up to 0.3 after a cut, 0.8 to 1 between frames of a camera."""
        return float(self.trust.mean())

    def on_grid(self, cells_hw: tuple[int, int]) -> Motion:
        """
        Return the motion of the cells of a grid that covers the whole image.

        :param cells_hw: Rows and columns; places are then in cells.
        """
        size, half = (cells_hw[1], cells_hw[0]), np.float32(0.5)
        rows, columns = self.trust.shape
        kind = cv2.INTER_AREA if cells_hw[0] < rows else cv2.INTER_LINEAR
        places = cv2.resize(self.places, size, interpolation=kind)
        trust = cv2.resize(self.trust, size, interpolation=kind)
        scale = np.array((cells_hw[1] / columns, cells_hw[0] / rows), np.float32)
        return Motion(np.asarray((places + half) * scale - half, np.float32), np.asarray(trust))


def find_motion(before: Image, now: Image) -> Motion:
    """
    Find the motion between two images by dense inverse search (Kroeger et al. 2016, OpenCV).

    What comes from behind something else, or leaves the image, is not trusted where it looks
    different from what was there. Flow back is no better a check: most of what it refuses has
    moved as the flow says.

    :param before: (H, W) grey, at least MIN_SIDE in both directions.
    :param now: Of the same size.
    """
    flow = _flow(now, before)
    height, width = now.shape
    row, column = np.indices((height, width), dtype=np.float32)
    x, y = column + flow[..., 0], row + flow[..., 1]
    source = cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    good = cv2.blur(cv2.absdiff(now, source), _WINDOW) < _MAX_DIFFERENCE
    good &= (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return Motion(np.dstack([x, y]), good.astype(np.float32))


def moved(array: FloatArray, places: FloatArray) -> FloatArray:
    """
    Bring an array of the image before to the cells of now.

    :param array: (C, h, w).
    :param places: As of Motion.
    :returns: (C, h, w), bicubic: bilinear would blur what is thin a little more in every frame.
    """
    ways = cv2.convertMaps(places[..., 0], places[..., 1], cv2.CV_16SC2)
    result = np.empty(array.shape, np.float32)
    for first in range(0, len(array), 4):
        # Of more than four channels cv2.remap is many times slower.
        part = cv2.merge([np.ascontiguousarray(plane) for plane in array[first : first + 4]])
        new = cv2.remap(part, *ways, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for index, plane in enumerate(cv2.split(new), first):
            result[index] = plane
    return result


def _flow(image: Image, other: Image) -> FloatArray:
    # A new object each time: one that has begun with a flow keeps it for all later calls.
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    # Down to half of the size in place of a quarter, with fewer steps, which cost little.
    search.setFinestScale(1)
    search.setGradientDescentIterations(12)
    search.setVariationalRefinementIterations(3)
    own, its = np.ascontiguousarray(image), np.ascontiguousarray(other)
    return np.asarray(search.calc(own, its, None), np.float32)
