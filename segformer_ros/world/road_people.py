# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""People with joints, in the clothes of a street, each in its own frame: x ahead, z up."""

from __future__ import annotations

from segformer_ros.world.classes import PEDESTRIAN
from segformer_ros.world.people import HAIR, SKIN
from segformer_ros.world.primitives import BOX, CLOTH, Color, ELLIPSOID, Parts, POST, Rows, TAPER
from segformer_ros.world.random_source import RandomSource

# Most clothes are dark and dull; a few are bright.
DARK = ((0.012, 0.012, 0.014), (0.03, 0.03, 0.035), (0.02, 0.028, 0.06), (0.06, 0.05, 0.04))
JEANS = ((0.04, 0.06, 0.12), (0.09, 0.12, 0.19), (0.02, 0.03, 0.06))
LIGHT = ((0.6, 0.6, 0.58), (0.45, 0.4, 0.32), (0.35, 0.36, 0.37), (0.2, 0.2, 0.2))
VIVID = (
    (0.45, 0.03, 0.04),
    (0.04, 0.14, 0.42),
    (0.05, 0.22, 0.12),
    (0.6, 0.4, 0.03),
    (0.5, 0.15, 0.25),
)


def _clothes(rng: RandomSource) -> tuple[Color, Color]:
    """Choose what is above and below the belt."""
    kind = rng.uniform(0.0, 1.0)
    top = rng.pick(DARK if kind < 0.5 else LIGHT if kind < 0.78 else VIVID)
    low = rng.pick(JEANS if rng.chance(0.45) else DARK if rng.chance(0.75) else LIGHT)
    return rng.vary(top, 0.35), rng.vary(low, 0.35)


def _limb(
    parts: Parts,
    color: Color,
    upper: tuple[float, float],
    lower: tuple[float, float],
    y: float,
    thick: float,
) -> None:
    """Add a part of an arm or a leg from a joint (x, z) down to the next one."""
    high = max(0.5 * (upper[1] - lower[1]), 0.05)
    middle = (0.5 * (upper[0] + lower[0]), y, 0.5 * (upper[1] + lower[1]))
    half = (thick, thick, high + 0.4 * thick)
    tilt = 0.5 * (upper[0] - lower[0]) / high
    parts.add(ELLIPSOID, middle, half, PEDESTRIAN, color, material=CLOTH, tilt=tilt)


def _legs(parts: Parts, size: float, wide: float, swing: float, low: Color, shoe: Color) -> None:
    for side in (-1, 1):
        y, step = 0.095 * side * size * wide, 0.3 * swing * side
        hip, knee = (0.0, 0.92 * size), (step * 0.55 * size + 0.03, 0.5 * size)
        foot = (step * size - 0.12 * max(-step, 0.0), 0.09 * size + 0.12 * max(-step, 0.0))
        _limb(parts, low, hip, knee, y, 0.088 * size * wide)
        _limb(parts, low, knee, foot, y, 0.062 * size * wide)
        place, half = (foot[0] + 0.06, y, foot[1] - 0.04), (0.13 * size, 0.048 * size, 0.045)
        parts.add(BOX, place, half, PEDESTRIAN, shoe)


def _arms(
    parts: Parts,
    rng: RandomSource,
    size: float,
    wide: float,
    swing: float,
    top: Color,
    skin: Color,
) -> None:
    bare = rng.chance(0.25)
    for side in (-1, 1):
        y, step = 0.235 * side * size * wide, -0.3 * swing * side
        raised = rng.chance(0.15)
        shoulder, elbow = (0.0, 1.4 * size), (step * 0.5 - 0.04, 1.12 * size)
        hand = (0.24, 1.25 * size) if raised else (step + 0.1, 0.88 * size)
        _limb(parts, top, shoulder, elbow, y, 0.055 * size)
        if raised:
            place, half = (0.1, 0.8 * y, 1.17 * size), (0.15, 0.04, 0.045)
            parts.add(ELLIPSOID, place, half, PEDESTRIAN, skin if bare else top, material=CLOTH)
        else:
            _limb(parts, skin if bare else top, elbow, hand, y, 0.042 * size)
        parts.add(ELLIPSOID, (hand[0], y, hand[1]), (0.045, 0.035, 0.055), PEDESTRIAN, skin)


