# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The geometry of the outputs written down slowly, in float64, pixel by pixel."""

import numpy as np


def upsample(grid, geometry, stride):
    """
    Sample a grid at the centres of the camera's pixels.

    :param grid: (..., h, w) for the whole padded input.
    :returns: (..., image_h, image_w) float64.
    """
    rows = -(-geometry.resized_h // stride)
    columns = -(-geometry.resized_w // stride)
    cells = grid[..., :rows, :columns].astype(np.float64)
    cells = _axis(cells, -2, geometry.image_h, geometry.resized_h / stride)
    return _axis(cells, -1, geometry.image_w, geometry.resized_w / stride)


def _axis(cells, axis, pixels, extent):
    count = cells.shape[axis]
    place = np.clip((np.arange(pixels) + 0.5) * extent / pixels - 0.5, 0, count - 1)
    low = np.minimum(np.floor(place).astype(int), count - 1)
    high = np.minimum(low + 1, count - 1)
    shape = [1] * cells.ndim
    shape[axis] = pixels
    part = (place - low).reshape(shape)
    return np.take(cells, low, axis) * (1 - part) + np.take(cells, high, axis) * part
