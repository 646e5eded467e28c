# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""People: walking, standing and riding."""

from __future__ import annotations

from dataclasses import dataclass
import math

from segformer_ros.world.classes import PEDESTRIAN
from segformer_ros.world.primitives import BOX, CLOTH, Color, ELLIPSOID, Parts, Rows, TAPER
from segformer_ros.world.random_source import RandomSource

SKIN = ((0.65, 0.45, 0.35), (0.5, 0.33, 0.23), (0.3, 0.18, 0.12), (0.75, 0.55, 0.45))
HAIR = ((0.02, 0.02, 0.02), (0.12, 0.07, 0.04), (0.4, 0.28, 0.12), (0.45, 0.45, 0.45))


def _cloth(rng: RandomSource, brightest: float) -> tuple[float, float, float]:
    if rng.chance(0.4):
        gray = rng.uniform(0.02, brightest)
        return gray, gray, gray * rng.uniform(0.9, 1.15)
    strong = [rng.uniform(0.02, 0.25), rng.uniform(0.02, 0.6), rng.uniform(0.1, brightest)]
    first = rng.integer(0, 2)
    return strong[first], strong[(first + 1) % 3], strong[(first + 2) % 3]


@dataclass(frozen=True)
class _Build:
    """The build of a person: size 1 is 1.75 m tall, wide 1 is slim."""

    size: float
    wide: float
    skin: tuple[float, float, float]
    top: tuple[float, float, float]
    low: tuple[float, float, float]


def _limbs(parts: Parts, build: _Build, side: int, tilt: float, leg: Color) -> None:
    """Add a leg, its shoe and the arm of the same side."""
    size, wide = build.size, build.wide
    parts.add(
        ELLIPSOID,
        (-tilt * 0.44 * size, 0.1 * side * size, 0.45 * size),
        (0.095 * size * wide, 0.09 * size * wide, 0.47 * size),
        PEDESTRIAN,
        leg,
        material=CLOTH,
        tilt=tilt,
    )
    parts.add(
        BOX,
        (-tilt * 0.85 * size + 0.05, 0.1 * side * size, 0.05),
        (0.13 * size, 0.05 * size, 0.05),
        PEDESTRIAN,
        (0.05, 0.04, 0.04),
    )
    parts.add(
        ELLIPSOID,
        (tilt * 0.25 * size, 0.25 * side * size * wide, 1.12 * size),
        (0.06 * size, 0.055 * size, 0.32 * size),
        PEDESTRIAN,
        build.top,
        material=CLOTH,
        tilt=-tilt,
    )


def _trunk(parts: Parts, build: _Build, hair: Color, *, coat: bool) -> None:
    size, wide, top = build.size, build.wide, build.top
    half = (0.15 * size * wide, 0.22 * size * wide, 0.36 * size)
    parts.add(ELLIPSOID, (0.0, 0.0, 1.18 * size), half, PEDESTRIAN, top, material=CLOTH)
    if coat:
        half = (0.2 * size, 0.24 * size, 0.38 * size)
        lean = (0.3, 0.3, 0.25)
        place = (0.0, 0.0, 0.85 * size)
        parts.add(TAPER, place, half, PEDESTRIAN, top, material=CLOTH, lean=lean)
    head = 1.62 * size
    half = (0.1 * size, 0.085 * size, 0.125 * size)
    parts.add(ELLIPSOID, (0.02, 0.0, head), half, PEDESTRIAN, build.skin)
    half = (0.105 * size, 0.095 * size, 0.12 * size)
    parts.add(ELLIPSOID, (-0.02, 0.0, head + 0.03 * size), half, PEDESTRIAN, hair)


