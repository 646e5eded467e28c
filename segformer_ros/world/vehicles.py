# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vehicles, each in its own frame: x forward, origin on the ground in its middle."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.world.classes import BICYCLE, BUS, CAR, MOTORCYCLE, RIDER, TRUCK
from segformer_ros.world.dice import Dice
from segformer_ros.world.people import add_rider
from segformer_ros.world.primitives import (
    AXLE,
    BODY,
    BOX,
    CABIN,
    CARGO,
    DISC,
    ELLIPSOID,
    Parts,
    Rows,
    SPOKES,
    TAPER,
    TIRE,
    VAN,
)
from segformer_ros.world.primitives import BUS as BUS_SIDE

DARK = (0.02, 0.02, 0.022)
PAINTS = (
    (0.85, 0.85, 0.85),
    (0.75, 0.76, 0.78),
    (0.5, 0.51, 0.53),
    (0.25, 0.26, 0.28),
    (0.1, 0.1, 0.11),
    (0.03, 0.03, 0.035),
    (0.03, 0.03, 0.035),
    (0.5, 0.04, 0.04),
    (0.35, 0.02, 0.03),
    (0.05, 0.12, 0.4),
    (0.03, 0.05, 0.15),
    (0.55, 0.5, 0.4),
    (0.08, 0.22, 0.12),
    (0.75, 0.45, 0.04),
    (0.8, 0.65, 0.1),
    (0.2, 0.45, 0.65),
)


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with the half sizes of its footprint."""

    rows: Rows
    half_length: float
    half_width: float


def _wheels(
    parts: Parts, class_id: int, places: tuple[float, ...], half_width: float, radius: float
) -> None:
    for x in places:
        for side in (-1, 1):
            parts.add(
                AXLE,
                (x, side * (half_width - 0.12), radius),
                (radius, 0.125, radius),
                class_id,
                DARK,
                material=TIRE,
            )


def car(dice: Dice) -> Vehicle:
    """Make a sedan, hatchback, estate, off-roader, pickup or van."""
    kind = dice.pick(('sedan', 'sedan', 'hatch', 'estate', 'suv', 'suv', 'pickup', 'van'))
    paint = dice.vary(dice.pick(PAINTS), 0.15)
    parts = Parts()
    tall = kind in ('suv', 'pickup')
    length, width = dice.uniform(2.0, 2.45), dice.uniform(0.86, 0.95)
    if kind == 'hatch':
        length -= 0.15
    radius = dice.uniform(0.36, 0.42) if tall else dice.uniform(0.30, 0.35)
    front, back = 0.62 * length, -0.60 * length
    low = 0.28 if tall else 0.19
    belt = dice.uniform(1.02, 1.15) if tall else dice.uniform(0.82, 0.92)
    seed = dice.integer(0, 65535)
    arches = (front / length, back / length, radius * 1.12, float(tall))
    if kind == 'van':
        high = dice.uniform(1.8, 2.5)
        half = 0.5 * (high - 0.25)
        parts.add(
            TAPER,
            (0.0, 0.0, 0.25 + half),
            (length, width, half),
            CAR,
            paint,
            material=VAN,
            param=(front / length, back / length, radius * 1.1, float(dice.chance(0.5))),
            lean=(dice.uniform(0.3, 0.5), 0.03, 0.1),
            seed=seed,
        )
    else:
        half = 0.5 * (belt - low)
        parts.add(
            TAPER,
            (0.0, 0.0, low + half),
            (length, width, half),
            CAR,
            paint,
            material=BODY,
            param=arches,
            lean=(0.07, 0.05, 0.07),
            seed=seed,
        )
        roof = belt + (dice.uniform(0.62, 0.72) if tall else dice.uniform(0.48, 0.56))
        at, size, lean = {
            'sedan': (-0.10, 0.58, (0.62, 0.48)),
            'hatch': (-0.24, 0.70, (0.50, 0.22)),
            'estate': (-0.24, 0.72, (0.45, 0.16)),
            'suv': (-0.22, 0.76, (0.36, 0.14)),
            'pickup': (0.06, 0.40, (0.55, 0.16)),
        }[kind]
        parts.add(
            TAPER,
            (at * length, 0.0, 0.5 * (belt + roof) - 0.01),
            (size * length, width * 0.93, 0.5 * (roof - belt) + 0.01),
            CAR,
            paint,
            material=CABIN,
            lean=(*lean, 0.3),
            seed=seed,
        )
        if kind == 'pickup':
            parts.add(
                BOX,
                (-0.66 * length, 0.0, belt + 0.005),
                (0.29 * length, width * 0.8, 0.01),
                CAR,
                DARK,
            )
        for side in (-1, 1):
            parts.add(
                ELLIPSOID,
                (0.32 * length, side * (width + 0.07), belt + 0.06),
                (0.06, 0.1, 0.08),
                CAR,
                paint,
            )
    for end in (-1, 1):
        parts.add(
            BOX,
            (end * (length - 0.05), 0.0, low + 0.12),
            (0.09, width * 0.94, 0.12),
            CAR,
            DARK if dice.chance(0.5) else paint,
        )
    _wheels(parts, CAR, (front, back), width, radius)
    return Vehicle(parts.rows(), length + 0.1, width + 0.05)


def truck(dice: Dice) -> Vehicle:
    """Make a box truck, a tipper or a tanker."""
    parts = Parts()
    paint = dice.vary(dice.pick(PAINTS), 0.15)
    load = dice.vary(
        dice.pick(((0.85, 0.85, 0.83), (0.8, 0.8, 0.8), (0.15, 0.25, 0.5), (0.6, 0.1, 0.08)))
        if dice.chance(0.75)
        else dice.pick(PAINTS),
        0.2,
    )
    half = dice.uniform(3.0, 5.2)
    width = dice.uniform(1.12, 1.25)
    radius = dice.uniform(0.42, 0.5)
    cab = dice.uniform(0.85, 1.05)
    floor = 1.0
    style = dice.pick(('box', 'box', 'box', 'tipper', 'tank'))
    high = dice.uniform(1.2, 1.45) if style == 'box' else dice.uniform(0.6, 0.8)
    at = -cab - 0.1
    seed = dice.integer(0, 65535)
    if style == 'tank':
        parts.add(
            DISC, (at, 0.0, floor + 0.95), (half - cab - 0.1, 1.1, 0.95), TRUCK, load, seed=seed
        )
    else:
        parts.add(
            BOX,
            (at, 0.0, floor + high),
            (half - cab - 0.1, width, high),
            TRUCK,
            load,
            material=CARGO,
            param=(float(dice.chance(0.5)), dice.uniform(0.3, 1.2), 0.0, 0.0),
            seed=seed,
        )
    parts.add(BOX, (-0.2, 0.0, 0.75), (half - 0.25, 0.5, 0.22), TRUCK, (0.04, 0.04, 0.04))
    parts.add(BOX, (1.0 - half, 0.0, 0.55), (0.06, width * 0.9, 0.09), TRUCK, (0.6, 0.1, 0.05))
    tall = dice.uniform(1.05, 1.35)
    parts.add(
        TAPER,
        (half - cab, 0.0, 0.45 + tall),
        (cab, width * 0.96, tall),
        TRUCK,
        paint,
        material=VAN,
        param=(0.0, -9.0, 0.0, 2.0),
        lean=(dice.uniform(0.05, 0.25), 0.0, 0.05),
        seed=seed,
    )
    places = (half - cab, -half * 0.55, -half * 0.8) if half > 4 else (half - cab, -half * 0.6)
    _wheels(parts, TRUCK, places, width, radius)
    return Vehicle(parts.rows(), half + 0.1, width + 0.05)


def bus(dice: Dice) -> Vehicle:
    """Make a city bus or a coach."""
    parts = Parts()
    paint = dice.vary(
        dice.pick(
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
    half, width, high = dice.uniform(4.6, 5.9), 1.25, dice.uniform(1.3, 1.55)
    parts.add(
        TAPER,
        (0.0, 0.0, 0.32 + high),
        (half, width, high),
        BUS,
        paint,
        material=BUS_SIDE,
        param=(dice.uniform(0.9, 1.6), float(dice.chance(0.5)), 0.0, 0.0),
        lean=(0.03, 0.01, 0.03),
        seed=dice.integer(0, 65535),
    )
    parts.add(BOX, (-0.3 * half, 0.0, 2 * high + 0.4), (0.3 * half, 0.8, 0.14), BUS, paint)
    _wheels(parts, BUS, (0.62 * half, -0.52 * half), width, 0.48)
    return Vehicle(parts.rows(), half + 0.1, width + 0.05)


def motorcycle(dice: Dice, *, rider: bool = True) -> Vehicle:
    """Make a motorcycle or a scooter."""
    parts = Parts()
    paint = dice.vary(dice.pick(PAINTS), 0.3)
    for x in (-0.68, 0.68):
        parts.add(AXLE, (x, 0.0, 0.31), (0.31, 0.075, 0.31), MOTORCYCLE, DARK, material=TIRE)
    parts.add(ELLIPSOID, (0.15, 0.0, 0.72), (0.42, 0.17, 0.19), MOTORCYCLE, paint)
    parts.add(BOX, (0.0, 0.0, 0.45), (0.32, 0.15, 0.2), MOTORCYCLE, (0.12, 0.12, 0.13))
    parts.add(BOX, (-0.45, 0.0, 0.78), (0.36, 0.13, 0.07), MOTORCYCLE, DARK)
    parts.add(BOX, (0.62, 0.0, 0.65), (0.05, 0.07, 0.36), MOTORCYCLE, (0.3, 0.3, 0.3), tilt=-0.35)
    parts.add(BOX, (0.48, 0.0, 1.02), (0.04, 0.38, 0.03), MOTORCYCLE, DARK)
    parts.add(ELLIPSOID, (0.66, 0.0, 0.92), (0.14, 0.16, 0.15), MOTORCYCLE, paint)
    if dice.chance(0.4):
        parts.add(BOX, (-0.75, 0.0, 1.0), (0.2, 0.2, 0.17), MOTORCYCLE, DARK)
    parts.add(BOX, (-0.86, 0.0, 0.72), (0.02, 0.09, 0.05), MOTORCYCLE, (0.7, 0.03, 0.02))
    if rider:
        add_rider(parts, dice, RIDER, seat=(-0.25, 0.82), hands=(0.42, 1.05), feet=(0.1, 0.35))
    return Vehicle(parts.rows(), 1.05, 0.42)


def bicycle(dice: Dice, *, rider: bool = True, phase: float = 0.0) -> Vehicle:
    """
    Make a bicycle.

    :param phase: Of the pedals, in radians.
    """
    parts = Parts()
    paint = dice.vary(dice.pick((*PAINTS, (0.1, 0.6, 0.5), (0.8, 0.8, 0.1))), 0.3)
    for x in (-0.52, 0.52):
        parts.add(AXLE, (x, 0.0, 0.35), (0.35, 0.03, 0.35), BICYCLE, DARK, material=SPOKES)
    parts.add(BOX, (0.08, 0.0, 0.84), (0.36, 0.03, 0.03), BICYCLE, paint)
    parts.add(BOX, (0.14, 0.0, 0.56), (0.03, 0.03, 0.28), BICYCLE, paint, tilt=0.9)
    parts.add(BOX, (-0.2, 0.0, 0.6), (0.03, 0.03, 0.34), BICYCLE, paint, tilt=-0.3)
    parts.add(BOX, (-0.3, 0.0, 0.34), (0.24, 0.035, 0.03), BICYCLE, paint)
    parts.add(BOX, (0.46, 0.0, 0.68), (0.03, 0.03, 0.35), BICYCLE, paint, tilt=-0.25)
    parts.add(BOX, (0.38, 0.0, 1.04), (0.03, 0.28, 0.025), BICYCLE, DARK)
    parts.add(ELLIPSOID, (-0.3, 0.0, 0.97), (0.14, 0.08, 0.05), BICYCLE, DARK)
    if dice.chance(0.4):
        parts.add(BOX, (-0.62, 0.0, 0.78), (0.17, 0.13, 0.09), BICYCLE, DARK)
    if rider:
        add_rider(
            parts, dice, RIDER, seat=(-0.28, 1.0), hands=(0.4, 1.08), feet=(0.0, 0.3), phase=phase
        )
    return Vehicle(parts.rows(), 0.9, 0.32)


def two_wheeler_rack(dice: Dice) -> Rows:
    """Make a few parked bicycles or motorcycles side by side, across x."""
    parts = Parts()
    make = bicycle if dice.chance(0.5) else motorcycle
    gap = 0.55 if make is bicycle else 0.95
    for n in range(dice.integer(1, 4)):
        parts.extend(make(dice, rider=False).rows, 0.0, n * gap)
    return parts.rows()
