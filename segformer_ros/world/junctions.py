# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Junctions: signals, signs, people who wait, side streets."""

from __future__ import annotations

import math

from segformer_ros.world import furniture, land, people
from segformer_ros.world.builder import (
    Builder,
    has_arm,
    planted_tree,
    Style,
)
from segformer_ros.world.random_source import mix, RandomSource
from segformer_ros.world.street import (
    ARM,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    MEDIAN,
    SIDEWALK,
    VERGE,
)


def signal_phase(seed: int, x: float) -> float:
    """Return the phase of the lights of the junction at x, in seconds."""
    return float(mix(seed, 0x519, round(x)) % 2400) / 100.0


def junction(builder: Builder, style: Style, rng: RandomSource, x: float, seed: int) -> None:
    """Put signals or signs on the corners, and houses and waiting cars along the arms."""
    street = builder.street
    arm = street[ARM]
    phase = signal_phase(seed, x)
    for side in (-1, 1):
        edge = street.edge(side)
        lanes = street[LANES_LEFT if side > 0 else LANES_RIGHT]
        # Right of the traffic that arrives: before the junction for t < 0.
        at = x + side * (arm + 4.3)
        turn = math.pi if side < 0 else 0.0
        if style.signals:
            reach = edge - street[MEDIAN] - street[LANE] * 0.5 if rng.chance(0.5) else 0.0
            reach = min(reach, 7.5) if lanes > 1 or rng.chance(0.4) else 0.0
            builder.put(furniture.signal(rng, phase, -reach), at, side * (edge + 0.6), turn)
            if rng.chance(0.6):
                far = x - side * (arm + 1.0)
                rows = furniture.signal(rng, phase, 0.0)
                builder.put(rows, far, side * (edge + 0.7), turn)
            if has_arm(street, side):
                rows = furniture.signal(rng, phase + 12.0, 0.0)
                t = side * (edge + 4.5)
                builder.put(rows, x - side * (arm + 0.7), t, math.pi / 2 * side)
        else:
            builder.put(furniture.traffic_sign(rng), at, side * (edge + 0.6), turn)
        for _ in range(2):
            if rng.chance(style.people):
                rows = people.person(rng, 0.0)
                spot = x + rng.sign() * (arm + rng.uniform(1.0, 4.0))
                builder.put(rows, spot, side * (edge + 0.9), rng.uniform(0.0, 6.28))
        if has_arm(street, side):
            _arm(builder, style, rng, x, side)


def _arm(builder: Builder, style: Style, rng: RandomSource, x: float, side: int) -> None:
    street = builder.street
    arm, edge = street[ARM], street.edge(side)
    room = arm + street[VERGE] + street[SIDEWALK] + 0.3
    for end in (-1, 1):
        for n in range(3):
            t = side * (edge + street[SIDEWALK] + street[VERGE] + 22.0 + 16.0 * n)
            # The fronts look at the arm: along x, away from the row's side.
            turn = -math.pi / 2 * end
            if street.kind == 'urban':
                height = style.height * rng.uniform(0.6, 1.4)
                builder.put(land.block(rng, 7.9, 5.0, height), x + end * (room + 5.0), t, turn)
            elif n != 1:
                builder.put(land.house(rng, 6.0, 4.5), x + end * (room + 9.0), t, turn)
            else:
                builder.put(planted_tree(style, rng, 5.0, 9.0), x + end * (room + 3.0), t)
        if rng.chance(style.parked):
            t = side * (edge + rng.uniform(12.0, 40.0))
            turn = math.pi / 2 * end
            car = builder.make_car(rng)
            if arm > 5.0:
                builder.put_vehicle(car, x + end * (arm - 1.1), t, turn)
    rows = land.block(rng, 16.0, 5.0, style.height * rng.uniform(0.7, 1.4))
    builder.put(rows, x, side * (edge + 95.0), 0.0 if side > 0 else math.pi)
