# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sides of streets in towns: houses, gardens, curbs, parked cars."""

from __future__ import annotations

import math

from segformer_ros.world import furniture, land, people
from segformer_ros.world.builder import (
    Builder,
    CLEAR_M,
    clear_of_arm,
    LENGTH_M,
    planted_tree,
    Style,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.street import (
    ARM,
    MEDIAN,
    PARKING_LEFT,
    PARKING_M,
    PARKING_RIGHT,
    SIDEWALK,
    VERGE,
    WRAP,
)
from segformer_ros.world.two_wheelers import two_wheeler_rack

BAY_M = 6.0


def town_side(builder: Builder, style: Style, rng: RandomSource, start: float, side: int) -> None:
    """Build the houses, gardens and curb of one side of a street."""
    street = builder.street
    inner = street.edge(side) + street[VERGE]
    back = inner + street[SIDEWALK]
    front = 0.0 if side > 0 else math.pi
    x = start
    while x < start + LENGTH_M - 3.0:
        width = min(rng.uniform(9.0, 20.0), start + LENGTH_M - x)
        middle, half = x + 0.5 * width, 0.5 * width
        x += width
        if not clear_of_arm(street, middle, side, half + street[SIDEWALK] + street[VERGE]):
            continue
        if street.kind == 'urban':
            _city_lot(builder, style, rng, middle, half, side, back, front)
        else:
            _garden_lot(builder, style, rng, middle, half, side, back, front)
    _curbside(builder, style, rng, start, side)


def _city_lot(
    builder: Builder,
    style: Style,
    rng: RandomSource,
    x: float,
    half: float,
    side: int,
    back: float,
    front: float,
) -> None:
    kind = rng.uniform(0.0, 1.0)
    if kind < 0.78:
        depth = rng.uniform(4.0, 7.0)
        height = style.height * rng.uniform(0.6, 1.4)
        setback = 0.1 if rng.chance(0.7) else rng.uniform(0.5, 5.0)
        rows = land.block(rng, half - 0.02, depth, height)
        builder.put(rows, x, side * (back + setback + depth), front)
        return
    if kind < 0.9:
        make = furniture.wall if rng.chance(0.5) else furniture.fence
        builder.put(make(rng, half), x, side * (back + 0.3), lean=True)
    for _ in range(rng.integer(2, 4)):
        at = x + rng.uniform(-half, half)
        builder.put(
            planted_tree(style, rng, 5.0, 11.0), at, side * (back + rng.uniform(2.5, 14.0))
        )
    rows = land.block(rng, half + 2.0, 5.0, style.height * rng.uniform(0.6, 1.4))
    builder.put(rows, x, side * (back + 26.0), front)


def _garden_lot(
    builder: Builder,
    style: Style,
    rng: RandomSource,
    x: float,
    half: float,
    side: int,
    back: float,
    front: float,
) -> None:
    border = rng.uniform(0.0, 1.0)
    place_t = side * (back + 0.5)
    if border < 0.22:
        builder.put(furniture.fence(rng, half - 0.3), x, place_t, lean=True)
    elif border < 0.42:
        builder.put(furniture.wall(rng, half - 0.3), x, place_t, lean=True)
    elif border < 0.6:
        builder.put(land.hedge(rng, half - 0.3, style.green), x, place_t, lean=True)
    setback = rng.uniform(4.0, 10.0)
    if rng.chance(0.82):
        depth = rng.uniform(4.0, 5.5)
        rows = land.house(rng, min(half - 1.0, rng.uniform(4.5, 8.0)), depth)
        builder.put(rows, x, side * (back + setback + depth), front)
    for _ in range(int(1 + 3 * style.trees)):
        at = x + rng.uniform(-half, half)
        far = rng.pick((1.8, 2.5, 3.0, 18.0, 22.0, 26.0))
        builder.put(planted_tree(style, rng, 4.0, 10.0), at, side * (back + far))
    if rng.chance(0.5):
        builder.put(land.bush(rng, style.green), x, side * (back + rng.uniform(1.5, 4.0)))
    if rng.chance(0.25):
        at = x + rng.sign() * (half - 1.5)
        builder.put_vehicle(builder.make_car(rng), at, side * (back + 4.5), math.pi / 2 * side)


def _curbside(builder: Builder, style: Style, rng: RandomSource, start: float, side: int) -> None:
    """Put lamps, signs, trees, bins, people along the curb."""
    street = builder.street
    edge = street.edge(side)
    front = 0.0 if side > 0 else math.pi
    facing = math.pi if side < 0 else 0.0
    t = side * (edge + (0.5 if street[VERGE] == 0.0 else 0.5 * street[VERGE]))
    x = start + rng.uniform(0.0, 5.0)
    while x < start + LENGTH_M:
        if clear_of_arm(street, x, side, 2.0):
            kind = rng.uniform(0.0, 1.0)
            if kind < 0.16 + 0.22 * style.signs:
                builder.put(furniture.traffic_sign(rng), x, t, facing)
            elif kind < 0.36 + 0.3 * style.trees and street[SIDEWALK] > 1.8:
                tree = land.tree(rng, rng.uniform(5.0, 9.0), style.green, clear_m=CLEAR_M)
                builder.put(tree, x, t)
            elif kind < 0.66 + 0.2 * style.props:
                builder.put(furniture.prop(rng), x, t, front)
            elif kind < 0.88:
                for n in range(rng.integer(1, 4)):
                    builder.put(furniture.bollard(RandomSource(int(edge * 999.0))), x + 1.5 * n, t)
            elif kind < 0.95:
                builder.put(two_wheeler_rack(rng), x, t, math.pi / 2)
            else:
                t_person = side * (edge + street[VERGE] + 0.7 * street[SIDEWALK])
                builder.put(people.person(rng, 0.0), x, t_person, rng.uniform(0.0, 6.28))
        x += rng.uniform(4.0, 11.0)
    if style.lamps:
        gap = LENGTH_M / 2.0
        for n in range(2):
            x = start + (n + 0.25 + (0.25 if side > 0 else 0.0)) * gap
            if clear_of_arm(street, x, side, 1.0):
                height = 7.0
                lamp = furniture.street_lamp(RandomSource(int(edge * 1000.0)), height, 1.6)
                builder.put(lamp, x, side * (edge + 0.4), math.pi if side > 0 else 0.0)
                builder.light(x, side * (edge - 1.2), height - 0.2)


def parked_row(builder: Builder, style: Style, rng: RandomSource, start: float, side: int) -> None:
    """Park cars and two-wheelers in the bays of one side."""
    street = builder.street
    if street[PARKING_LEFT if side > 0 else PARKING_RIGHT] == 0.0:
        return
    t = side * (street.edge(side) - 0.5 * PARKING_M)
    n = math.ceil((start % WRAP) / BAY_M)
    while n * BAY_M < start % WRAP + LENGTH_M:
        x = n * BAY_M + start - start % WRAP
        n += 1
        if abs(street.junction_near(x)) < street[ARM] + 9.0 or not rng.chance(style.parked):
            continue
        turn = (0.0 if side < 0 else math.pi) + rng.uniform(-0.03, 0.03)
        if rng.chance(0.12):
            rack = two_wheeler_rack(rng)
            builder.put(rack, x, t, math.pi / 2 + 0.2)
            continue
        at = x + rng.uniform(-0.3, 0.3)
        builder.put_vehicle(builder.make_car(rng), at, t + rng.uniform(-0.12, 0.12), turn)


def planted_median(builder: Builder, style: Style, rng: RandomSource, start: float) -> None:
    """Plant bushes and trees between the two directions."""
    street = builder.street
    x = start + rng.uniform(0.0, 8.0)
    while x < start + LENGTH_M:
        if abs(street.junction_near(x)) > street[ARM] + 7.0:
            if rng.chance(0.5):
                builder.put(land.bush(rng, style.green, 0.4 * street[MEDIAN]), x, 0.0)
            elif street[MEDIAN] > 1.0:
                tree = land.tree(rng, rng.uniform(5.0, 8.0), style.green, clear_m=CLEAR_M)
                builder.put(tree, x, 0.0)
        x += rng.uniform(6.0, 12.0)
