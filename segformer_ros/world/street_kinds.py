# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of streets: highways, streets of towns and suburbs, country roads."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.street import (
    ARM,
    ARM_LEFT,
    ARM_RIGHT,
    ASPHALT,
    BANK_RIGHT,
    CROSSWALK,
    CURB,
    DASH,
    DASH_PERIOD,
    EDGE_LEFT,
    EDGE_RIGHT,
    GRASS,
    GREEN,
    GREEN_MEDIAN,
    GUTTER,
    HIGHWAY,
    HILLS,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    LINE,
    MARKED,
    MEDIAN,
    PARKING_LEFT,
    PARKING_M,
    PARKING_RIGHT,
    PATCHES,
    PAVING,
    PHASE,
    RISE_RIGHT,
    SHOULDER,
    SIDEWALK,
    SIZE,
    SOIL,
    SPACING,
    Street,
    TILE,
    VERGE,
    Wave,
    WEAR,
    YELLOW,
)


def _waves(
    rng: RandomSource, count: int, slope: float, lengths: tuple[float, float]
) -> tuple[Wave, ...]:
    """Make sines (amplitude, wave number, phase) whose slopes add up to at most `slope`."""
    shares = [rng.uniform(0.3, 1.0) for _ in range(count)]
    out = []
    for share in shares:
        number = 2.0 * math.pi / rng.uniform(*lengths)
        out.append((slope * share / sum(shares) / number, number, rng.uniform(0.0, 6.28)))
    return tuple(out)


def _highway(rng: RandomSource, v: npt.NDArray[np.float64]) -> None:
    lanes = rng.integer(2, 4)
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = rng.uniform(3.4, 3.8)
    v[MEDIAN] = rng.pick((0.9, 1.5, 3.0, 6.0, 9.0))
    v[GREEN_MEDIAN] = rng.chance(0.5)
    v[GUTTER] = rng.uniform(1.2, 3.2)
    v[HIGHWAY] = 1.0
    for side in (0, 1):
        v[BANK_RIGHT + side] = rng.uniform(0.02, 0.09)
        v[RISE_RIGHT + side] = rng.pick((-4.0, -1.0, 0.5, 4.0, 10.0, 16.0))
    v[HILLS] = rng.pick((0.0, 60.0, 150.0))
    v[GRASS] = rng.uniform(0.5, 2.5)
    v[YELLOW] = rng.chance(0.4)
    v[DASH], v[DASH_PERIOD] = rng.pick(((3.0, 12.0), (6.0, 18.0), (4.0, 12.0)))
    v[SHOULDER] = rng.uniform(0.75, 1.1)


def _town(rng: RandomSource, v: npt.NDArray[np.float64], kind: str) -> None:
    urban = kind == 'urban'
    lanes = rng.pick((1, 1, 2, 2, 3)) if urban else rng.pick((1, 1, 1, 2))
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = rng.uniform(3.0, 3.6)
    if rng.chance(0.25 if lanes > 1 else 0.1):
        v[MEDIAN] = rng.uniform(0.6, 2.5)
        v[GREEN_MEDIAN] = rng.chance(0.7)
    v[GUTTER] = rng.uniform(0.4, 1.7)
    v[PARKING_RIGHT] = PARKING_M if rng.chance(0.55) else 0.0
    v[PARKING_LEFT] = PARKING_M if rng.chance(0.55) else 0.0
    v[VERGE] = rng.uniform(0.8, 2.5) if rng.chance(0.35) else 0.0
    v[SIDEWALK] = rng.uniform(1.6, 4.5 if urban else 2.6)
    v[CURB] = rng.uniform(0.06, 0.16)
    v[SPACING] = rng.uniform(70.0, 150.0)
    v[PHASE] = rng.uniform(0.0, v[SPACING])
    v[ARM] = rng.uniform(3.0, 7.0)
    both = rng.chance(0.6)
    v[ARM_RIGHT] = both or rng.chance(0.5)
    v[ARM_LEFT] = both or not v[ARM_RIGHT]
    for side in (0, 1):
        v[BANK_RIGHT + side] = rng.uniform(0.03, 0.12)
        v[RISE_RIGHT + side] = 0.0 if urban else rng.uniform(-1.0, 2.0)
    v[HILLS] = 0.0 if urban else rng.pick((0.0, 50.0))
    v[GRASS] = 0.15 if urban else 0.5
    v[YELLOW] = rng.chance(0.5)
    v[DASH], v[DASH_PERIOD] = rng.pick(((3.0, 9.0), (3.0, 6.0), (1.5, 4.5)))
    v[CROSSWALK] = rng.pick((0.0, 1.0, 1.0, 2.0))
    v[SHOULDER] = 1.0


