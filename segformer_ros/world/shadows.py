# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shadows on a level grid around the camera: those of the sun, and those below vehicles."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number
from segformer_ros.world.primitives import (
    AXES,
    CENTER,
    CUT,
    FOLIAGE,
    KIND,
    LEAF,
    LEAN,
    MATERIAL,
    MESH,
    SEED,
    SHADOW,
)
from segformer_ros.world.shapes import cut_ray, NONE
from segformer_ros.world.texture import hash01


@compiled
def shadow_map(rows: Array, inverse: Array, sun: Array, grid: Array, out: Array) -> None:
    """
    Find how high the shadow reaches above each cell of a level grid.

    The grid is x, y of its corner, z and the size of its cells. A ray leaves the cell towards
    the sun; the height is where it leaves the last primitive.

    :param out: (rows along y, columns along x), -NONE where the sun reaches the cell.
    """
    out[:] = -NONE
    x0, y0, z0, cell = grid[0], grid[1], grid[2], grid[3]
    kx, ky = sun[0] / sun[2], sun[1] / sun[2]
    for n in range(rows.shape[0]):
        row = rows[n]
        if row[SHADOW] == 0.0:
            continue
        ex = abs(row[AXES]) + abs(row[AXES + 1]) + abs(row[AXES + 2])
        ey = abs(row[AXES + 3]) + abs(row[AXES + 4]) + abs(row[AXES + 5])
        ez = abs(row[AXES + 6]) + abs(row[AXES + 7]) + abs(row[AXES + 8])
        x = row[CENTER] - x0 - kx * (row[CENTER + 2] - z0)
        y = row[CENTER + 1] - y0 - ky * (row[CENTER + 2] - z0)
        ex += abs(kx) * ez
        ey += abs(ky) * ez
        i0 = max(int(np.floor((x - ex) / cell)), 0)
        i1 = min(int(np.ceil((x + ex) / cell)), out.shape[1])
        j0 = max(int(np.floor((y - ey) / cell)), 0)
        j1 = min(int(np.ceil((y + ey) / cell)), out.shape[0])
        if i0 >= i1 or j0 >= j1:
            continue
        _shadow_one(row, inverse[n], sun, x0, y0, z0, cell, i0, i1, j0, j1, out)


@compiled
def _shadow_one(
    row: Array,
    m: Array,
    sun: Array,
    x0: Number,
    y0: Number,
    z0: Number,
    cell: Number,
    i0: Number,
    i1: Number,
    j0: Number,
    j1: Number,
    out: Array,
) -> None:
    kind = int(row[KIND])
    f0, f1, f2 = row[LEAN], row[LEAN + 1], row[LEAN + 2]
    material = int(row[MATERIAL])
    leaves = (material == LEAF and row[CUT] > 0.0) or material == FOLIAGE
    mesh = material == MESH
    dx = m[0] * sun[0] + m[1] * sun[1] + m[2] * sun[2]
    dy = m[3] * sun[0] + m[4] * sun[1] + m[5] * sun[2]
    dz = m[6] * sun[0] + m[7] * sun[1] + m[8] * sun[2]
    pz = z0 - row[CENTER + 2]
    for j in range(j0, j1):
        py = y0 + (j + 0.5) * cell - row[CENTER + 1]
        for i in range(i0, i1):
            px = x0 + (i + 0.5) * cell - row[CENTER]
            ox = m[0] * px + m[1] * py + m[2] * pz
            oy = m[3] * px + m[4] * py + m[5] * pz
            oz = m[6] * px + m[7] * py + m[8] * pz
            t, far = cut_ray(kind, ox, oy, oz, dx, dy, dz, f0, f1, f2)
            if t > far:
                continue
            if leaves or mesh:
                gx = int(np.floor((x0 + i * cell) / cell + 0.5))
                gy = int(np.floor((y0 + j * cell) / cell + 0.5))
                if hash01(gx, gy, int(row[SEED])) < (0.6 if mesh else 0.3):
                    continue
            z = z0 + far * sun[2]
            if z > out[j, i]:
                out[j, i] = z


@compiled
def contact_map(spots: Array, grid: Array, out: Array) -> None:
    """
    Find how much of the sky the ground sees below and next to vehicles and people.

    :param spots: (K, 6), see Lot.
    """
    x0, y0, cell = grid[0], grid[1], grid[3]
    out[:] = 1.0
    for n in range(spots.shape[0]):
        reach = spots[n, 4] + spots[n, 5] + 0.6
        i0 = max(int((spots[n, 0] - reach - x0) / cell), 0)
        i1 = min(int((spots[n, 0] + reach - x0) / cell) + 1, out.shape[1])
        j0 = max(int((spots[n, 1] - reach - y0) / cell), 0)
        j1 = min(int((spots[n, 1] + reach - y0) / cell) + 1, out.shape[0])
        for j in range(j0, j1):
            for i in range(i0, i1):
                dx = x0 + (i + 0.5) * cell - spots[n, 0]
                dy = y0 + (j + 0.5) * cell - spots[n, 1]
                a = abs(dx * spots[n, 2] + dy * spots[n, 3]) - spots[n, 4]
                b = abs(-dx * spots[n, 3] + dy * spots[n, 2]) - spots[n, 5]
                away = np.sqrt(max(a, 0.0) ** 2 + max(b, 0.0) ** 2)
                if away > 0.0:
                    k = min(0.35 + away * 1.1, 1.0)
                else:
                    k = 0.35 + 0.25 * max(max(a, b) + 0.3, 0.0) - 0.2 * min(-max(a, b), 0.8)
                out[j, i] = min(out[j, i], k)
