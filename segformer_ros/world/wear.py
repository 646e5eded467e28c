# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What years do to a road: cracks, tar seams, patches, joints, oil, covers; and cobbles, tufts."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number
from segformer_ros.world.street import ASPHALT, CALM, CRACKS, LANE, MEDIAN, SEAMS, STONES
from segformer_ros.world.texture import hash01, noise


@compiled
def _contour(
    u: Number, v: Number, slope: Number, half: Number, pixel: Number, noises: Array
) -> Number:
    """Return the share of a pixel that a line along the middle level of the noise covers."""
    off = abs(noise(noises, 0, u, v) - 0.5) * slope
    return min(max((half - off) / (pixel + 0.01) + 0.5, 0.0), min(1.0, 2.0 * half / pixel))


@compiled
def _patch(at: Number, t: Number, share: Number, pixel: Number) -> Number:
    """Return the brightness of rectangles that were cut out and filled; 1 outside."""
    i, j = np.floor(at / 9.0), np.floor(t / 2.7)
    k = hash01(int(i), int(j), 71)
    if k > share:
        return 1.0
    long = 1.0 + 3.2 * hash01(int(i), int(j), 72)
    wide = 0.35 + 0.9 * hash01(int(i), int(j), 73)
    a = long - abs(at - (i + 0.5) * 9.0)
    b = wide - abs(t - (j + 0.5) * 2.7)
    inside = min(a, b)
    if inside < 0.0:
        return 1.0
    if inside < 0.03 + 0.5 * pixel and pixel < 0.08:
        return 0.6
    return 0.68 + 0.5 * hash01(int(i), int(j), 74)


@compiled
def _cover(at: Number, t: Number) -> Number:
    """Return the brightness of covers of manholes; 1 outside."""
    i, j = np.floor(at / 17.0), np.floor(t / 3.1)
    if hash01(int(i), int(j), 31) > 0.3:
        return 1.0
    x = at - (i + 0.2 + 0.6 * hash01(int(i), int(j), 32)) * 17.0
    y = t - (j + 0.5) * 3.1
    r = np.sqrt(x * x + y * y)
    if r > 0.36:
        return 1.0
    return 0.5 if r > 0.31 or abs(np.sin(22.0 * x) * np.sin(22.0 * y)) > 0.5 else 0.75


@compiled
def worn(
    gray: Number,
    at: Number,
    t: Number,
    wide: Number,
    long: Number,
    street: Array,
    noises: Array,
) -> Number:
    """
    Return the gray of a road after years.

    :param wide: Size of the pixel across the road; long: along it; both in metres.
    """
    pixel = 0.5 * (wide + min(long, 0.5))
    base = street[ASPHALT]
    gray = base + (gray - base) * (1.0 - street[CALM])
    gray *= _patch(at, t, 0.5 * street[CRACKS], wide)
    lane = (abs(t) - street[MEDIAN]) / street[LANE]
    side = lane - np.floor(lane) - 0.5
    # Oil in the middle of the lanes, tires next to it.
    stain = noise(noises, 0, at * 0.7, t * 5.0)
    gray *= 1.0 - 0.55 * street[SEAMS] * stain * max(1.0 - 7.0 * abs(side), 0.0)
    if pixel < 0.12:
        cracked = noise(noises, 0, at * 0.45 + 9.0, t * 1.5)
        if cracked < 0.25 + 0.45 * street[CRACKS]:
            line = _contour(at * 1.6 + 7.0, t * 1.6, 0.9, 0.006, pixel, noises)
            if street[CRACKS] > 0.5:
                line = max(line, _contour(at * 5.0, t * 5.0 + 60.0, 0.28, 0.005, pixel, noises))
            gray *= 1.0 - 0.75 * line
        gray *= _cover(at, t)
    if street[SEAMS] > 0.4:
        # Tar along the joints of the lanes and across, and where cracks were sealed.
        wander = 0.12 * (noise(noises, 0, at * 1.5, 5.0) - 0.5)
        off = abs(abs(side) - 0.5 + wander) * street[LANE]
        tar = min(max((0.03 - off) / wide + 0.5, 0.0), min(1.0, 0.06 / wide))
        q = at / 12.0
        off = abs(q - np.floor(q) - 0.5 + 0.02 * (noise(noises, 0, t * 3.0, 9.0) - 0.5)) * 12.0
        tar = max(tar, min(max((0.02 - off) / long + 0.5, 0.0), min(1.0, 0.04 / long)))
        if pixel < 0.2:
            tar = max(tar, _contour(at * 0.55 + 30.0, t * 0.9, 1.4, 0.03, pixel, noises))
        gray *= 1.0 - 0.62 * tar
    if street[STONES] > 0.0 and pixel < 0.15:
        gray *= _stones(at, t, street[STONES], pixel)
    return gray


@compiled
def _stones(at: Number, t: Number, size: Number, pixel: Number) -> Number:
    """Return the brightness of cobbles in rows across the road."""
    u = at / size
    row = np.floor(u)
    v = t / (1.35 * size) + 0.5 * (int(row) & 1)
    k = hash01(int(row), int(np.floor(v)), 5)
    edge = max(abs(u - row - 0.5), abs(v - np.floor(v) - 0.5))
    shade = 0.75 + 0.5 * k
    if edge > 0.40 + 0.06 * k:
        shade = 0.5
    return 1.0 + (shade - 1.0) * max(1.0 - pixel * 7.0, 0.0)


@inlined
def tuft(at: Number, t: Number, pixel: Number, noises: Array) -> Number:
    """Return the brightness of grass in tufts."""
    k = 0.6 + 0.8 * noise(noises, 1, at * 3.1, t * 3.1)
    if pixel < 0.1:
        k *= 0.6 + 0.8 * noise(noises, 1, at * 14.0 + 3.0 * t, t * 11.0)
    return k
