# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
From the grid of a network output to the pixels of the camera.

Column x of the camera lies at (x + 0.5) resized_w / (image_w stride) - 0.5 in the grid, rows
likewise: resize, padding and stride are undone in one bilinear step. Cells that see only padding
are left out; beyond the outermost centres the border value continues.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import Geometry

FloatArray = npt.NDArray[np.float32]
# Unsigned, so that compiled code need not ask whether an index counts from the end.
IndexArray = npt.NDArray[np.uintp]
IntArray = npt.NDArray[np.int64]


class Sampling(NamedTuple):
    """
    Where the pixels of a camera lie in a grid; the arrays are read-only.

    Column x lies between the cells left[x] and right[x], at across[x] (0 to 1) of the way; row y
    lies at down[y] of the way from its upper cell to the next. The pixels right of cell i are
    edges[i] to edges[i + 1]. bands are (start, stop, cell): rows of pixels and their upper cell.
    """

    rows: int
    columns: int
    left: IndexArray
    right: IndexArray
    across: FloatArray
    edges: IntArray
    down: FloatArray
    bands: IntArray


@lru_cache(maxsize=16)
def sampling(geometry: Geometry, stride: int) -> Sampling:
    """
    Tabulate where every pixel of the camera lies in the grid of an output.

    :param stride: Input pixels per output cell.
    """
    rows = -(-geometry.resized_h // stride)
    columns = -(-geometry.resized_w // stride)
    upper, down = _places(geometry.image_h, geometry.resized_h / stride, rows)
    left, across = _places(geometry.image_w, geometry.resized_w / stride, columns)
    right = np.minimum(left + 1, columns - 1)
    result = Sampling(
        rows,
        columns,
        left.astype(np.uintp),
        right.astype(np.uintp),
        across,
        np.searchsorted(left, np.arange(columns + 1)).astype(np.int64),
        down,
        _bands(upper),
    )
    for value in result[2:]:
        np.asarray(value).flags.writeable = False
    return result


def crop(grid: FloatArray, where: Sampling) -> FloatArray:
    """
    Return the cells (..., rows, columns) that see a part of the image, contiguous.

    :raises ValueError: The grid is smaller than that.
    """
    if grid.shape[-2] < where.rows or grid.shape[-1] < where.columns:
        raise ValueError(
            f'expected an output of {where.rows}x{where.columns} cells or more, got {grid.shape}'
        )
    return np.ascontiguousarray(grid[..., : where.rows, : where.columns], np.float32)


def _places(pixels: int, extent: float, cells: int) -> tuple[IntArray, FloatArray]:
    """Return the cell before each pixel, and which part of the way to the next one it has gone."""
    place = np.clip((np.arange(pixels) + 0.5) * extent / pixels - 0.5, 0, cells - 1)
    before = np.floor(place).astype(np.int64)
    return before, (place - before).astype(np.float32)


def _bands(cells: IntArray) -> IntArray:
    """Cut pixels where the cell changes: (start, stop, cell)."""
    edges = np.flatnonzero(np.diff(cells, prepend=-1, append=-1))
    return np.stack([edges[:-1], edges[1:], cells[edges[:-1]]], axis=1).astype(np.int64)
