# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars as real roads have them, each in its own frame: x forward, origin on the ground."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.world.classes import CAR
from segformer_ros.world.paintwork import PANEL, TUB
from segformer_ros.world.primitives import (
    BOX,
    COAT,
    Color,
    DISC,
    ELLIPSOID,
    GLASS,
    LENS,
    Parts,
    POST,
    TAPER,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.vehicles import Vehicle, wheels

BLACK = (0.012, 0.012, 0.013)
# Two cars of three are white, silver, gray or black.
GRAYS = (0.78, 0.78, 0.7, 0.5, 0.42, 0.3, 0.16, 0.09, 0.05, 0.022, 0.014, 0.014)
COLORS = (
    (0.28, 0.015, 0.02),
    (0.4, 0.03, 0.03),
    (0.02, 0.05, 0.2),
    (0.05, 0.12, 0.3),
    (0.015, 0.025, 0.07),
    (0.03, 0.08, 0.05),
    (0.28, 0.24, 0.17),
    (0.13, 0.09, 0.05),
    (0.2, 0.3, 0.38),
    (0.6, 0.42, 0.05),
    (0.5, 0.17, 0.03),
)

# Length, width, height in metres; then as shares of the half length: where the windscreen and the
# rear window begin at their feet, and where they end at the roof.
SHAPES: dict[str, tuple[float, ...]] = {
    'small': (3.65, 1.66, 1.50, 0.46, -0.94, 0.12, -0.76),
    'hatch': (4.15, 1.78, 1.47, 0.42, -0.93, 0.06, -0.66),
    'sedan': (4.75, 1.83, 1.44, 0.38, -0.66, 0.04, -0.36),
    'fastback': (4.85, 1.88, 1.42, 0.38, -0.88, 0.02, -0.30),
    'estate': (4.70, 1.82, 1.48, 0.38, -0.94, 0.05, -0.78),
    'suv': (4.60, 1.87, 1.68, 0.40, -0.95, 0.10, -0.80),
    'large_suv': (5.05, 2.00, 1.88, 0.40, -0.97, 0.14, -0.90),
    'jeep': (4.20, 1.84, 1.82, 0.34, -0.97, 0.20, -0.93),
    'minivan': (4.80, 1.90, 1.76, 0.60, -0.96, 0.14, -0.86),
    'pickup': (5.40, 1.95, 1.82, 0.40, -0.20, 0.12, -0.12),
}
MIX = (
    *('small', 'hatch', 'hatch', 'sedan', 'sedan', 'sedan', 'fastback', 'estate', 'suv', 'suv'),
    *('suv', 'large_suv', 'jeep', 'minivan', 'pickup', 'pickup'),
)


@dataclass(frozen=True)
class Plan:
    """Sizes of a car in metres (half length and half width), its paint and its state."""

    kind: str
    paint: tuple[float, float, float]
    long: float
    wide: float
    low: float
    hip: float
    belt: float
    roof: float
    dirt: float
    seed: int
    glass: tuple[float, float, float, float]

    @property
    def tall(self) -> bool:
        """Return whether it is an off-roader or a van."""
        return self.roof > 1.6


def road_paint(rng: RandomSource) -> tuple[float, float, float]:
    """Choose a paint with the shares that real roads have."""
    if rng.chance(0.68):
        gray = rng.pick(GRAYS)
        return rng.vary((gray, gray, gray * 1.02), 0.15)
    return rng.vary(rng.pick(COLORS), 0.3)


def _plan(rng: RandomSource) -> Plan:
    kind = rng.pick(MIX)
    length, width, height, front, back, top_front, top_back = SHAPES[kind]
    size = rng.uniform(0.95, 1.05)
    roof = height * rng.uniform(0.97, 1.03)
    tall = roof > 1.6
    belt = roof * rng.uniform(0.60, 0.65)
    return Plan(
        kind,
        road_paint(rng),
        0.5 * length * size,
        0.5 * width * rng.uniform(0.97, 1.03),
        rng.uniform(0.24, 0.34) if tall else rng.uniform(0.17, 0.23),
        belt - rng.uniform(0.12, 0.2) - (0.0 if tall else 0.08),
        belt,
        roof,
        rng.uniform(0.0, 0.25) if rng.chance(0.7) else rng.uniform(0.3, 1.0),
        rng.integer(0, 65535),
        (front, back, top_front, top_back),
    )


def lamp(
    parts: Parts,
    class_id: int,
    place: tuple[float, float, float],
    half: tuple[float, float, float],
    color: Color,
    *,
    lit: float = 0.0,
    ribs: float = 1.5,
    kind: int = BOX,
) -> None:
    """Add a lamp; lit is how bright it shines, 0 for not."""
    param = (lit, ribs, 0.0, 0.0)
    parts.add(kind, place, half, class_id, color, material=LENS, param=param, shadow=False)


def rear_lamps(
    parts: Parts, rng: RandomSource, class_id: int, x: float, wide: float, z: float, *, tall: bool
) -> bool:
    """
    Add lamps at the rear.

    :param x: Of the rear; negative.
    :returns: Whether the brake lights are lit.
    """
    style = rng.pick(('corner', 'corner', 'tall', 'strip', 'round') if tall else
                      ('corner', 'corner', 'corner', 'strip', 'strip', 'round'))  # fmt: skip
    lit = rng.chance(0.4)
    glow = rng.uniform(1.2, 3.5) if lit else (0.6 if rng.chance(0.3) else 0.0)
    red = (0.9, 0.03, 0.02) if lit else rng.vary((0.24, 0.012, 0.012), 0.4)
    half, y, kind = {
        'corner': ((0.12, rng.uniform(0.11, 0.2), rng.uniform(0.07, 0.12)), 0.0, BOX),
        'tall': ((0.08, rng.uniform(0.06, 0.1), rng.uniform(0.18, 0.32)), 0.0, BOX),
        'strip': ((0.10, rng.uniform(0.2, 0.32), rng.uniform(0.035, 0.06)), 0.0, BOX),
        'round': ((0.06, 0.09, 0.09), 0.06, DISC),
    }[style]
    for side in (-1, 1):
        place = (x + half[0] - 0.02, side * (wide + 0.01 - half[1] - y), z)
        lamp(parts, class_id, place, half, red, lit=glow, kind=kind)
        if rng.chance(0.5):
            at = (
                place[0] - 0.004,
                place[1] * (0.85 if style == 'strip' else 1.0),
                z - half[2] * 0.4,
            )
            clear = (half[0], half[1] * 0.5, half[2] * 0.3)
            lamp(parts, class_id, at, clear, (0.5, 0.45, 0.4), ribs=3.0)
    return lit


def _coated(
    parts: Parts,
    plan: Plan,
    kind: int,
    place: tuple[float, float, float],
    half: tuple[float, float, float],
    param: tuple[float, float, float, float],
    lean: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    parts.add(
        kind,
        place,
        half,
        CAR,
        plan.paint,
        material=COAT,
        param=param,
        seed=plan.seed,
        cut=plan.dirt,
        lean=lean,
    )


def _shell(parts: Parts, plan: Plan) -> None:
    """Add the body below the windows, rounded at both ends."""
    long, wide, low, hip, belt = plan.long, plan.wide, plan.low, plan.hip, plan.belt
    radius = 0.36 if plan.tall else 0.315
    body, rise = long - 0.22, 0.25 * (belt - low)
    front, back = 0.62 * long / body, -0.60 * long / body
    middle, half = 0.5 * (hip + low), 0.5 * (hip - low)
    tub = (front, back, radius * 1.16, float(TUB))
    _coated(parts, plan, TAPER, (0.0, 0.0, middle), (body, wide, half), tub, (0.0, 0.0, 0.015))
    # The upper part falls from the windscreen to the nose.
    lean = (0.96 - plan.glass[0], 0.012 if plan.glass[1] < -0.8 else 0.06, 0.06)
    panel = (front, back, 0.0, float(PANEL))
    size = (long - 0.06, wide * 0.985, rise + 0.004)
    _coated(parts, plan, TAPER, (0.0, 0.0, belt - rise), size, panel, lean)
    for end in (-1, 1):
        place, size = (end * (long - 0.42), 0.0, middle), (0.44, wide * 0.975, half)
        _coated(parts, plan, POST, place, size, (0.0, 0.0, 0.0, float(TUB)))
    parts.add(BOX, (0.0, 0.0, low + 0.06), (long * 0.86, wide * 0.8, 0.12), CAR, BLACK)
    wheels(parts, CAR, (0.62 * long, -0.60 * long), wide, radius)


def _cabin(parts: Parts, rng: RandomSource, plan: Plan) -> None:
    """Add windows and roof."""
    front, back, top_front, top_back = (share * plan.long for share in plan.glass)
    at, half = 0.5 * (front + back), 0.5 * (front - back)
    high = 0.5 * (plan.roof - plan.belt) + 0.02
    through = rng.uniform(0.0, 0.3) if rng.chance(0.6) else 0.01
    parts.add(
        TAPER,
        (at, 0.0, plan.roof - high),
        (half, plan.wide * 0.95, high),
        CAR,
        plan.paint if rng.chance(0.9) else BLACK,
        material=GLASS,
        param=((0.0 - at) / half, (-0.5 * plan.long - at) / half, through, -0.86),
        lean=((front - top_front) / half, (top_back - back) / half, 0.26),
        seed=plan.seed,
    )
    long = 0.5 * (top_front - top_back)
    middle = 0.5 * (top_front + top_back)
    parts.add(
        ELLIPSOID,
        (middle, 0.0, plan.roof - 0.01),
        (long * 1.06, plan.wide * 0.7, 0.05),
        CAR,
        plan.paint,
        material=COAT,
    )
    if plan.kind == 'pickup':
        bed = (0.39 * plan.long, plan.wide * 0.82, 0.01)
        parts.add(BOX, (-0.58 * plan.long, 0.0, plan.belt + 0.005), bed, CAR, BLACK)
        if rng.chance(0.35):
            load = rng.vary(rng.pick(((0.05, 0.05, 0.05), (0.3, 0.3, 0.3), plan.paint)), 0.3)
            half_load = (0.38 * plan.long, plan.wide * 0.85, rng.uniform(0.05, 0.3))
            parts.add(
                BOX, (-0.58 * plan.long, 0.0, plan.belt + half_load[2]), half_load, CAR, load
            )
    elif plan.tall and rng.chance(0.5):
        for side in (-1, 1):
            rail = (long * 0.9, 0.025, 0.03)
            parts.add(BOX, (middle, side * plan.wide * 0.68, plan.roof + 0.04), rail, CAR, BLACK)


def _trim(parts: Parts, rng: RandomSource, plan: Plan) -> None:
    """Add lamps, mirrors and what else sits on the outside."""
    long, wide, hip, belt = plan.long, plan.wide, plan.hip, plan.belt
    lit = rear_lamps(
        parts, rng, CAR, -long, wide, belt - (0.1 if plan.tall else 0.14), tall=plan.tall
    )
    back, top_back = plan.glass[1] * plan.long, plan.glass[3] * plan.long
    glow = 2.5 if lit else 0.0
    if rng.chance(0.8):
        place = (top_back + (back - top_back) * 0.12 - 0.02, 0.0, plan.roof - 0.05)
        lamp(parts, CAR, place, (0.05, 0.16, 0.018), (0.5, 0.02, 0.02), lit=glow)
    on = rng.uniform(1.0, 2.5) if rng.chance(0.35) else 0.0
    half = (0.16, rng.uniform(0.13, 0.22), rng.uniform(0.05, 0.09))
    for side in (-1, 1):
        place = (long - 0.2, side * (wide - half[1] - 0.02), hip - 0.03)
        lamp(parts, CAR, place, half, (0.55, 0.57, 0.6), lit=on, ribs=0.8)
        mirror = (plan.glass[0] * long - 0.12, side * (wide + 0.09), belt + 0.07)
        color = plan.paint if rng.chance(0.7) else BLACK
        parts.add(ELLIPSOID, mirror, (0.06, 0.11, 0.075), CAR, color)
    if plan.kind == 'jeep' and rng.chance(0.7):
        place = (-long - 0.1, 0.1, belt - 0.05)
        parts.add(DISC, place, (0.11, 0.36, 0.36), CAR, BLACK)
    elif rng.chance(0.4):
        place = (-long + 0.02, rng.sign() * wide * 0.55, plan.low + 0.05)
        parts.add(DISC, place, (0.08, 0.045, 0.035), CAR, (0.3, 0.3, 0.3))
    if rng.chance(0.03):
        parts.add(BOX, (0.0, 0.0, plan.roof + 0.09), (0.12, 0.28, 0.08), CAR, (0.8, 0.7, 0.2))


def road_car(rng: RandomSource) -> Vehicle:
    """Make a car of any build, clean or dirty, braking or not."""
    parts = Parts()
    plan = _plan(rng)
    _shell(parts, plan)
    _cabin(parts, rng, plan)
    _trim(parts, rng, plan)
    return Vehicle(parts.rows(), plan.long + 0.05, plan.wide + 0.05)
