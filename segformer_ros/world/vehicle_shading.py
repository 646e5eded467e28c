# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of vehicles."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.primitives import COLOR, PARAM, SEED
from segformer_ros.world.texture import hash01, noise


@inlined
def _in_arch(row: Array, px: Number, pz: Number, hx: Number, hz: Number, rise: Number) -> Number:
    """
    Return whether a point of the side is in one of the two wheel arches.

    :param rise: Of their centres over the lower edge, as a share of their radius.
    """
    radius = row[PARAM + 2]
    for k in range(2):
        dx = (px - row[PARAM + k]) * hx
        dz = (pz + 1.0) * hz - rise * radius
        if dx * dx + dz * dz < radius * radius:
            return True
    return False


@compiled
def body(
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
) -> Numbers:
    """Car body: lights, plate, grille, wheel arches, door seams."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if pz < -0.78:
        return 0.02, 0.02, 0.02, 0.0, 0.02
    if lx > 0.5:
        if abs(abs(py) - 0.74) < 0.2 and abs(pz - 0.3) < 0.25:
            return 0.85, 0.86, 0.9, 1.0, 0.2
        if abs(py) < 0.5 and abs(pz - 0.15) < 0.32:
            return 0.03, 0.03, 0.035, 0.0, 0.1
        if abs(py) < 0.28 and -0.5 < pz < -0.2:
            return 0.8, 0.8, 0.78, 0.0, 0.02
    elif lx < -0.5:
        if abs(abs(py) - 0.78) < 0.18 and abs(pz - 0.38) < 0.3:
            return 0.6, 0.02, 0.02, 0.6, 0.1
        if abs(py) < 0.27 and abs(pz + 0.05) < 0.22:
            return 0.8, 0.8, 0.76, 0.0, 0.02
    elif abs(ly) > 0.5:
        if _in_arch(row, px, pz, hx, hz, 0.55):
            return 0.015, 0.015, 0.015, 0.0, 0.0
        if abs(px - 0.22) * hx < 0.012 or abs(px + 0.25) * hx < 0.012:
            return 0.3 * r, 0.3 * g, 0.3 * b, 0.0, 0.05
        if 0.62 < pz < 0.72 and (0.04 < px < 0.12 or -0.42 < px < -0.34):
            return 0.5 * r, 0.5 * g, 0.5 * b, 0.0, 0.1
    return r, g, b, 0.0, 0.12


@compiled
def cabin(
    row: Array, px: Number, py: Number, pz: Number, lx: Number, ly: Number, lz: Number
) -> Numbers:
    """Car cabin: glass between pillars under a painted roof."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if lz > 0.9 or pz > 0.8:
        return r, g, b, 0.0, 0.12
    if abs(ly) > 0.5:
        edge = 1.0 - abs(px)
        if abs(px + 0.05) < 0.03 or edge < 0.1 or pz < -0.75:
            return 0.6 * r, 0.6 * g, 0.6 * b, 0.0, 0.1
    elif abs(py) > 0.94:
        return r, g, b, 0.0, 0.12
    return 0.02, 0.024, 0.028, 0.0, 0.5


@inlined
def _van_front(row: Array, py: Number, pz: Number) -> Numbers:
    """Windscreen, lights, grille and plate."""
    if 0.1 < pz < 0.72 and abs(py) < 0.9:
        return 0.02, 0.024, 0.03, 0.0, 0.5
    if abs(abs(py) - 0.76) < 0.16 and -0.62 < pz < -0.42:
        return 0.85, 0.86, 0.9, 1.0, 0.2
    if abs(py) < 0.55 and -0.6 < pz < -0.15:
        return 0.04, 0.04, 0.045, 0.0, 0.08
    if abs(py) < 0.25 and -0.85 < pz < -0.7:
        return 0.8, 0.8, 0.78, 0.0, 0.02
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.1


@inlined
def _van_back(row: Array, py: Number, pz: Number) -> Numbers:
    """Lights, windows of the doors and the gap between them."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if abs(abs(py) - 0.9) < 0.07 and abs(pz + 0.4) < 0.25:
        return 0.6, 0.02, 0.02, 0.6, 0.1
    if row[PARAM + 3] != 2.0 and 0.15 < pz < 0.7 and 0.06 < abs(py) < 0.82:
        return 0.02, 0.024, 0.03, 0.0, 0.5
    if abs(py) < 0.015 or (abs(py + 0.4) < 0.22 and abs(pz + 0.55) < 0.07):
        return 0.3 * r + 0.1, 0.3 * g + 0.1, 0.3 * b + 0.1, 0.0, 0.05
    return r, g, b, 0.0, 0.1


@inlined
def _van_side(row: Array, px: Number, pz: Number, hx: Number, hz: Number) -> Numbers:
    """Wheel arches, windows and door seams."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    style = row[PARAM + 3]
    if _in_arch(row, px, pz, hx, hz, 0.5):
        return 0.015, 0.015, 0.015, 0.0, 0.0
    front = px > 0.32 if style != 2.0 else px > -0.3
    if 0.12 < pz < 0.7 and px < 0.9 and (front or style == 1.0) and px > -0.92:
        pillar = abs(px - 0.34) <= 0.02
        if not pillar:
            return 0.02, 0.024, 0.03, 0.0, 0.5
    if abs(px - 0.3) * hx < 0.012 or abs(px + 0.3) * hx < 0.012:
        return 0.4 * r, 0.4 * g, 0.4 * b, 0.0, 0.05
    return r, g, b, 0.0, 0.1


