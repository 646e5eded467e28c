# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of buildings."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.primitives import (
    COLOR,
    PARAM,
    SEED,
)
from segformer_ros.world.texture import hash01, noise


@compiled
def facade(
    row: Array, u: Number, v: Number, level: Number, pixel: Number, night: Number, noises: Array
) -> Numbers:
    """Return albedo, glow and gloss at u, v metres from the middle and above the foot."""
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
