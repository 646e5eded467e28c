# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of primitives: colour, glow and gloss at a point of their surface."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
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
from segformer_ros.world.texture import hash01, noise

CYCLE_S = 24.0


@compiled
def signal_state(clock: Number, phase: Number) -> Number:
    """Give what a signal shows: 0 red, 1 yellow, 2 green."""
    q = (clock + phase) / CYCLE_S
    q = (q - np.floor(q)) * CYCLE_S
    return 2 if q < 10.0 else (1 if q < 12.0 else 0)


@compiled
def _facade(
    row: Array, u: Number, v: Number, level: Number, pixel: Number, night: Number, noises: Array
) -> Numbers:
    seed = int(row[SEED])
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    floor, pitch, style = row[PARAM], row[PARAM + 1], row[PARAM + 2]
    stain = noise(noises, 0, u * 3.0 + seed, v * 3.0)
    shade = 0.8 + 0.4 * stain
    fine = max(1.0 - pixel * 12.0, 0.0)
    if fine > 0.0:
        shade *= 1.0 + fine * 0.5 * (noise(noises, 1, u * 22.0, v * 22.0) - 0.5)
        if (seed & 3) == 0:
            q = v * 7.0
            k = np.floor(q)
            w = u * 3.2 + 0.5 * (int(k) & 1)
            if q - k < 0.14 or w - np.floor(w) < 0.06:
                shade *= 1.0 + 0.25 * fine
    if level or v < 0.4:
        return r * shade * 0.8, g * shade * 0.8, b * shade * 0.8, 0.0, 0.0
    if style == 3.0:
        q = u * 1.6
        shade *= 0.9 + 0.15 * (1.0 if q - np.floor(q) < 0.5 else 0.0) * max(1.0 - pixel, 0.0)
        return r * shade, g * shade, b * shade, 0.0, 0.0
    iu, iv = np.floor(u / pitch), np.floor(v / floor)
    fu, fv = u / pitch - iu, v / floor - iv
    wid = hash01(int(iu), int(iv), seed)
    shop = row[PARAM + 3] > 0.0 and iv == 0.0
    frame = False
    if shop:
        if fv > 0.8:
            k = hash01(int(np.floor(u / (pitch * 3.0))), 3, seed)
            lit = 0.5 * night
            return 0.1 + 0.7 * k, 0.15 + 0.5 * (1.0 - k), 0.1 + 0.5 * abs(0.5 - k), lit, 0.02
        window = 0.06 < fu < 0.94 and 0.1 < fv < 0.74
    elif style == 0.0:
        window = 0.27 < fu < 0.73 and 0.28 < fv < 0.8
        frame = 0.22 < fu < 0.78 and 0.22 < fv < 0.86
    elif style == 1.0:
        window = fu > 0.06 and 0.36 < fv < 0.82
    else:
        window = fu > 0.05 and fv > 0.07
    if window:
        if style == 0.0 and not shop and (abs(fu - 0.5) < 0.02 or abs(fv - 0.54) < 0.012):
            return 0.6 * shade, 0.6 * shade, 0.58 * shade, 0.0, 0.02
        blind = 0.35 * wid * wid * wid
        lit = night * (0.8 if wid > (0.4 if shop else 0.68) else 0.0)
        if lit > 0.0 and night > 0.5:
            warm = hash01(int(iu), 7, seed)
            return 0.9, 0.72 + 0.15 * warm, 0.4 + 0.45 * warm, lit, 0.1
        return 0.05 + blind, 0.065 + blind, 0.085 + blind, 0.0, 0.35
    if frame:
        k = 0.55 if (seed & 4) else 1.25
        return min(r * k, 0.9), min(g * k, 0.9), min(b * k, 0.9), 0.0, 0.0
    return r * shade, g * shade, b * shade, 0.0, 0.0