def _rural(rng: RandomSource, v: npt.NDArray[np.float64]) -> None:
    v[[LANES_RIGHT, LANES_LEFT]] = 1
    v[LANE] = rng.uniform(2.9, 3.6)
    v[GUTTER] = rng.uniform(0.2, 1.0)
    for side in (0, 1):
        v[BANK_RIGHT + side] = rng.uniform(0.03, 0.15)
        v[RISE_RIGHT + side] = rng.pick((-2.0, 0.0, 1.0, 4.0, 8.0))
    v[HILLS] = rng.pick((0.0, 50.0, 120.0))
    v[GRASS] = rng.uniform(0.3, 1.5)
    v[YELLOW] = rng.chance(0.4)
    v[DASH], v[DASH_PERIOD] = rng.pick(((3.0, 9.0), (3.0, 12.0)))
    v[SHOULDER] = 1.0


def make_street(rng: RandomSource, kind: str) -> Street:
    """Make a street; kind is highway, urban, suburban or rural."""
    v = np.zeros(SIZE)
    if kind == 'highway':
        _highway(rng, v)
    elif kind == 'rural':
        _rural(rng, v)
    else:
        _town(rng, v, kind)
    v[EDGE_RIGHT] = v[MEDIAN] + v[LANES_RIGHT] * v[LANE] + v[GUTTER] + v[PARKING_RIGHT]
    v[EDGE_LEFT] = v[MEDIAN] + v[LANES_LEFT] * v[LANE] + v[GUTTER] + v[PARKING_LEFT]
    v[LINE] = rng.uniform(0.06, 0.09)
    v[MARKED] = rng.chance(0.9)
    v[ASPHALT] = rng.uniform(0.05, 0.32)
    v[PATCHES] = rng.uniform(0.0, 0.35)
    v[WEAR] = rng.uniform(0.0, 0.5)
    v[TILE] = rng.pick((0.5, 0.8, 1.2, 1.6, 3.0))
    gray = rng.uniform(0.25, 0.55)
    v[PAVING : PAVING + 3] = rng.vary(rng.pick(((1, 1, 1), (1, 0.9, 0.78), (1, 0.8, 0.7))), 0.1)
    v[PAVING : PAVING + 3] *= gray
    v[SOIL : SOIL + 3] = rng.vary(
        rng.pick(((0.42, 0.33, 0.19), (0.5, 0.4, 0.24), (0.25, 0.18, 0.11), (0.3, 0.26, 0.12))),
        0.2,
    )
    v[GREEN : GREEN + 3] = rng.vary(
        rng.pick(((0.12, 0.2, 0.05), (0.2, 0.25, 0.08), (0.4, 0.33, 0.16), (0.08, 0.16, 0.04))),
        0.2,
    )
    turn, length = {
        'highway': (0.12, (700.0, 2000.0)),
        'urban': (0.16, (300.0, 900.0)),
        'suburban': (0.28, (250.0, 700.0)),
        'rural': (0.40, (220.0, 600.0)),
    }[kind]
    bends = _waves(rng, 3, turn * rng.uniform(0.1, 1.0), length)
    climb = {'highway': 0.045, 'urban': 0.06, 'suburban': 0.08, 'rural': 0.10}[kind]
    slopes = _waves(rng, 3, climb * rng.uniform(0.1, 1.0), (length[0] * 0.7, length[1]))
    return Street(kind, bends, slopes, v)
