# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The depth of every pixel in one pass: upsampled, and unknown where it cannot be known."""

from __future__ import annotations

import numpy as np
from segformer_ros.inference.compiled import Array, compiled, Number
from segformer_ros.inference.upsample import Sampling

_NAN = np.float32(np.nan)


@compiled
def fill_depth(
    cells: Array,
    where: Sampling,
    limits: tuple[Number, Number],
    labels: Array,
    sky: tuple[Number, Number],
    depth: Array,
) -> None:
    """
    Write the bilinear sample of every pixel, NaN outside the limits.

    :param cells: (rows, columns) metres, float32.
    :param limits: Smallest and largest depth, float32, inclusive.
    :param labels: (H, W) class ids, or (0, 0) when nothing is known of a sky.
    :param sky: Class id of the sky and its depth, float32.
    :param depth: (H, W) float32, overwritten.
    """
    least, most = limits
    sky_id, sky_m = sky
    width = where.across.size
    top, drop = np.empty(width, np.float32), np.empty(width, np.float32)
    for band in range(where.bands.shape[0]):
        start, stop, upper = where.bands[band]
        a, b = cells[upper], cells[min(upper + 1, cells.shape[0] - 1)]
        for i in range(width):
            j, k, part = where.left[i], where.right[i], where.across[i]
            above = a[j] + part * (a[k] - a[j])
            top[i] = above
            drop[i] = b[j] + part * (b[k] - b[j]) - above
        for row in range(start, stop):
            part, target = where.down[row], depth[row]
            for i in range(width):
                value = top[i] + part * drop[i]
                target[i] = value if (value >= least) & (value <= most) else _NAN
            if labels.size:
                names = labels[row]
                for i in range(width):
                    target[i] = sky_m if names[i] == sky_id else target[i]
