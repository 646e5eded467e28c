# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of primitives: colour, glow and gloss at a point of their surface."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.facades import facade
from segformer_ros.world.foliage import leaves
from segformer_ros.world.paintwork import coat, glass, lens
from segformer_ros.world.primitives import (
    AXES,
    BARK,
    BODY,
    BRICK,
    BUS,
    CABIN,
    CARGO,
    CLOTH,
    COAT,
    COLOR,
    CONCRETE,
    FACADE,
    FOLIAGE,
    GLASS,
    LAMP,
    LEAF,
    LENS,
    MATERIAL,
    MESH,
    ROOF,
    SEED,
    SIGN,
    SIGNAL,
    STRIPES,
    TIRE,
    VAN,
)
from segformer_ros.world.signage import sign, signal
from segformer_ros.world.texture import hash01, noise
from segformer_ros.world.vehicle_shading import body, bus, cabin, cargo, tire, van


@inlined
def _leaf(
    row: Array, x: Number, y: Number, z: Number, up: Number, pixel: Number, noises: Array
) -> Numbers:
    seed = row[SEED]
    k = noise(noises, 1, x * 2.6 + seed, z * 2.6 + y) + noise(noises, 1, y * 2.6 - x, z * 2.6)
    k = 0.2 + 0.65 * k + 0.28 * up
    fine = max(1.0 - 6.0 * pixel, 0.0)
    if fine > 0.0:
        k += 1.1 * fine * (noise(noises, 1, x * 9.0 + y * 5.0, z * 9.0 - y * 5.0) - 0.5)
    k = max(k, 0.12)
    return row[COLOR] * k, row[COLOR + 1] * k, row[COLOR + 2] * k, 0.0, 0.0


@inlined
def _masonry(
    row: Array, u: Number, v: Number, long: Number, pixel: Number, noises: Array
) -> Numbers:
    """Bricks or concrete; long walls of concrete have joints."""
    seed = row[SEED]
    k = 0.75 + 0.5 * noise(noises, 0, u * 5.0 + seed, v * 5.0)
    fine = max(1.0 - pixel * 10.0, 0.0)
    k += 0.4 * fine * (noise(noises, 1, u * 25.0, v * 25.0) - 0.5)
    if int(row[MATERIAL]) == BRICK:
        q = v * 5.0
        w = u * 2.2 + 0.5 * (int(np.floor(q)) & 1)
        if q - np.floor(q) < 0.14 or w - np.floor(w) < 0.06:
            k *= 1.0 + 0.35 * fine
        else:
            k *= 0.8 + 0.4 * hash01(int(np.floor(w)), int(np.floor(q)), int(seed))
    elif long:
        q = u / 3.0
        if q - np.floor(q) < 0.02 + pixel * 0.2:
            k *= 0.7
    return row[COLOR] * k, row[COLOR + 1] * k, row[COLOR + 2] * k, 0.0, 0.0


@inlined
def _plain(
    row: Array,
    px: Number,
    py: Number,
    pz: Number,
    u: Number,
    v: Number,
    y: Number,
    pixel: Number,
    noises: Array,
) -> Numbers:
    """Roof, bark, cloth, stripes, fences and paint."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    material = int(row[MATERIAL])
    k, gloss = 1.0, 0.0
    if material == ROOF:
        q = y * 3.3
        k = 0.75 + 0.3 * (q - np.floor(q)) * max(1.0 - pixel * 4.0, 0.0)
        k += 0.3 * (noise(noises, 0, u * 6.0 + row[SEED], y * 6.0) - 0.5)
        gloss = 0.02
    elif material == BARK:
        k = 0.6 + 0.8 * noise(noises, 1, (px + 2.0 * py) * 6.0, v * 3.0)
    elif material == CLOTH:
        k = 0.75 + 0.5 * noise(noises, 1, px * 3.0 + py * 4.0 + r * 90.0, pz * 4.0)
    elif material == STRIPES:
        q = pz * 1.6 + 0.2
        if q - np.floor(q) < 0.38:
            return 0.8, 0.8, 0.78, 0.0, 0.02
        gloss = 0.02
    elif material == MESH:
        k = 0.85 + 0.3 * noise(noises, 1, u * 4.0, v * 2.0)
        gloss = 0.02
    else:
        gloss = 0.05
    return r * k, g * k, b * k, 0.0, gloss


@compiled
def surface(
    row: Array,
    px: Number,
    py: Number,
    pz: Number,
    lx: Number,
    ly: Number,
    lz: Number,
    pixel: Number,
    night: Number,
    clock: Number,
    noises: Array,
) -> Numbers:
    """
    Find the look at a point of a unit shape.

    :param lx: With ly and lz the outward direction in the frame of the shape.
    :param pixel: Size of the pixel there, in metres.
    :returns: Red, green, blue (albedo), glow, gloss (reflectance at right angles).
    """
    hx = np.sqrt(row[AXES] ** 2 + row[AXES + 3] ** 2)
    hy = np.sqrt(row[AXES + 1] ** 2 + row[AXES + 4] ** 2)
    hz = row[AXES + 8]
    material = int(row[MATERIAL])
    u = py * hy if abs(lx) > 0.5 else px * hx
    v = pz * hz
    if material == LEAF:
        return _leaf(row, px * hx, py * hy, v, pz, pixel, noises)
    if material == FOLIAGE:
        return leaves(row, px * hx, py * hy, v, pz, pixel, noises)
    if material == FACADE:
        return facade(row, u, v + hz - 2.0, abs(lz) > 0.5, pixel, night, noises)
    if material == BODY:
        return body(row, px, py, pz, lx, ly, lz, hx, hy, hz)
    if material == CABIN:
        return cabin(row, px, py, pz, lx, ly, lz)
    if material == VAN:
        return van(row, px, py, pz, lx, ly, lz, hx, hy, hz)
    if material == BUS:
        return bus(row, px, py, pz, lx, ly, lz, hx, hy, hz, night)
    if material == CARGO:
        return cargo(row, px, py, pz, lx, ly, hx, u, v, noises)
    if material == COAT:
        return coat(row, px, py, pz, lx, ly, lz, hx, hy, hz, noises)
    if material == GLASS:
        return glass(row, px, py, pz, lx, ly, lz, hx, hy, noises)
    if material == LENS:
        return lens(row, py, pz)
    if material == TIRE:
        return tire(row, px, pz, ly)
    if material == SIGN:
        return sign(row, py, pz, lx, hy, hz)
    if material == SIGNAL:
        return signal(row, py, pz, lx, hy, hz, clock)
    if material == LAMP and lz < -0.5:
        return 0.95, 0.85, 0.6, 3.0 * night, 0.05
    if material in (BRICK, CONCRETE):
        return _masonry(row, u, v, hx > 2.0, pixel, noises)
    return _plain(row, px, py, pz, u, v, py * hy, pixel, noises)
