# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What label_kernel and depth_kernel compute, by numpy: the same bits, for a few images alone.

An image takes ten times as long, but nothing has to be imported or compiled for it, which takes as
long as some fifty images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from segformer_ros.inference.upsample import FloatArray, Sampling

Image = npt.NDArray[np.uint8]


def fill_labels(cells: FloatArray, ids: Image, where: Sampling, labels: Image) -> None:
    """
    Write the class of the largest sample of every pixel; of equal ones that of the lower channel.

    :param cells: (C, rows, columns) scores, finite.
    :param ids: (C) class id of each channel.
    :param labels: (H, W), overwritten.
    """
    for rows, upper, drop, part in bands(cells, where):
        scores = upper[:, None] + part * drop[:, None]
        labels[rows] = ids[scores.argmax(axis=0)]


def fill_depth(
    cells: FloatArray,
    where: Sampling,
    limits: tuple[np.float32, np.float32],
    labels: Image,
    sky: tuple[np.uint8, np.float32],
    depth: FloatArray,
) -> None:
    """Write the bilinear sample of every pixel, as depth_kernel.fill_depth says."""
    for rows, upper, drop, part in bands(cells[None], where):
        depth[rows] = upper + part * drop
    with np.errstate(invalid='ignore'):
        depth[~((depth >= limits[0]) & (depth <= limits[1]))] = np.nan
    if labels.size:
        depth[labels == sky[0]] = sky[1]


def bands(
    cells: FloatArray, where: Sampling
) -> Iterator[tuple[slice, FloatArray, FloatArray, FloatArray]]:
    """
    Sample two rows of cells at every column.

    :returns: The rows of pixels, the upper row (C, W), how far it falls (C, W), and how far down
        each row of pixels is (rows, 1).
    """
    left, right, last = where.left, where.right, cells.shape[1] - 1
    for start, stop, upper in where.bands:
        a, b = cells[:, upper], cells[:, min(upper + 1, last)]
        above = a[:, left] + where.across * (a[:, right] - a[:, left])
        drop = b[:, left] + where.across * (b[:, right] - b[:, left]) - above
        yield slice(start, stop), above, drop, where.down[start:stop, None]
