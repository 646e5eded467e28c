# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vehicles, each in its own frame: x forward, origin on the ground in its middle."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.world.classes import CAR
from segformer_ros.world.primitives import (
    AXLE,
    BODY,
    BOX,
    CABIN,
    ELLIPSOID,
    Parts,
    Rows,
    TAPER,
    TIRE,
    VAN,
)
from segformer_ros.world.random_source import RandomSource

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


# Middle and half length of the cabin (shares of the half length), lean of its front and back.
CABINS = {
    'sedan': (-0.10, 0.58, (0.62, 0.48)),
    'hatch': (-0.24, 0.70, (0.50, 0.22)),
    'estate': (-0.24, 0.72, (0.45, 0.16)),
    'suv': (-0.22, 0.76, (0.36, 0.14)),
    'pickup': (0.06, 0.40, (0.55, 0.16)),
}


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with the half sizes of its footprint."""

    rows: Rows
    half_length: float
    half_width: float


def wheels(
    parts: Parts, class_id: int, places: tuple[float, ...], half_width: float, radius: float
) -> None:
    """Add a pair of wheels at each of the places along x."""
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


@dataclass(frozen=True)
class _Plan:
    """The sizes of a car, from its ground (low) to its windows (belt), all in metres."""

    kind: str
    paint: tuple[float, float, float]
    length: float
    width: float
    radius: float
    low: float
    belt: float
    seed: int

    @property
    def tall(self) -> bool:
        """Return whether it is an off-roader."""
        return self.kind in ('suv', 'pickup')

    @property
    def axles(self) -> tuple[float, float]:
        """Return x of the axles."""
        return 0.62 * self.length, -0.60 * self.length


def _plan(rng: RandomSource) -> _Plan:
    kind = rng.pick(('sedan', 'sedan', 'hatch', 'estate', 'suv', 'suv', 'pickup', 'van'))
    paint = rng.vary(rng.pick(PAINTS), 0.15)
    tall = kind in ('suv', 'pickup')
    length, width = rng.uniform(2.0, 2.45), rng.uniform(0.86, 0.95)
    if kind == 'hatch':
        length -= 0.15
    radius = rng.uniform(0.36, 0.42) if tall else rng.uniform(0.30, 0.35)
    belt = rng.uniform(1.02, 1.15) if tall else rng.uniform(0.82, 0.92)
    low = 0.28 if tall else 0.19
    return _Plan(kind, paint, length, width, radius, low, belt, rng.integer(0, 65535))


def _van(parts: Parts, rng: RandomSource, plan: _Plan) -> None:
    high = rng.uniform(1.8, 2.5)
    half = 0.5 * (high - 0.25)
    front, back = (x / plan.length for x in plan.axles)
    parts.add(
        TAPER,
        (0.0, 0.0, 0.25 + half),
        (plan.length, plan.width, half),
        CAR,
        plan.paint,
        material=VAN,
        param=(front, back, plan.radius * 1.1, float(rng.chance(0.5))),
        lean=(rng.uniform(0.3, 0.5), 0.03, 0.1),
        seed=plan.seed,
    )


def _shell(parts: Parts, plan: _Plan) -> None:
    """Add the body below the windows."""
    half = 0.5 * (plan.belt - plan.low)
    front, back = (x / plan.length for x in plan.axles)
    parts.add(
        TAPER,
        (0.0, 0.0, plan.low + half),
        (plan.length, plan.width, half),
        CAR,
        plan.paint,
        material=BODY,
        param=(front, back, plan.radius * 1.12, float(plan.tall)),
        lean=(0.07, 0.05, 0.07),
        seed=plan.seed,
    )


def _cabin(parts: Parts, rng: RandomSource, plan: _Plan) -> None:
    """Add windows, roof, mirrors and the bed of a pickup."""
    length, width, belt = plan.length, plan.width, plan.belt
    roof = belt + (rng.uniform(0.62, 0.72) if plan.tall else rng.uniform(0.48, 0.56))
    at, size, lean = CABINS[plan.kind]
    parts.add(
        TAPER,
        (at * length, 0.0, 0.5 * (belt + roof) - 0.01),
        (size * length, width * 0.93, 0.5 * (roof - belt) + 0.01),
        CAR,
        plan.paint,
        material=CABIN,
        lean=(*lean, 0.3),
        seed=plan.seed,
    )
    if plan.kind == 'pickup':
        bed = (0.29 * length, width * 0.8, 0.01)
        parts.add(BOX, (-0.66 * length, 0.0, belt + 0.005), bed, CAR, DARK)
    for side in (-1, 1):
        place = (0.32 * length, side * (width + 0.07), belt + 0.06)
        parts.add(ELLIPSOID, place, (0.06, 0.1, 0.08), CAR, plan.paint)


def car(rng: RandomSource) -> Vehicle:
    """Make a sedan, hatchback, estate, off-roader, pickup or van."""
    parts = Parts()
    plan = _plan(rng)
    if plan.kind == 'van':
        _van(parts, rng, plan)
    else:
        _shell(parts, plan)
        _cabin(parts, rng, plan)
    for end in (-1, 1):
        place = (end * (plan.length - 0.05), 0.0, plan.low + 0.12)
        color = DARK if rng.chance(0.5) else plan.paint
        parts.add(BOX, place, (0.09, plan.width * 0.94, 0.12), CAR, color)
    wheels(parts, CAR, plan.axles, plan.width, plan.radius)
    return Vehicle(parts.rows(), plan.length + 0.1, plan.width + 0.05)
