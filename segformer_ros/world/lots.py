# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stretches of the street with all that stands still next to it."""

from __future__ import annotations

from segformer_ros.world.builder import Builder, LENGTH_M, Lot, Style
from segformer_ros.world.country import country_side, highway_lot
from segformer_ros.world.junctions import junction
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.roadside import furnish, Stock
from segformer_ros.world.street import (
    GREEN_MEDIAN,
    MEDIAN,
    Street,
)
from segformer_ros.world.town import parked_row, planted_median, town_side
from segformer_ros.world.vehicles import car


def build_lot(
    street: Street, style: Style, seed: int, index: int, stock: Stock | None = None
) -> Lot:
    """
    Build the stretch from x = index * LENGTH_M on.

    :param stock: Of the variety of real roads; None: the plain one.
    """
    start = index * LENGTH_M
    rng = RandomSource(seed, 0x107, index)
    x0, y0, z0 = start, street.middle(start), street.point(start, 0.0)[2]
    builder = Builder(street, (x0, y0, z0), car if stock is None else stock.car)
    if street.kind == 'highway':
        highway_lot(builder, style, rng, start)
    else:
        for side in (-1, 1):
            if street.kind == 'rural':
                country_side(builder, style, rng, start, side)
            else:
                town_side(builder, style, rng, start, side)
                parked_row(builder, style, rng, start, side)
        for x in street.junctions(start, start + LENGTH_M):
            junction(builder, style, rng, x, seed)
        if street[MEDIAN] > 0.5 and street[GREEN_MEDIAN]:
            planted_median(builder, style, rng, start)
    if stock is not None:
        furnish(builder, style, stock, RandomSource(seed, 0xF05, index), start)
    return builder.finish()
