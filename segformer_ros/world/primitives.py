# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Primitives: unit shapes under an affine map, collected into arrays of rows."""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled

Rows = npt.NDArray[np.float32]
Color = Sequence[float]

# Shapes, all inside the cube from -1 to 1.
BOX, ELLIPSOID, POST, AXLE, DISC, TAPER = range(6)

# Columns of a row.
KIND, CENTER, AXES, CLASS, MATERIAL, COLOR, PARAM, SEED, CUT, LEAN, SHADOW = (
    0,
    1,
    4,
    13,
    14,
    15,
    18,
    22,
    23,
    24,
    27,
)
COLUMNS = 28

# Materials, see shading.py.
(
    FLAT,
    FACADE,
    BRICK,
    ROOF,
    LEAF,
    BARK,
    BODY,
    CABIN,
    VAN,
    BUS,
    CARGO,
    TIRE,
    SIGN,
    SIGNAL,
    LAMP,
    MESH,
    SPOKES,
    CONCRETE,
    CLOTH,
    STRIPES,
    COAT,
    GLASS,
    LENS,
    FOLIAGE,
) = range(24)


class Parts:
    """Collects primitives in the frame of one object: x forward, y left, z up, metres."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []

    def add(
        self,
        kind: int,
        center: Sequence[float],
        half: Sequence[float],
        class_id: int,
        color: Color,
        *,
        material: int = FLAT,
        param: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
        seed: int = 0,
        cut: float = 0.0,
        lean: Sequence[float] = (0.0, 0.0, 0.0),
        yaw: float = 0.0,
        tilt: float = 0.0,
        shadow: bool = True,
    ) -> None:
        """
        Add one primitive.

        :param half: Half sizes along its own axes.
        :param cut: Share that is cut away by the material (leaves), 0 for none.
        :param lean: Of a TAPER: how much front, back and sides move inwards at the top.
        :param yaw: Turn about z, in radians.
        :param tilt: Metres that the primitive moves along x for each metre of z.
        """
        c, s = math.cos(yaw), math.sin(yaw)
        hx, hy, hz = half
        axes = (c * hx, -s * hy, c * tilt * hz, s * hx, c * hy, s * tilt * hz, 0.0, 0.0, hz)
        self._rows.append(
            (
                *(kind, *center, *axes, class_id, material, *color, *param, seed & 0xFFFF, cut),
                *(*lean, 1.0 if shadow else 0.0),
            )
        )

    def extend(self, other: Rows, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Add moved copies of rows."""
        for row in other.tolist():
            row[CENTER] += x
            row[CENTER + 1] += y
            row[CENTER + 2] += z
            self._rows.append(tuple(row))

    def rows(self) -> Rows:
        """Return the primitives as (N, COLUMNS)."""
        return np.array(self._rows, np.float32).reshape(-1, COLUMNS)


@compiled
def place(templates: Array, starts: Array, counts: Array, poses: Array) -> Array:
    """
    Put copies of templates into the world.

    :param templates: (N, COLUMNS) rows of all templates.
    :param starts: (K,) first row of the template of each copy.
    :param counts: (K,) rows of it.
    :param poses: (K, 5) x, y, z, yaw and slope (metres of z per metre along the object's x).
    :returns: Rows in the world frame.
    """
    total = 0
    for k in range(starts.size):
        total += counts[k]
    out = np.empty((total, COLUMNS), np.float32)
    n = 0
    for k in range(starts.size):
        c = np.cos(poses[k, 3])
        s = np.sin(poses[k, 3])
        slope = poses[k, 4]
        for i in range(starts[k], starts[k] + counts[k]):
            for j in range(COLUMNS):
                out[n, j] = templates[i, j]
            for j in range(4):
                # The centre, then the three axes (columns of a row-major 3 x 3 matrix).
                at = CENTER if j == 0 else AXES + j - 1
                step = 1 if j == 0 else 3
                x = templates[i, at]
                y = templates[i, at + step]
                z = templates[i, at + 2 * step]
                out[n, at] = c * x - s * y
                out[n, at + step] = s * x + c * y
                out[n, at + 2 * step] = z + slope * x
            out[n, CENTER] += poses[k, 0]
            out[n, CENTER + 1] += poses[k, 1]
            out[n, CENTER + 2] += poses[k, 2]
            n += 1
    return out
