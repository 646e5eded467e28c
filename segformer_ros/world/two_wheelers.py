# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Motorcycles and bicycles, with and without riders."""

from __future__ import annotations

from segformer_ros.world.classes import BICYCLE, MOTORCYCLE, RIDER
from segformer_ros.world.people import add_rider
from segformer_ros.world.primitives import (
    AXLE,
    BOX,
    ELLIPSOID,
    Parts,
    Rows,
    SPOKES,
    TIRE,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.vehicles import DARK, PAINTS, Vehicle


def motorcycle(rng: RandomSource, *, rider: bool = True) -> Vehicle:
    """Make a motorcycle or a scooter."""
    parts = Parts()
    paint = rng.vary(rng.pick(PAINTS), 0.3)
    for x in (-0.68, 0.68):
        parts.add(AXLE, (x, 0.0, 0.31), (0.31, 0.075, 0.31), MOTORCYCLE, DARK, material=TIRE)
    parts.add(ELLIPSOID, (0.15, 0.0, 0.72), (0.42, 0.17, 0.19), MOTORCYCLE, paint)
    parts.add(BOX, (0.0, 0.0, 0.45), (0.32, 0.15, 0.2), MOTORCYCLE, (0.12, 0.12, 0.13))
    parts.add(BOX, (-0.45, 0.0, 0.78), (0.36, 0.13, 0.07), MOTORCYCLE, DARK)
    parts.add(BOX, (0.62, 0.0, 0.65), (0.05, 0.07, 0.36), MOTORCYCLE, (0.3, 0.3, 0.3), tilt=-0.35)
    parts.add(BOX, (0.48, 0.0, 1.02), (0.04, 0.38, 0.03), MOTORCYCLE, DARK)
    parts.add(ELLIPSOID, (0.66, 0.0, 0.92), (0.14, 0.16, 0.15), MOTORCYCLE, paint)
    if rng.chance(0.4):
        parts.add(BOX, (-0.75, 0.0, 1.0), (0.2, 0.2, 0.17), MOTORCYCLE, DARK)
    parts.add(BOX, (-0.86, 0.0, 0.72), (0.02, 0.09, 0.05), MOTORCYCLE, (0.7, 0.03, 0.02))
    if rider:
        add_rider(parts, rng, RIDER, seat=(-0.25, 0.82), hands=(0.42, 1.05), feet=(0.1, 0.35))
    return Vehicle(parts.rows(), 1.05, 0.42)


def bicycle(rng: RandomSource, *, rider: bool = True, phase: float = 0.0) -> Vehicle:
    """
    Make a bicycle.

    :param phase: Of the pedals, in radians.
    """
    parts = Parts()
    paint = rng.vary(rng.pick((*PAINTS, (0.1, 0.6, 0.5), (0.8, 0.8, 0.1))), 0.3)
    for x in (-0.52, 0.52):
        parts.add(AXLE, (x, 0.0, 0.35), (0.35, 0.03, 0.35), BICYCLE, DARK, material=SPOKES)
    parts.add(BOX, (0.08, 0.0, 0.84), (0.36, 0.03, 0.03), BICYCLE, paint)
    parts.add(BOX, (0.14, 0.0, 0.56), (0.03, 0.03, 0.28), BICYCLE, paint, tilt=0.9)
    parts.add(BOX, (-0.2, 0.0, 0.6), (0.03, 0.03, 0.34), BICYCLE, paint, tilt=-0.3)
    parts.add(BOX, (-0.3, 0.0, 0.34), (0.24, 0.035, 0.03), BICYCLE, paint)
    parts.add(BOX, (0.46, 0.0, 0.68), (0.03, 0.03, 0.35), BICYCLE, paint, tilt=-0.25)
    parts.add(BOX, (0.38, 0.0, 1.04), (0.03, 0.28, 0.025), BICYCLE, DARK)
    parts.add(ELLIPSOID, (-0.3, 0.0, 0.97), (0.14, 0.08, 0.05), BICYCLE, DARK)
    if rng.chance(0.4):
        parts.add(BOX, (-0.62, 0.0, 0.78), (0.17, 0.13, 0.09), BICYCLE, DARK)
    if rider:
        add_rider(
            parts, rng, RIDER, seat=(-0.28, 1.0), hands=(0.4, 1.08), feet=(0.0, 0.3), phase=phase
        )
    return Vehicle(parts.rows(), 0.9, 0.32)


def two_wheeler_rack(rng: RandomSource) -> Rows:
    """Make a few parked bicycles or motorcycles side by side, across x."""
    parts = Parts()
    make = bicycle if rng.chance(0.5) else motorcycle
    gap = 0.55 if make is bicycle else 0.95
    for n in range(rng.integer(1, 4)):
        parts.extend(make(rng, rider=False).rows, 0.0, n * gap)
    return parts.rows()