def _head(parts: Parts, rng: RandomSource, size: float, skin: Color, top: Color) -> None:
    parts.add(POST, (0.0, 0.0, 1.5 * size), (0.05, 0.05, 0.07), PEDESTRIAN, skin)
    at, half = (0.02, 0.0, 1.63 * size), (0.095 * size, 0.078 * size, 0.12 * size)
    parts.add(ELLIPSOID, at, half, PEDESTRIAN, skin)
    kind = rng.uniform(0.0, 1.0)
    hair = rng.pick(HAIR) if kind < 0.7 else (top if kind < 0.85 else rng.pick(DARK))
    half = (0.1 * size, 0.088 * size, 0.1 * size)
    parts.add(ELLIPSOID, (-0.02, 0.0, 1.665 * size), half, PEDESTRIAN, hair, material=CLOTH)
    if rng.chance(0.3):
        half = (0.06, 0.08, 0.14)
        parts.add(ELLIPSOID, (-0.07, 0.0, 1.55 * size), half, PEDESTRIAN, hair, material=CLOTH)


def road_person(rng: RandomSource, swing: float) -> Rows:
    """
    Make a pedestrian, x ahead.

    :param swing: Of the legs, from -1 to 1; 0 stands.
    """
    parts = Parts()
    size = rng.uniform(0.6, 0.8) if rng.chance(0.1) else rng.uniform(0.9, 1.08)
    wide, (top, low) = rng.uniform(0.88, 1.25), _clothes(rng)
    skin = rng.vary(rng.pick(SKIN), 0.2)
    shoe = rng.pick((*DARK, (0.5, 0.5, 0.5)))
    _legs(parts, size, wide, swing, skin if rng.chance(0.12) else low, shoe)
    trunk = (
        ((0.0, 0.0, 0.95), (0.13, 0.175, 0.14), low),
        ((0.0, 0.0, 1.13), (0.125, 0.18, 0.22), top),
        ((0.0, 0.0, 1.3), (0.135, 0.205, 0.2), top),
        ((0.0, 0.0, 1.41), (0.09, 0.23, 0.075), top),
    )
    for (x, y, z), half, color in trunk:
        scaled = (half[0] * size * wide, half[1] * size * wide, half[2] * size)
        parts.add(ELLIPSOID, (x, y, z * size), scaled, PEDESTRIAN, color, material=CLOTH)
    if rng.chance(0.35):
        long = rng.uniform(0.14, 0.32)
        place = (0.0, 0.0, (1.12 - long) * size)
        half = (0.17 * size, 0.215 * size * wide, (long + 0.06) * size)
        lean = (0.25, 0.25, 0.18)
        parts.add(TAPER, place, half, PEDESTRIAN, top, material=CLOTH, lean=lean)
    _arms(parts, rng, size, wide, swing, top, skin)
    _head(parts, rng, size, skin, top)
    carried = rng.uniform(0.0, 1.0)
    color = rng.vary(rng.pick((*DARK, *VIVID)), 0.3)
    if carried < 0.22:
        place, half = (-0.2 * size, 0.0, 1.25 * size), (0.09, 0.15, 0.22)
        parts.add(ELLIPSOID, place, half, PEDESTRIAN, color, material=CLOTH)
    elif carried < 0.42:
        place = (0.03, rng.sign() * 0.31 * size, 0.72 * size)
        parts.add(BOX, place, (0.15, 0.05, 0.13), PEDESTRIAN, color, material=CLOTH)
    return parts.rows()
