# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of primitives: colour, glow and gloss at a point of their surface."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.coachwork import body, bus, cabin, van
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.facades import facade
from segformer_ros.world.primitives import (
    AXES,
    BARK,
    BODY,
    BRICK,
    BUS,
    CABIN,
    CARGO,
    CLOTH,
    COLOR,
    CONCRETE,
    FACADE,
    LAMP,
    LEAF,
    MATERIAL,
    MESH,
    PARAM,
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
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    material = int(row[MATERIAL])
    seed = row[SEED]
    u = py * hy if abs(lx) > 0.5 else px * hx
    v = pz * hz
    if material == LEAF:
        x, y = px * hx, py * hy
        k = noise(noises, 1, x * 2.6 + seed, v * 2.6 + y) + noise(noises, 1, y * 2.6 - x, v * 2.6)
        k = 0.2 + 0.65 * k + 0.28 * pz
        fine = max(1.0 - 6.0 * pixel, 0.0)
        if fine > 0.0:
            k += 1.1 * fine * (noise(noises, 1, x * 9.0 + y * 5.0, v * 9.0 - y * 5.0) - 0.5)
        k = max(k, 0.12)
        return r * k, g * k, b * k, 0.0, 0.0
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
    if material == SIGN:
        return sign(row, py, pz, lx, hy, hz)
    if material == SIGNAL:
        return signal(row, py, pz, lx, hy, hz, clock)
    if material == TIRE:
        radius = px * px + pz * pz
        if abs(ly) > 0.5 and radius < 0.42:
            k = 0.45 if radius > 0.3 or abs(np.sin(np.arctan2(pz, px) * 2.5)) < 0.5 else 0.1
            return k, k, k, 0.0, 0.1
        return r, g, b, 0.0, 0.0
    if material == LAMP:
        if lz < -0.5:
            return 0.95, 0.85, 0.6, 3.0 * night, 0.05
        return r, g, b, 0.0, 0.05
    if material == CARGO:
        k = 0.9 + 0.15 * noise(noises, 0, u * 4.0 + seed, v * 4.0)
        if abs(lx) > 0.5:
            if abs(py) < 0.012 or abs(abs(py) - 0.5) < 0.012 or abs(py) > 0.96 or abs(pz) > 0.96:
                k *= 0.5
            if lx < 0.0 and pz < -0.9 and abs(py) > 0.75:
                return 0.6, 0.02, 0.02, 0.6, 0.05
        elif abs(ly) > 0.5:
            q = px * hx / row[PARAM + 1]
            if q - np.floor(q) < 0.06:
                k *= 0.8
            if row[PARAM] > 0.0 and abs(px) < 0.6 and abs(pz - 0.1) < 0.35:
                w = hash01(int(np.floor(px * hx / 0.35)), int(np.floor(v / 0.5)), int(seed))
                if w > 0.45:
                    return 1.0 - r * k, 0.9 - g * k * 0.8, 0.8 - 0.7 * b * k, 0.0, 0.05
        return r * k, g * k, b * k, 0.0, 0.05
    if material in (BRICK, CONCRETE):
        k = 0.75 + 0.5 * noise(noises, 0, u * 5.0 + seed, v * 5.0)
        fine = max(1.0 - pixel * 10.0, 0.0)
        k += 0.4 * fine * (noise(noises, 1, u * 25.0, v * 25.0) - 0.5)
        if material == BRICK:
            q = v * 5.0
            w = u * 2.2 + 0.5 * (int(np.floor(q)) & 1)
            if q - np.floor(q) < 0.14 or w - np.floor(w) < 0.06:
                k *= 1.0 + 0.35 * fine
            else:
                k *= 0.8 + 0.4 * hash01(int(np.floor(w)), int(np.floor(q)), int(seed))
        elif hx > 2.0:
            q = u / 3.0
            if q - np.floor(q) < 0.02 + pixel * 0.2:
                k *= 0.7
        return r * k, g * k, b * k, 0.0, 0.0
    if material == ROOF:
        q = (py * hy) * 3.3
        k = 0.75 + 0.3 * (q - np.floor(q)) * max(1.0 - pixel * 4.0, 0.0)
        k += 0.3 * (noise(noises, 0, u * 6.0 + seed, py * hy * 6.0) - 0.5)
        return r * k, g * k, b * k, 0.0, 0.02
    if material == BARK:
        k = 0.6 + 0.8 * noise(noises, 1, (px + 2.0 * py) * 6.0, v * 3.0)
        return r * k, g * k, b * k, 0.0, 0.0
    if material == CLOTH:
        k = 0.75 + 0.5 * noise(noises, 1, px * 3.0 + py * 4.0 + r * 90.0, pz * 4.0)
        return r * k, g * k, b * k, 0.0, 0.0
    if material == STRIPES:
        q = pz * 1.6 + 0.2
        if q - np.floor(q) < 0.38:
            return 0.8, 0.8, 0.78, 0.0, 0.02
        return r, g, b, 0.0, 0.02
    if material == MESH:
        k = 0.85 + 0.3 * noise(noises, 1, u * 4.0, v * 2.0)
        return r * k, g * k, b * k, 0.0, 0.02
    return r, g, b, 0.0, 0.05
