# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of streets: highways, streets of towns and suburbs, country roads."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.dice import Dice
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


def _waves(dice: Dice, count: int, slope: float, lengths: tuple[float, float]) -> tuple[Wave, ...]:
    """Make sines (amplitude, wave number, phase) whose slopes add up to at most `slope`."""
    shares = [dice.uniform(0.3, 1.0) for _ in range(count)]
    out = []
    for share in shares:
        number = 2.0 * math.pi / dice.uniform(*lengths)
        out.append((slope * share / sum(shares) / number, number, dice.uniform(0.0, 6.28)))
    return tuple(out)


def _highway(dice: Dice, v: npt.NDArray[np.float64]) -> None:
    lanes = dice.integer(2, 4)
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = dice.uniform(3.4, 3.8)
    v[MEDIAN] = dice.pick((0.9, 1.5, 3.0, 6.0, 9.0))
    v[GREEN_MEDIAN] = dice.chance(0.5)
    v[GUTTER] = dice.uniform(1.2, 3.2)
    v[HIGHWAY] = 1.0
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.02, 0.09)
        v[RISE_RIGHT + side] = dice.pick((-4.0, -1.0, 0.5, 4.0, 10.0, 16.0))
    v[HILLS] = dice.pick((0.0, 60.0, 150.0))
    v[GRASS] = dice.uniform(0.5, 2.5)
    v[YELLOW] = dice.chance(0.4)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 12.0), (6.0, 18.0), (4.0, 12.0)))
    v[SHOULDER] = dice.uniform(0.75, 1.1)


def _town(dice: Dice, v: npt.NDArray[np.float64], kind: str) -> None:
    urban = kind == 'urban'
    lanes = dice.pick((1, 1, 2, 2, 3)) if urban else dice.pick((1, 1, 1, 2))
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = dice.uniform(3.0, 3.6)
    if dice.chance(0.25 if lanes > 1 else 0.1):
        v[MEDIAN] = dice.uniform(0.6, 2.5)
        v[GREEN_MEDIAN] = dice.chance(0.7)
    v[GUTTER] = dice.uniform(0.4, 1.7)
    v[PARKING_RIGHT] = PARKING_M if dice.chance(0.55) else 0.0
    v[PARKING_LEFT] = PARKING_M if dice.chance(0.55) else 0.0
    v[VERGE] = dice.uniform(0.8, 2.5) if dice.chance(0.35) else 0.0
    v[SIDEWALK] = dice.uniform(1.6, 4.5 if urban else 2.6)
    v[CURB] = dice.uniform(0.06, 0.16)
    v[SPACING] = dice.uniform(70.0, 150.0)
    v[PHASE] = dice.uniform(0.0, v[SPACING])
    v[ARM] = dice.uniform(3.0, 7.0)
    both = dice.chance(0.6)
    v[ARM_RIGHT] = both or dice.chance(0.5)
    v[ARM_LEFT] = both or not v[ARM_RIGHT]
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.03, 0.12)
        v[RISE_RIGHT + side] = 0.0 if urban else dice.uniform(-1.0, 2.0)
    v[HILLS] = 0.0 if urban else dice.pick((0.0, 50.0))
    v[GRASS] = 0.15 if urban else 0.5
    v[YELLOW] = dice.chance(0.5)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 9.0), (3.0, 6.0), (1.5, 4.5)))
    v[CROSSWALK] = dice.pick((0.0, 1.0, 1.0, 2.0))
    v[SHOULDER] = 1.0


def _rural(dice: Dice, v: npt.NDArray[np.float64]) -> None:
    v[[LANES_RIGHT, LANES_LEFT]] = 1
    v[LANE] = dice.uniform(2.9, 3.6)
    v[GUTTER] = dice.uniform(0.2, 1.0)
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.03, 0.15)
        v[RISE_RIGHT + side] = dice.pick((-2.0, 0.0, 1.0, 4.0, 8.0))
    v[HILLS] = dice.pick((0.0, 50.0, 120.0))
    v[GRASS] = dice.uniform(0.3, 1.5)
    v[YELLOW] = dice.chance(0.4)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 9.0), (3.0, 12.0)))
    v[SHOULDER] = 1.0


def make_street(dice: Dice, kind: str) -> Street:
    """Make a street; kind is highway, urban, suburban or rural."""
    v = np.zeros(SIZE)
    if kind == 'highway':
        _highway(dice, v)
    elif kind == 'rural':
        _rural(dice, v)
    else:
        _town(dice, v, kind)
    v[EDGE_RIGHT] = v[MEDIAN] + v[LANES_RIGHT] * v[LANE] + v[GUTTER] + v[PARKING_RIGHT]
    v[EDGE_LEFT] = v[MEDIAN] + v[LANES_LEFT] * v[LANE] + v[GUTTER] + v[PARKING_LEFT]
    v[LINE] = dice.uniform(0.06, 0.09)
    v[MARKED] = dice.chance(0.9)
    v[ASPHALT] = dice.uniform(0.05, 0.32)
    v[PATCHES] = dice.uniform(0.0, 0.35)
    v[WEAR] = dice.uniform(0.0, 0.5)
    v[TILE] = dice.pick((0.5, 0.8, 1.2, 1.6, 3.0))
    gray = dice.uniform(0.25, 0.55)
    v[PAVING : PAVING + 3] = dice.vary(dice.pick(((1, 1, 1), (1, 0.9, 0.78), (1, 0.8, 0.7))), 0.1)
    v[PAVING : PAVING + 3] *= gray
    v[SOIL : SOIL + 3] = dice.vary(
        dice.pick(((0.42, 0.33, 0.19), (0.5, 0.4, 0.24), (0.25, 0.18, 0.11), (0.3, 0.26, 0.12))),
        0.2,
    )
    v[GREEN : GREEN + 3] = dice.vary(
        dice.pick(((0.12, 0.2, 0.05), (0.2, 0.25, 0.08), (0.4, 0.33, 0.16), (0.08, 0.16, 0.04))),
        0.2,
    )
    turn, length = {
        'highway': (0.12, (700.0, 2000.0)),
        'urban': (0.16, (300.0, 900.0)),
        'suburban': (0.28, (250.0, 700.0)),
        'rural': (0.40, (220.0, 600.0)),
    }[kind]
    bends = _waves(dice, 3, turn * dice.uniform(0.1, 1.0), length)
    climb = {'highway': 0.045, 'urban': 0.06, 'suburban': 0.08, 'rural': 0.10}[kind]
    slopes = _waves(dice, 3, climb * dice.uniform(0.1, 1.0), (length[0] * 0.7, length[1]))
    return Street(kind, bends, slopes, v)