@compiled
def van(
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
) -> Numbers:
    """Van or truck cab: windscreen, side window, lights, wheel arches."""
    if lx > 0.5:
        return _van_front(row, py, pz)
    if lx < -0.5:
        return _van_back(row, py, pz)
    if abs(ly) > 0.5:
        return _van_side(row, px, pz, hx, hz)
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.1


@inlined
def _bus_front(row: Array, py: Number, pz: Number, lit: Number) -> Numbers:
    """Line sign, windscreen and lights."""
    if 0.7 < pz < 0.9 and abs(py) < 0.7:
        text = hash01(int((py + 1.0) * 22.0), 1, int(row[SEED])) > 0.5
        return 0.9 if text else 0.03, 0.5 if text else 0.03, 0.03, 1.0 if text else 0.0, 0.1
    if -0.25 < pz < 0.66 and abs(py) < 0.92:
        return 0.03, 0.035, 0.04, 0.3 * lit, 0.5
    if abs(abs(py) - 0.75) < 0.14 and -0.72 < pz < -0.54:
        return 0.85, 0.86, 0.9, 1.0, 0.2
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.1


@inlined
def _bus_back(row: Array, py: Number, pz: Number) -> Numbers:
    """Window, lights and the grille of the engine."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if 0.2 < pz < 0.72 and abs(py) < 0.75:
        return 0.03, 0.035, 0.04, 0.0, 0.4
    if abs(abs(py) - 0.84) < 0.1 and -0.6 < pz < -0.2:
        return 0.6, 0.02, 0.02, 0.6, 0.1
    if abs(py) < 0.6 and -0.7 < pz < -0.1:
        q = pz * 14.0
        k = 0.5 if q - np.floor(q) < 0.5 else 0.8
        return k * r, k * g, k * b, 0.0, 0.05
    return r, g, b, 0.0, 0.1


@inlined
def _bus_side(
    row: Array, px: Number, pz: Number, ly: Number, hx: Number, night: Number
) -> Numbers:
    """Windows and doors in a band, and stripes."""
    q = (px * hx) / row[PARAM]
    f = q - np.floor(q)
    door = ly < 0.0 and (abs(px - 0.86) < 0.09 or abs(px) < 0.1)
    if (-0.1 < pz < 0.68 or (door and -0.85 < pz < 0.68)) and f > 0.07:
        if night > 0.5:
            return 0.85, 0.8, 0.62, 0.5 * night, 0.1
        return 0.035, 0.04, 0.045, 0.0, 0.5
    if row[PARAM + 1] > 0.0 and -0.4 < pz < -0.25:
        return 0.85, 0.85, 0.83, 0.0, 0.1
    if pz > 0.78 and row[PARAM + 1] > 0.0:
        return 0.8, 0.8, 0.78, 0.0, 0.1
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.1


@compiled
def bus(
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
    night: Number,
) -> Numbers:
    """Bus: a band of windows, doors, a line sign, lights."""
    if lx > 0.5:
        return _bus_front(row, py, pz, 0.5 * night)
    if lx < -0.5:
        return _bus_back(row, py, pz)
    if abs(ly) > 0.5:
        return _bus_side(row, px, pz, ly, hx, night)
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.1


@compiled
def cargo(
    row: Array,
    px: Number,
    py: Number,
    pz: Number,
    lx: Number,
    ly: Number,
    hx: Number,
    u: Number,
    v: Number,
    noises: Array,
) -> Numbers:
    """Truck body: doors at the back, ribs and a name on the sides."""
    r, g, b, seed = row[COLOR], row[COLOR + 1], row[COLOR + 2], row[SEED]
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


@compiled
def tire(row: Array, px: Number, pz: Number, ly: Number) -> Numbers:
    """Tire and rim."""
    radius = px * px + pz * pz
    if abs(ly) > 0.5 and radius < 0.42:
        k = 0.45 if radius > 0.3 or abs(np.sin(np.arctan2(pz, px) * 2.5)) < 0.5 else 0.1
        return k, k, k, 0.0, 0.1
    return row[COLOR], row[COLOR + 1], row[COLOR + 2], 0.0, 0.0
