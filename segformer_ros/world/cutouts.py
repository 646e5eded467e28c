# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Materials with holes: leaves, fences, spokes."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number
from segformer_ros.world.foliage import grown
from segformer_ros.world.primitives import (
    AXES,
    CUT,
    FOLIAGE,
    LEAF,
    MATERIAL,
    PARAM,
    SEED,
    SPOKES,
)
from segformer_ros.world.texture import noise


@compiled
def solid(
    row: Array, px: Number, py: Number, pz: Number, facing: Number, footprint: Number, tiles: Array
) -> Number:
    """Return whether a cut-out material has matter at a point of the unit shape."""
    hx = np.sqrt(row[AXES] ** 2 + row[AXES + 3] ** 2)
    hy = np.sqrt(row[AXES + 1] ** 2 + row[AXES + 4] ** 2)
    hz = row[AXES + 8]
    seed = row[SEED]
    material = int(row[MATERIAL])
    if material == LEAF:
        x, y, z = px * hx, py * hy, pz * hz
        value = 0.5 * noise(tiles, 1, x * 1.6 + seed, z * 1.6 + y)
        value += 0.5 * noise(tiles, 1, y * 1.6 - x, z * 1.6 + seed)
        if footprint < 0.15:
            fine = noise(tiles, 1, x * 5.0 + y * 3.0, z * 5.5 - y * 3.0 + seed)
            value = 0.5 * value + 0.5 * fine
        return value > row[CUT] + 0.34 * (1.0 - facing) * (1.0 - facing)
    if material == FOLIAGE:
        return grown(row, px * hx, py * hy, pz * hz, facing, footprint, tiles)
    if material == SPOKES:
        r = np.sqrt(px * px + pz * pz)
        if r > 0.80 or r < 0.14:
            return True
        return footprint < 0.02 and abs(np.sin(np.arctan2(pz, px) * 7.0)) < 0.10
    # A fence: the pattern coarsens by powers of two, so that it keeps its share of the pixels.
    cell = row[PARAM + 1]
    while cell < footprint * 3.0:
        cell *= 2.0
    u = (px * hx if hx > hy else py * hy) / cell
    v = pz * hz / cell
    style = row[PARAM]
    if abs(pz) > 0.93 or (abs(px) > 0.985 and hx > hy):
        return True
    if style == 0.0:
        return u - np.floor(u) < row[PARAM + 2] or abs(abs(pz) - 0.55) < 0.08
    if style == 1.0:
        a = u + v
        b = u - v
        return a - np.floor(a) < row[PARAM + 2] or b - np.floor(b) < row[PARAM + 2]
    # Rails on posts.
    q = px * hx / 2.0
    return abs(abs(pz) - 0.5) < row[PARAM + 2] or abs(q - np.floor(q) - 0.5) < 0.035