def person(rng: RandomSource, swing: float, *, umbrella: bool = False) -> Rows:
    """
    Make a pedestrian, x ahead.

    :param swing: Of the legs, from -1 to 1; 0 stands.
    """
    parts = Parts()
    size = rng.uniform(0.6, 0.75) if rng.chance(0.12) else rng.uniform(0.9, 1.08)
    top, low = _cloth(rng, 0.8), _cloth(rng, 0.4)
    skin, hair = rng.vary(rng.pick(SKIN), 0.2), rng.pick(HAIR)
    build = _Build(size, rng.uniform(0.9, 1.2), skin, top, low)
    coat, bare = rng.chance(0.25), rng.chance(0.2)
    pack, bag = rng.chance(0.2), rng.chance(0.25)
    for side in (-1, 1):
        _limbs(parts, build, side, 0.42 * swing * side, skin if bare else low)
    _trunk(parts, build, hair, coat=coat)
    if pack:
        place = (-0.2 * size, 0.0, 1.25 * size)
        parts.add(BOX, place, (0.09, 0.15, 0.22), PEDESTRIAN, _cloth(rng, 0.6))
    if bag:
        parts.add(BOX, (0.0, 0.32 * size, 0.72 * size), (0.14, 0.05, 0.14), PEDESTRIAN, low)
    if umbrella:
        shade = _cloth(rng, 0.6)
        parts.add(ELLIPSOID, (0.1, 0.1, 1.95 * size), (0.5, 0.5, 0.16), PEDESTRIAN, shade)
        parts.add(BOX, (0.1, 0.1, 1.5 * size), (0.012, 0.012, 0.4), PEDESTRIAN, (0.1, 0.1, 0.1))
    return parts.rows()


def _bone(
    parts: Parts,
    class_id: int,
    color: Color,
    ends: tuple[float, float, float, float],
    y: float,
    thick: float,
) -> None:
    """Add a thigh or a shank from x, z to x, z."""
    ax, az, bx, bz = ends
    high = 0.5 * (az - bz) if abs(az - bz) > 0.2 else 0.1
    parts.add(
        ELLIPSOID,
        (0.5 * (ax + bx), y, 0.5 * (az + bz)),
        (thick, thick, abs(high) + 0.06),
        class_id,
        color,
        material=CLOTH,
        tilt=0.5 * (ax - bx) / high,
    )


def add_rider(
    parts: Parts,
    rng: RandomSource,
    class_id: int,
    *,
    seat: tuple[float, float],
    hands: tuple[float, float],
    feet: tuple[float, float],
    phase: float = 0.0,
) -> None:
    """
    Sit a person on a two-wheeler; places are (x, z) in its frame.

    :param phase: Of the pedals, in radians.
    """
    top, low = _cloth(rng, 0.85), _cloth(rng, 0.4)
    skin, helmet = rng.vary(rng.pick(SKIN), 0.2), _cloth(rng, 0.9)
    x, z = seat
    lean = rng.uniform(0.2, 0.5)
    neck_x, neck_z = x + 0.55 * lean, z + 0.56
    place, half = (0.5 * (x + neck_x), 0.0, 0.5 * (z + neck_z)), (0.15, 0.22, 0.36)
    parts.add(ELLIPSOID, place, half, class_id, top, material=CLOTH, tilt=lean)
    parts.add(ELLIPSOID, (neck_x + 0.05, 0.0, neck_z + 0.2), (0.13, 0.12, 0.15), class_id, helmet)
    parts.add(ELLIPSOID, (neck_x + 0.1, 0.0, neck_z + 0.13), (0.09, 0.085, 0.1), class_id, skin)
    reach, drop = hands[0] - neck_x, hands[1] - (neck_z - 0.02)
    tilt = max(min(reach / min(drop, -0.12), 3.0), -3.0)
    for side in (-1, 1):
        place = (neck_x + 0.5 * reach, 0.24 * side, neck_z - 0.02 + 0.5 * drop)
        half = (0.05, 0.05, max(abs(0.5 * drop), 0.06))
        parts.add(BOX, place, half, class_id, top, material=CLOTH, tilt=tilt)
        foot = feet[1] + 0.15 * math.sin(phase) * side
        knee_x, knee_z = x + 0.38, 0.5 * (z + foot) + 0.22
        _bone(parts, class_id, low, (x + 0.02, z, knee_x, knee_z), 0.13 * side, 0.1)
        _bone(parts, class_id, low, (knee_x, knee_z, feet[0] + 0.1, foot), 0.13 * side, 0.075)
