# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of the vehicles of real roads: dirty paint, glass with what is behind it, lamps."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.primitives import COLOR, CUT, PARAM, SEED
from segformer_ros.world.texture import noise

# What a coated part is, in its last parameter.
PANEL, TUB, VAN_BODY = range(3)
DUST = (0.24, 0.20, 0.15)


@inlined
def bevel(
    px: Number, py: Number, pz: Number, hx: Number, hy: Number, hz: Number, round_: Number
) -> Numbers:
    """Return what turns the outward direction towards near edges, in the unit shape."""
    x2, y2, z2 = px * px, py * py, pz * pz
    x6, y6, z6 = x2 * x2 * px, y2 * y2 * py, z2 * z2 * pz
    return round_ * x6 * x2 * hx, round_ * y6 * y2 * hy, round_ * z6 * hz


@compiled
def _arch(row: Array, px: Number, pz: Number, hx: Number, hz: Number) -> Number:
    """Return the distance from the nearer axle as a share of the radius of its arch."""
    radius = row[PARAM + 2]
    best = 9.0
    for k in range(2):
        dx = (px - row[PARAM + k]) * hx
        dz = (pz + 1.0) * hz - 0.35 * radius
        best = min(best, np.sqrt(dx * dx + dz * dz) / max(radius, 1e-3))
    return best


@compiled
def _side(row: Array, px: Number, pz: Number, hx: Number, hz: Number, seed: Number) -> Number:
    """Arches, sill and seams of a side; 1 where the paint is, else how bright; negative: black."""
    arch = _arch(row, px, pz, hx, hz)
    if arch < 1.0:
        return -0.012
    if (seed & 1 and arch < 1.2) or pz < -0.82 + 0.1 * (seed & 2):
        return -0.035
    if abs(px - 0.30) * hx < 0.010 or abs(px + 0.16) * hx < 0.010:
        return 0.25
    if abs(px + 0.58) * hx < 0.010 and seed & 8:
        return 0.25
    if 0.62 < pz < 0.70 and (-0.12 < px < -0.05 or -0.54 < px < -0.47):
        return 0.45
    if seed & 16 and abs(pz + 0.05) < 0.05:
        return 0.55
    return 1.0


@compiled
def _back(row: Array, py: Number, pz: Number, hy: Number, hz: Number, seed: Number) -> Number:
    """Plate (over 2), bumper and tailgate, as _side."""
    high = -0.42 if seed & 4 else 0.35
    if abs(py) * hy < 0.26 and abs(pz - high) * hz < 0.07:
        return 2.0
    if pz < (-0.55 if seed & 2 else -0.86):
        return -0.03
    if abs(pz + 0.12) * hz < 0.012 or (abs(abs(py) - 0.72) * hy < 0.01 and pz > -0.12):
        return 0.3
    if abs(py) * hy < 0.35 and 0.0 < (pz - high) * hz - 0.07 < 0.035:
        return 0.5
    if abs(py) * hy < 0.06 and abs(pz - 0.72) * hz < 0.045:
        return 1.6
    return 1.0


@compiled
def _front(row: Array, py: Number, pz: Number, hy: Number, hz: Number, seed: Number) -> Number:
    """Grille, plate and bumper, as _side."""
    if abs(py) * hy < 0.26 and abs(pz + 0.35) * hz < 0.06:
        return 2.0
    if abs(py) < 0.55 and abs(pz - 0.25) < 0.3:
        q = pz * (6.0 if seed & 4 else 3.0)
        return -0.2 if q - np.floor(q) < 0.25 else -0.015
    if abs(py) < 0.8 and -0.8 < pz < -0.5:
        return -0.02
    return 1.0


