# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vans, trucks and buses of real roads: those of the plain world with what their rears carry."""

from __future__ import annotations

from segformer_ros.world.classes import BUS, CAR, TRUCK
from segformer_ros.world.primitives import (
    BOX,
    CARGO,
    COLOR,
    MATERIAL,
    Parts,
    STRIPES,
    TAPER,
    TIRE,
    VAN,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.road_cars import BLACK, lamp, road_paint
from segformer_ros.world.trucks import bus, truck
from segformer_ros.world.vehicles import Vehicle, wheels

METALS = ((0.5, 0.5, 0.5), (0.75, 0.75, 0.73), (0.3, 0.31, 0.32))


def _rear(
    parts: Parts, rng: RandomSource, class_id: int, x: float, wide: float, z: float, *, tall: bool
) -> None:
    """Add lamps, a bar, flaps and a plate at a rear."""
    lit = rng.uniform(1.2, 3.5) if rng.chance(0.4) else 0.0
    red = (0.9, 0.03, 0.02) if lit else rng.vary((0.24, 0.012, 0.012), 0.4)
    long = rng.uniform(0.13, 0.27)
    half = (0.05, 0.07, long) if tall else (0.05, long, 0.06)
    for side in (-1, 1):
        place = (x - 0.01, side * (wide - half[1] - 0.02), z)
        lamp(parts, class_id, place, half, red, lit=lit)
        clear = (half[0], half[1] * 0.9, half[2] * 0.25)
        at = (x - 0.015, place[1], z - half[2] * 0.5)
        lamp(parts, class_id, at, clear, (0.6, 0.3, 0.05), ribs=3.0)
    plate = (x - 0.05, rng.pick((-0.4, 0.0, 0.0)) * wide, z - 0.05)
    parts.add(BOX, plate, (0.02, 0.26, 0.06), class_id, (0.6, 0.6, 0.55), shadow=False)


def road_truck(rng: RandomSource) -> Vehicle:
    """Make a truck with an under-run bar, flaps, lamps and at times a longer box behind."""
    base = truck(rng)
    parts = Parts()
    parts.extend(base.rows)
    half, wide = base.half_length - 0.1, base.half_width - 0.05
    x = -half + 0.02
    _rear(parts, rng, TRUCK, x, wide, rng.uniform(0.75, 0.95), tall=False)
    bar = rng.pick(METALS)
    if rng.chance(0.3):
        at = (x, 0.0, 0.5)
        parts.add(BOX, at, (0.05, wide * 0.95, 0.07), TRUCK, (0.55, 0.05, 0.04), material=STRIPES)
    else:
        parts.add(BOX, (x, 0.0, 0.5), (0.05, wide * 0.95, 0.06), TRUCK, bar)
    for side in (-1, 1):
        flap = (x + 0.35, side * (wide - 0.3), 0.5)
        parts.add(BOX, flap, (0.015, 0.28, 0.35), TRUCK, BLACK)
        guard = (-0.1 * half, side * (wide - 0.08), 0.7)
        parts.add(BOX, guard, (0.3 * half, 0.03, 0.16), TRUCK, bar)
    if rng.chance(0.4):
        parts.add(BOX, (x - 0.02, 0.0, 1.05), (0.04, wide * 0.98, 0.05), TRUCK, bar)
    return Vehicle(parts.rows(), base.half_length, base.half_width)


def road_bus(rng: RandomSource) -> Vehicle:
    """Make a bus, often of a dull colour, with lamps that brake."""
    base = bus(rng)
    parts = Parts()
    rows = base.rows.copy()
    if rng.chance(0.5):
        rows[rows[:, MATERIAL] != TIRE, COLOR : COLOR + 3] = road_paint(rng)
    parts.extend(rows)
    x, wide = -base.half_length + 0.1, base.half_width - 0.05
    _rear(parts, rng, BUS, x, wide, rng.uniform(0.9, 1.3), tall=True)
    return Vehicle(parts.rows(), base.half_length, base.half_width)


def road_van(rng: RandomSource) -> Vehicle:
    """Make a panel van, a minibus or a small box truck on a van; all are of the class car."""
    parts = Parts()
    half, wide = rng.uniform(2.2, 3.0), rng.uniform(0.9, 1.02)
    high, radius = rng.uniform(1.85, 2.7), rng.uniform(0.32, 0.37)
    paint = (0.7, 0.7, 0.69) if rng.chance(0.5) else road_paint(rng)
    paint, seed = rng.vary(paint, 0.15), rng.integer(0, 65535)
    front, back = 0.62 * half, -0.56 * half
    boxed = rng.chance(0.25)
    body = 0.5 * (high - 0.28)
    glazed = 1.0 if rng.chance(0.3) else (2.0 if rng.chance(0.4) else 0.0)
    low = 0.75 * body if boxed else body
    parts.add(
        TAPER,
        (0.0, 0.0, 0.28 + low),
        (half, wide, low),
        CAR,
        paint,
        material=VAN,
        param=(front / half, back / half, radius * 1.12, glazed),
        lean=(rng.uniform(0.3, 0.5), 0.02, 0.08),
        seed=seed,
    )
    if boxed:
        color, tall = rng.vary((0.7, 0.7, 0.68), 0.2), rng.uniform(0.95, 1.2)
        box = (0.62 * half, wide + 0.12, tall)
        param = (float(rng.chance(0.4)), rng.uniform(0.4, 1.2), 0.0, 0.0)
        at = (-0.4 * half, 0.0, 0.75 + tall)
        parts.add(BOX, at, box, CAR, color, material=CARGO, param=param, seed=seed)
    _rear(parts, rng, CAR, -half - (0.02 if boxed else 0.0), wide, 0.95, tall=not boxed)
    parts.add(BOX, (-half, 0.0, 0.42), (0.06, wide * 0.95, 0.11), CAR, BLACK)
    parts.add(BOX, (half - 0.06, 0.0, 0.45), (0.1, wide * 0.93, 0.14), CAR, BLACK)
    for side in (-1, 1):
        mirror = (0.62 * half, side * (wide + 0.12), 1.35)
        parts.add(BOX, mirror, (0.05, 0.1, 0.15), CAR, BLACK)
    wheels(parts, CAR, (front, back), wide, radius)
    return Vehicle(parts.rows(), half + 0.08, wide + 0.14)
