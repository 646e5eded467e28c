# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
From the grid of a network output to the pixels of the camera.

Column x of the camera lies at (x + 0.5) resized_w / (image_w stride) - 0.5 in the grid, rows
likewise: resize, padding and stride are undone in one bilinear step. Cells that see only padding
are left out; beyond the outermost centres the border value continues.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import Geometry

FloatArray = npt.NDArray[np.float32]

# Below this many pixels for a cell, resize may find no change of size and copy instead.
_LEAST_FACTOR = 2.0


@dataclass(frozen=True)
class Band:
    """Rows of pixels, the rows of cells that they need, and where their samples lie."""

    pixels: slice
    cells: slice
    samples: tuple[slice, slice]
    buffer_shape: tuple[int, int]

    @property
    def height(self) -> int:
        """Give the number of rows of pixels."""
        return int(self.pixels.stop - self.pixels.start)


class Upsampler:
    """Bilinear resampling of one grid, at once or in bands."""

    def __init__(self, geometry: Geometry, stride: int) -> None:
        """:param stride: Input pixels per output cell."""
        self.rows = -(-geometry.resized_h // stride)
        self.columns = -(-geometry.resized_w // stride)
        self._geometry, self._stride = geometry, stride
        self._fy = geometry.image_h * stride / geometry.resized_h
        self._fx = geometry.image_w * stride / geometry.resized_w

    def crop(self, grid: FloatArray) -> FloatArray:
        """Give the cells (..., rows, columns) that see a part of the image, contiguous."""
        return np.ascontiguousarray(grid[..., : self.rows, : self.columns])

    def bands(self, least: int) -> list[Band]:
        """
        Cut the image into rows of pixels.

        :param least: Rows of cells in a band; more where the edges of cells and pixels seldom
            meet.
        """
        height, resized = self._geometry.image_h, self._geometry.resized_h
        common = gcd(resized, height * self._stride)
        cell_period, pixel_period = resized // common, height * self._stride // common
        if min(self._fy, self._fx) < _LEAST_FACTOR:
            least = self.rows
        periods = -(-least // cell_period)
        starts = range(0, height, periods * pixel_period)
        return [
            # One row of cells more on each side takes part; before, whole periods keep the phase.
            self._band(
                slice(start, min(height, start + periods * pixel_period)),
                slice(
                    (index * periods - (index > 0)) * cell_period,
                    min(self.rows, (index + 1) * periods * cell_period + 1),
                ),
                pixel_period if index else 0,
            )
            for index, start in enumerate(starts)
        ]

    def _band(self, pixels: slice, cells: slice, skip: int) -> Band:
        shape = (
            round((cells.stop - cells.start) * self._fy),
            round(self.columns * self._fx),
        )
        rows = slice(skip, skip + pixels.stop - pixels.start)
        return Band(pixels, cells, (rows, slice(self._geometry.image_w)), shape)

    def resample(self, cells: FloatArray, band: Band, out: FloatArray | None = None) -> FloatArray:
        """
        Give the value at every pixel of a band.

        :param cells: (rows, columns), what crop gives.
        :param out: (buffer_shape of the band), overwritten and returned in part.
        :returns: (height of the band, image_w).
        """
        part = cells[band.cells]
        if part.shape == band.buffer_shape and (self._fy, self._fx) != (1.0, 1.0):
            # resize would only copy.
            result = np.matmul(
                _weights(band.buffer_shape[0], part.shape[0], self._fy) @ part,
                _weights(band.buffer_shape[1], part.shape[1], self._fx).T,
                out=out,
            )
        else:
            result = np.asarray(
                cv2.resize(part, None, out, self._fx, self._fy, cv2.INTER_LINEAR), np.float32
            )
        samples: FloatArray = result[band.samples]
        return samples

    def resample_all(self, cells: FloatArray) -> FloatArray:
        """
        Give the value at every pixel.

        :param cells: (rows, columns), what crop gives.
        :returns: (image_h, image_w).
        """
        (band,) = self.bands(self.rows)
        return self.resample(cells, band)


def _weights(pixels: int, cells: int, factor: float) -> FloatArray:
    """Tabulate bilinear weights: (pixels, cells)."""
    place = np.clip((np.arange(pixels) + 0.5) / factor - 0.5, 0, cells - 1)
    weights = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(cells)))
    return np.asarray(weights, np.float32)
