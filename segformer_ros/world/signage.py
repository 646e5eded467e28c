# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of traffic signs and signals."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.primitives import (
    COLOR,
    PARAM,
    SEED,
)
from segformer_ros.world.texture import hash01

CYCLE_S = 24.0


@compiled
def signal_state(clock: Number, phase: Number) -> Number:
    """Return what a signal shows: 0 red, 1 yellow, 2 green."""
    q = (clock + phase) / CYCLE_S
    q = (q - np.floor(q)) * CYCLE_S
    return 2 if q < 10.0 else (1 if q < 12.0 else 0)


@compiled
def sign(row: Array, py: Number, pz: Number, lx: Number, hy: Number, hz: Number) -> Numbers:
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
def signal(
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
