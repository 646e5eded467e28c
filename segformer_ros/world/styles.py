# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of what a ray has met: class, albedo, glow, gloss, outward direction."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, inlined, Number, Numbers
from segformer_ros.world.ground import clearance
from segformer_ros.world.light import (
    CLOCK,
    LAMPS,
)
from segformer_ros.world.materials import surface
from segformer_ros.world.paintwork import bevel
from segformer_ros.world.paving import ground_color
from segformer_ros.world.primitives import (
    AXES,
    CARGO,
    CENTER,
    COAT,
    CUT,
    GLASS,
    KIND,
    LEAN,
    MATERIAL,
    VAN,
)
from segformer_ros.world.shapes import normal
from segformer_ros.world.street import EDGE_LEFT, EDGE_RIGHT, road_place


@inlined
def ground_look(
    x: Number,
    y: Number,
    z: Number,
    dx: Number,
    dy: Number,
    dz: Number,
    pixel: Number,
    table: Array,
    first: Number,
    street: Array,
    noises: Array,
) -> Numbers:
    """Return class, albedo and upward direction of the ground."""
    t, _ = road_place(x, y, table, first)
    grazing = max(abs(dz), 0.01)
    long = max(pixel / grazing, pixel)
    e = 0.05 + pixel
    nx, ny, nz = 0.0, 0.0, 1.0
    if t < 0.1 - street[EDGE_RIGHT] or t > street[EDGE_LEFT] - 0.1:
        base = clearance(x, y, z, table, first, street, noises)
        nx = clearance(x + e, y, z, table, first, street, noises) - base
        ny = clearance(x, y + e, z, table, first, street, noises) - base
        nx, ny = nx / e, ny / e
    # A street seen along x: pixels are long in x; turned by the view elsewhere.
    turn = abs(dx) / (abs(dx) + abs(dy) + 1e-6)
    wide = pixel + (long - pixel) * (1.0 - turn) * (1.0 - turn)
    label, red, green, blue = ground_color(
        x, t, street, noises, wide, pixel + (long - pixel) * turn
    )
    return label, red, green, blue, nx, ny, nz


@inlined
def object_look(
    row: Array,
    m: Array,
    x: Number,
    y: Number,
    z: Number,
    pixel: Number,
    light: Array,
    noises: Array,
) -> Numbers:
    """Return albedo, glow, gloss, outward direction and height (-1 to 1) on a primitive."""
    qx, qy, qz = x - row[CENTER], y - row[CENTER + 1], z - row[CENTER + 2]
    px = m[0] * qx + m[1] * qy + m[2] * qz
    py = m[3] * qx + m[4] * qy + m[5] * qz
    pz = m[6] * qx + m[7] * qy + m[8] * qz
    lx, ly, lz = normal(int(row[KIND]), px, py, pz, row[LEAN], row[LEAN + 1], row[LEAN + 2])
    red, green, blue, lit, gloss = surface(
        row, px, py, pz, lx, ly, lz, pixel, light[LAMPS], light[CLOCK], noises
    )
    material = int(row[MATERIAL])
    if COAT <= material <= GLASS or (VAN <= material <= CARGO and row[CUT] > 0.0):
        hx = np.sqrt(row[AXES] ** 2 + row[AXES + 3] ** 2)
        hy = np.sqrt(row[AXES + 1] ** 2 + row[AXES + 4] ** 2)
        bx, by, bz = bevel(px, py, pz, hx, hy, row[AXES + 8], 0.7)
        lx, ly, lz = lx + bx, ly + by, lz + bz
    nx = m[0] * lx + m[3] * ly + m[6] * lz
    ny = m[1] * lx + m[4] * ly + m[7] * lz
    nz = m[2] * lx + m[5] * ly + m[8] * lz
    return red, green, blue, lit, gloss, nx, ny, nz, pz
