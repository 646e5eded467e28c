# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the grid of a network output to the pixels of the camera."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import Geometry

FloatArray = npt.NDArray[np.float32]


class Upsampler:
    """
    Bilinear resampling of output cells at the centres of the camera's pixels.

    Column x of the camera lies at (x + 0.5) resized_w / (image_w stride) - 0.5 in the grid, rows
    likewise: resize, padding and stride are undone in one step. Cells that see only padding are
    left out; beyond the outermost centres the border value continues.
    """

    def __init__(self, geometry: Geometry, stride: int) -> None:
        """:param stride: Input pixels per output cell."""
        self.rows = -(-geometry.resized_h // stride)
        self.columns = -(-geometry.resized_w // stride)
        self._height, self._width = geometry.image_h, geometry.image_w
        self._fy = geometry.image_h * stride / geometry.resized_h
        self._fx = geometry.image_w * stride / geometry.resized_w
        full = (self._height, self._width)
        self._whole = geometry.resized_h % stride == 0 and geometry.resized_w % stride == 0
        # resize takes the factors as they are, but copies when the size stays the same.
        self._enlarged = (round(self.rows * self._fy), round(self.columns * self._fx))
        self._same = not self._whole and self._enlarged == (self.rows, self.columns)
        buffer = full if self._whole or self._same else self._enlarged
        self.buffer_shape: tuple[int, int] = buffer

    def crop(self, grid: FloatArray) -> FloatArray:
        """Give the cells (..., rows, columns) that see a part of the image."""
        return grid[..., : self.rows, : self.columns]

    def resample(self, cells: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """
        Give the value at every pixel of the camera.

        :param cells: (rows, columns), what crop gives.
        :param out: (buffer_shape) contiguous, overwritten and returned in part.
        :returns: (image_h, image_w).
        """
        if self._whole:
            size = (self._width, self._height)
            result = cv2.resize(cells, size, dst=out, interpolation=cv2.INTER_LINEAR)
        elif self._same:
            across = _weights(self._width, self.columns, self._fx)
            along = _weights(self._height, self.rows, self._fy)
            result = np.matmul(along @ cells, across.T, out=out)
        else:
            result = cv2.resize(
                cells, None, dst=out, fx=self._fx, fy=self._fy, interpolation=cv2.INTER_LINEAR
            )
        whole: FloatArray = np.asarray(result, np.float32)
        return whole[: self._height, : self._width]


def _weights(pixels: int, cells: int, factor: float) -> FloatArray:
    """Tabulate bilinear weights: (pixels, cells)."""
    place = np.clip((np.arange(pixels) + 0.5) / factor - 0.5, 0, cells - 1)
    weights = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(cells)))
    return np.asarray(weights, np.float32)
