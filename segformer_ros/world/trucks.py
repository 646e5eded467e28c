# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trucks and buses."""

from __future__ import annotations

from segformer_ros.world.classes import BUS, TRUCK
from segformer_ros.world.primitives import (
    BOX,
    CARGO,
    Color,
    DISC,
    Parts,
    TAPER,
    VAN,
)
from segformer_ros.world.primitives import BUS as BUS_SIDE
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.vehicles import PAINTS, Vehicle, wheels


def _load(
    parts: Parts, rng: RandomSource, color: Color, half: float, cab: float, width: float
) -> int:
    """Add a box, a tipper or a tank behind a cab; give the seed of its look."""
    style = rng.pick(('box', 'box', 'box', 'tipper', 'tank'))
    high = rng.uniform(1.2, 1.45) if style == 'box' else rng.uniform(0.6, 0.8)
    at, floor, long = -cab - 0.1, 1.0, half - cab - 0.1
    seed = rng.integer(0, 65535)
    if style == 'tank':
        parts.add(DISC, (at, 0.0, floor + 0.95), (long, 1.1, 0.95), TRUCK, color, seed=seed)
        return seed
    parts.add(
        BOX,
        (at, 0.0, floor + high),
        (long, width, high),
        TRUCK,
        color,
        material=CARGO,
        param=(float(rng.chance(0.5)), rng.uniform(0.3, 1.2), 0.0, 0.0),
        seed=seed,
    )
    return seed


def truck(rng: RandomSource) -> Vehicle:
    """Make a box truck, a tipper or a tanker."""
    parts = Parts()
    paint = rng.vary(rng.pick(PAINTS), 0.15)
    color = rng.vary(
        rng.pick(((0.85, 0.85, 0.83), (0.8, 0.8, 0.8), (0.15, 0.25, 0.5), (0.6, 0.1, 0.08)))
        if rng.chance(0.75)
        else rng.pick(PAINTS),
        0.2,
    )
    half = rng.uniform(3.0, 5.2)
    width = rng.uniform(1.12, 1.25)
    radius = rng.uniform(0.42, 0.5)
    cab = rng.uniform(0.85, 1.05)
    seed = _load(parts, rng, color, half, cab, width)
    parts.add(BOX, (-0.2, 0.0, 0.75), (half - 0.25, 0.5, 0.22), TRUCK, (0.04, 0.04, 0.04))
    parts.add(BOX, (1.0 - half, 0.0, 0.55), (0.06, width * 0.9, 0.09), TRUCK, (0.6, 0.1, 0.05))
    tall = rng.uniform(1.05, 1.35)
    parts.add(
        TAPER,
        (half - cab, 0.0, 0.45 + tall),
        (cab, width * 0.96, tall),
        TRUCK,
        paint,
        material=VAN,
        param=(0.0, -9.0, 0.0, 2.0),
        lean=(rng.uniform(0.05, 0.25), 0.0, 0.05),
        seed=seed,
    )
    places = (half - cab, -half * 0.55, -half * 0.8) if half > 4 else (half - cab, -half * 0.6)
    wheels(parts, TRUCK, places, width, radius)
    return Vehicle(parts.rows(), half + 0.1, width + 0.05)


def bus(rng: RandomSource) -> Vehicle:
    """Make a city bus or a coach."""
    parts = Parts()
    paint = rng.vary(
        rng.pick(
            (
                (0.75, 0.1, 0.08),
                (0.9, 0.9, 0.88),
                (0.85, 0.65, 0.1),
                (0.1, 0.4, 0.65),
                (0.15, 0.45, 0.2),
                (0.8, 0.35, 0.05),
            )
        ),
        0.12,
    )
    half, width, high = rng.uniform(4.6, 5.9), 1.25, rng.uniform(1.3, 1.55)
    parts.add(
        TAPER,
        (0.0, 0.0, 0.32 + high),
        (half, width, high),
        BUS,
        paint,
        material=BUS_SIDE,
        param=(rng.uniform(0.9, 1.6), float(rng.chance(0.5)), 0.0, 0.0),
        lean=(0.03, 0.01, 0.03),
        seed=rng.integer(0, 65535),
    )
    parts.add(BOX, (-0.3 * half, 0.0, 2 * high + 0.4), (0.3 * half, 0.8, 0.14), BUS, paint)
    wheels(parts, BUS, (0.62 * half, -0.52 * half), width, 0.48)
    return Vehicle(parts.rows(), half + 0.1, width + 0.05)