@compiled
def _body(
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
        radius = row[PARAM + 2]
        for k in range(2):
            dx = (px - row[PARAM + k]) * hx
            dz = (pz + 1.0) * hz - 0.55 * radius
            if dx * dx + dz * dz < radius * radius:
                return 0.015, 0.015, 0.015, 0.0, 0.0
        if abs(px - 0.22) * hx < 0.012 or abs(px + 0.25) * hx < 0.012:
            return 0.3 * r, 0.3 * g, 0.3 * b, 0.0, 0.05
        if 0.62 < pz < 0.72 and (0.04 < px < 0.12 or -0.42 < px < -0.34):
            return 0.5 * r, 0.5 * g, 0.5 * b, 0.0, 0.1
    return r, g, b, 0.0, 0.12


@compiled
def _cabin(
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


@compiled
def _van(
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
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    style = row[PARAM + 3]
    if lx > 0.5:
        if 0.1 < pz < 0.72 and abs(py) < 0.9:
            return 0.02, 0.024, 0.03, 0.0, 0.5
        if abs(abs(py) - 0.76) < 0.16 and -0.62 < pz < -0.42:
            return 0.85, 0.86, 0.9, 1.0, 0.2
        if abs(py) < 0.55 and -0.6 < pz < -0.15:
            return 0.04, 0.04, 0.045, 0.0, 0.08
        if abs(py) < 0.25 and -0.85 < pz < -0.7:
            return 0.8, 0.8, 0.78, 0.0, 0.02
    elif lx < -0.5:
        if abs(abs(py) - 0.9) < 0.07 and abs(pz + 0.4) < 0.25:
            return 0.6, 0.02, 0.02, 0.6, 0.1
        if style != 2.0 and 0.15 < pz < 0.7 and 0.06 < abs(py) < 0.82:
            return 0.02, 0.024, 0.03, 0.0, 0.5
        if abs(py) < 0.015 or (abs(py + 0.4) < 0.22 and abs(pz + 0.55) < 0.07):
            return 0.3 * r + 0.1, 0.3 * g + 0.1, 0.3 * b + 0.1, 0.0, 0.05
    elif abs(ly) > 0.5:
        radius = row[PARAM + 2]
        for k in range(2):
            dx = (px - row[PARAM + k]) * hx
            dz = (pz + 1.0) * hz - 0.5 * radius
            if dx * dx + dz * dz < radius * radius:
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
def _bus(
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
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    lit = 0.5 * night
    if lx > 0.5:
        if 0.7 < pz < 0.9 and abs(py) < 0.7:
            text = hash01(int((py + 1.0) * 22.0), 1, int(row[SEED])) > 0.5
            return 0.9 if text else 0.03, 0.5 if text else 0.03, 0.03, 1.0 if text else 0.0, 0.1
        if -0.25 < pz < 0.66 and abs(py) < 0.92:
            return 0.03, 0.035, 0.04, 0.3 * lit, 0.5
        if abs(abs(py) - 0.75) < 0.14 and -0.72 < pz < -0.54:
            return 0.85, 0.86, 0.9, 1.0, 0.2
    elif lx < -0.5:
        if 0.2 < pz < 0.72 and abs(py) < 0.75:
            return 0.03, 0.035, 0.04, 0.0, 0.4
        if abs(abs(py) - 0.84) < 0.1 and -0.6 < pz < -0.2:
            return 0.6, 0.02, 0.02, 0.6, 0.1
        if abs(py) < 0.6 and -0.7 < pz < -0.1:
            q = pz * 14.0
            k = 0.5 if q - np.floor(q) < 0.5 else 0.8
            return k * r, k * g, k * b, 0.0, 0.05
    elif abs(ly) > 0.5:
        q = (px * hx) / row[PARAM]
        f = q - np.floor(q)
        door = ly < 0.0 and (abs(px - 0.86) < 0.09 or abs(px) < 0.1)
        if (-0.1 < pz < 0.68 or (door and -0.85 < pz < 0.68)) and f > 0.07:
            if night > 0.5:
                return 0.85, 0.8, 0.62, lit, 0.1
            return 0.035, 0.04, 0.045, 0.0, 0.5
        if row[PARAM + 1] > 0.0 and -0.4 < pz < -0.25:
            return 0.85, 0.85, 0.83, 0.0, 0.1
        if pz > 0.78 and row[PARAM + 1] > 0.0:
            return 0.8, 0.8, 0.78, 0.0, 0.1
    return r, g, b, 0.0, 0.1


@compiled
def _sign(row: Array, py: Number, pz: Number, lx: Number, hy: Number, hz: Number) -> Numbers:
    """Traffic sign; its face is on the side of +x."""
    if lx < 0.5:
        return 0.3, 0.31, 0.31, 0.0, 0.03
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    kind, seed = int(row[PARAM]), int(row[SEED])
    radius = np.sqrt(py * py + pz * pz)
    ink = hash01(int(np.floor((py + 1.0) * 5.0)), int(np.floor((pz + 1.0) * 4.0)), seed) > 0.5
    if kind == 0:
        if radius > 0.74:
            return 0.72, 0.03, 0.04, 0.0, 0.03
        if abs(pz) < 0.35 and abs(py) < 0.45 and ink:
            return 0.02, 0.02, 0.02, 0.0, 0.03
    elif kind == 1:
        if radius > 0.88 or (abs(pz) < 0.25 and abs(py) < 0.65 and ink):
            return 0.85, 0.85, 0.85, 0.0, 0.03
    elif kind == 2:
        if (abs(py) < 0.14 and abs(pz) < 0.55) or (pz > 0.0 and abs(py) < 0.55 - pz):
            return 0.88, 0.88, 0.88, 0.0, 0.03
    elif kind == 3:
        room = 0.5 * (1.0 - pz) - abs(py)
        if room < 0.2 or pz < -0.75:
            return 0.72, 0.03, 0.04, 0.0, 0.03
        if abs(py) < 0.1 and pz < 0.1:
            return 0.02, 0.02, 0.02, 0.0, 0.03
    elif kind == 4:
        if max(abs(py), abs(pz)) > 0.9 or (radius < 0.5 and ink):
            return 0.02, 0.02, 0.02, 0.0, 0.03
    elif kind == 5:
        if radius < 0.55 and (ink or abs(py) < 0.15):
            return 0.88, 0.88, 0.88, 0.0, 0.03
    elif kind == 6:
        if max(abs(py), abs(pz)) > 0.93 or (max(abs(py), abs(pz)) < 0.7 and ink):
            return 0.03, 0.03, 0.03, 0.0, 0.03
    else:
        rim = min(1.0 - abs(py), (1.0 - abs(pz)) * hz / hy) * hy
        q = (pz + 1.0) * hz / 0.4
        w = int(np.floor((py + 1.0) * hy / 0.13))
        row_here = q - np.floor(q)
        text = 0.3 < row_here < 0.75 and abs(py) < 0.8 and abs(pz) < 0.8
        if rim < 0.06 or (text and hash01(w, int(q), seed) > 0.35):
            return 0.85, 0.86, 0.85, 0.0, 0.03
    return r, g, b, 0.0, 0.03


@compiled
def _signal(
    row: Array, py: Number, pz: Number, lx: Number, hy: Number, hz: Number, clock: Number
) -> Numbers:
    """Traffic light; its face is on the side of +x."""
    r, g, b = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if lx < 0.5:
        return r, g, b, 0.0, 0.05
    state = signal_state(clock, row[PARAM])
    for k in range(3):
        dz = (pz - 0.64 * (1 - k)) * hz
        if dz * dz + (py * hy) ** 2 < 0.0182:
            on = k == state
            glow = 2.5 if on else 0.0
            if k == 0:
                return (1.0, 0.08, 0.05, glow, 0.05) if on else (0.09, 0.02, 0.02, glow, 0.1)
            if k == 1:
                return (1.0, 0.6, 0.05, glow, 0.05) if on else (0.08, 0.05, 0.01, glow, 0.1)
            return (0.05, 0.95, 0.45, glow, 0.05) if on else (0.01, 0.06, 0.04, glow, 0.1)
    return r, g, b, 0.0, 0.05


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
        return _facade(row, u, v + hz - 2.0, abs(lz) > 0.5, pixel, night, noises)
    if material == BODY:
        return _body(row, px, py, pz, lx, ly, lz, hx, hy, hz)
    if material == CABIN:
        return _cabin(row, px, py, pz, lx, ly, lz)
    if material == VAN:
        return _van(row, px, py, pz, lx, ly, lz, hx, hy, hz)
    if material == BUS:
        return _bus(row, px, py, pz, lx, ly, lz, hx, hy, hz, night)
    if material == SIGN:
        return _sign(row, py, pz, lx, hy, hz)
    if material == SIGNAL:
        return _signal(row, py, pz, lx, hy, hz, clock)
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
