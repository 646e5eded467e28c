# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sides of highways and country roads."""

from __future__ import annotations

import math

from segformer_ros.world import furniture, land, people
from segformer_ros.world.builder import (
    Builder,
    LENGTH_M,
    pieces,
    planted_tree,
    Style,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.street import (
    MEDIAN,
)


def highway_lot(builder: Builder, style: Style, rng: RandomSource, start: float) -> None:
    """Build the median and both sides of a highway."""
    street = builder.street
    if style.barrier != 'none':
        half = 6.05
        if style.barrier == 'hedge' and street[MEDIAN] > 1.4:
            pieces(builder, land.hedge(rng, half, style.green), start, 0.0, 12.0)
        elif style.barrier == 'rail':
            rail = furniture.fence(rng, half, rail=True)
            for t in (-1.0, 1.0) if street[MEDIAN] > 1.4 else (0.0,):
                pieces(builder, rail, start, t * (street[MEDIAN] - 0.7), 12.0)
        else:
            pieces(builder, furniture.wall(rng, half, barrier=True), start, 0.0, 12.0)
    for side in (-1, 1):
        edge = street.edge(side)
        kind = style.border[side > 0]
        # One look per scene: the random numbers of a border do not depend on the stretch.
        same = RandomSource(int(edge * 1000.0), side + 5)
        if kind == 'rail':
            pieces(builder, furniture.fence(same, 6.05, rail=True), start, side * (edge + 0.6), 12)
        elif kind == 'fence':
            t = side * (edge + 5.0)
            pieces(builder, furniture.fence(same, 6.05), start, t, 12.0)
        elif kind == 'wall':
            t = side * (edge + 0.5)
            pieces(builder, furniture.wall(same, 6.05, barrier=True), start, t, 12.0)
        elif kind == 'noise' and int(start / 240.0) % 2 == 0:
            rows = furniture.wall(same, 6.05)
            pieces(builder, rows, start, side * (edge + 3.0), 12.0)
        wild_land(builder, style, rng, start, side, edge + (6.5 if kind == 'fence' else 4.5))
        if rng.chance(0.5):
            turn = math.pi if side < 0 else 0.0
            x = start + rng.uniform(2.0, 46.0)
            builder.put(furniture.traffic_sign(rng), x, side * (edge + 1.7), turn)
        if style.lamps:
            height = 9.5
            x = start + 20.0
            lamp = furniture.street_lamp(RandomSource(int(edge * 1000.0)), height, 2.0)
            builder.put(lamp, x, side * (edge + 1.3), 0.0 if side < 0 else math.pi)
            builder.light(x, side * (edge - 0.7), height - 0.2)
        if rng.chance(style.props * 0.5):
            for _ in range(3):
                x = start + rng.uniform(0.0, 46.0)
                builder.put(furniture.prop(rng, (3, 4, 7)), x, side * (edge - 0.4))
    if rng.chance(0.17):
        rows = furniture.gantry(rng, 0.0, street.edge(-1) + 1.2)
        builder.put(rows, start + 24.0, 0.0, math.pi)


def wild_land(
    builder: Builder, style: Style, rng: RandomSource, start: float, side: int, first: float
) -> None:
    """Plant the land next to a road outside the town."""
    street = builder.street
    for _ in range(int(2 + 22 * style.trees * style.trees)):
        x = start + rng.uniform(0.0, LENGTH_M)
        far = first + 2.0 + 60.0 * rng.uniform(0.0, 1.0) ** 1.6
        if rng.chance(0.65):
            builder.put(planted_tree(style, rng, 5.0, 13.0), x, side * far)
        else:
            builder.put(land.bush(rng, style.green), x, side * (far - 1.5))
    if rng.chance(0.22):
        x = start + 24.0
        far = first + rng.uniform(25.0, 60.0)
        turn = rng.uniform(-0.4, 0.4) + (0.0 if side > 0 else math.pi)
        make = land.shed if rng.chance(0.5) else land.house
        builder.put(make(rng, rng.uniform(6.0, 14.0), 6.0), x, side * far, turn)
    if style.pole_line == side:
        pole = furniture.utility_pole(RandomSource(int(street.edge(1) * 1000.0), 3))
        builder.put(pole, start + 10.0, side * (first + 3.0))


def country_side(
    builder: Builder, style: Style, rng: RandomSource, start: float, side: int
) -> None:
    """Build one side of a country road."""
    street = builder.street
    edge = street.edge(side)
    kind = style.border[side > 0]
    same = RandomSource(int(edge * 1000.0), side + 5)
    if kind == 'rail':
        pieces(builder, furniture.fence(same, 6.05, rail=True), start, side * (edge + 0.8), 12.0)
    elif kind == 'fence':
        pieces(builder, furniture.fence(same, 6.05), start, side * (edge + 2.5), 12.0)
    elif kind == 'wall':
        pieces(builder, furniture.wall(same, 6.05), start, side * (edge + 1.5), 12.0)
    elif kind == 'noise':
        pieces(builder, land.hedge(same, 6.05, style.green), start, side * (edge + 1.8), 12.0)
    wild_land(builder, style, rng, start, side, edge + 3.0)
    if rng.chance(0.6):
        turn = math.pi if side < 0 else 0.0
        x = start + rng.uniform(2.0, 46.0)
        builder.put(furniture.traffic_sign(rng), x, side * (edge + 1.1), turn)
    if rng.chance(0.35):
        x = start + rng.uniform(6.0, 42.0)
        builder.put(furniture.prop(rng), x, side * (edge + 1.2), 0.0 if side > 0 else math.pi)
    if rng.chance(0.25):
        x = start + rng.uniform(6.0, 42.0)
        builder.put(people.person(rng, 0.5), x, side * (edge + 0.6), rng.uniform(0.0, 6.28))