@compiled
def coat(
    row: Array,
    px: Number,
    py: Number,
    pz: Number,
    lx: Number,
    ly: Number,
    lz: Number,
    hx: Number,
    hy: Number,
    hz: Number,
    noises: Array,
) -> Numbers:
    """Painted part of a vehicle, with dust and splashes up from its foot."""
    r, g, b, gloss = row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.07
    seed, part = int(row[SEED]), int(row[PARAM + 3])
    k = 1.0
    if part != PANEL:
        if abs(ly) > 0.5:
            k = _side(row, px, pz, hx, hz, seed)
        elif lx < -0.4:
            k = _back(row, py, pz, hy, hz, seed)
        elif lx > 0.4:
            k = _front(row, py, pz, hy, hz, seed)
    if k < 0.0:
        r, g, b, gloss = -k, -k, -k, 0.01
    elif k >= 2.0:
        q = noise(noises, 1, py * hy * 28.0 + seed, np.floor(pz * hz * 9.0))
        k = 0.75 if q > 0.3 else 0.25
        r, g, b, gloss = k, k, 0.92 * k, 0.02
    else:
        r, g, b = r * k, g * k, b * k
    dirt = row[CUT]
    if dirt > 0.0:
        q = noise(noises, 0, px * hx * 6.0 + seed, (pz * hz + py * hy) * 6.0)
        q = min(max(dirt * (1.3 * q + 0.5 * (1.0 - pz) - 0.35), 0.0), 0.85)
        r, g, b = r + (DUST[0] - r) * q, g + (DUST[1] - g) * q, b + (DUST[2] - b) * q
        gloss *= 1.0 - q
    return r, g, b, 0.0, gloss


@compiled
def glass(
    row: Array,
    px: Number,
    py: Number,
    pz: Number,
    lx: Number,
    ly: Number,
    lz: Number,
    hx: Number,
    hy: Number,
    noises: Array,
) -> Numbers:
    """
    Cabin of a vehicle: pillars, a painted roof, and glass that one partly sees through.

    The parameters are x of the two pillars between the windows, how bright what is seen through
    the glass is, and how high the glass begins.
    """
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if lz > 0.85 or pz > 0.86:
        return r, g, b, 0.0, 0.07
    seed = int(row[SEED])
    through = row[PARAM + 2]
    if abs(ly) > 0.5:
        edge = 1.0 - abs(px)
        if abs(px - row[PARAM]) * hx < 0.05 or abs(px - row[PARAM + 1]) * hx < 0.05:
            return 0.012, 0.012, 0.013, 0.0, 0.05
        if edge * hx < 0.10 or pz < row[PARAM + 3]:
            return r, g, b, 0.0, 0.07
        # Heads and headrests before the windows of the other side.
        seat = abs(px - 0.25) < 0.14 or abs(px + 0.35) < 0.13
        k = 0.015 if (seat and pz < 0.35) or pz < -0.45 else through
    else:
        if abs(py) * hy > hy - 0.07 or pz < row[PARAM + 3]:
            return r, g, b, 0.0, 0.07
        if abs(abs(py) - 0.48) < 0.17 and pz < 0.15 + 0.2 * abs(py):
            k = 0.02 + 0.02 * (seed & 1)
        elif abs(py) < 0.09 and pz > 0.45:
            k = 0.015
        else:
            k = through if pz > -0.4 else 0.02
    k *= 0.6 + 0.8 * noise(noises, 0, px * 9.0 + seed, py * 9.0 + pz * 5.0)
    return 0.9 * k + 0.006, k + 0.008, k + 0.009, 0.0, 0.42


@compiled
def lens(row: Array, py: Number, pz: Number) -> Numbers:
    """Lamp under ribbed glass; its first parameter is how brightly it is lit."""
    lit = row[PARAM]
    q = pz * row[PARAM + 1]
    k = 0.75 if q - np.floor(q) < 0.3 else 1.0
    if lit > 0.0:
        # The middle of a lit lamp is over-exposed.
        white = 0.35 * max(1.0 - py * py - pz * pz, 0.0)
        r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
        return min(r + white, 1.0), min(g + white, 1.0), min(b + 0.7 * white, 1.0), k * lit, 0.06
    return row[COLOR] * k, row[COLOR + 1] * k, row[COLOR + 2] * k, 0.0, 0.12
