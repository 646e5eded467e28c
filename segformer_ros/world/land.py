# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Buildings and plants."""

from __future__ import annotations

from segformer_ros.world.classes import BUILDING, VEGETATION
from segformer_ros.world.dice import Dice
from segformer_ros.world.primitives import (
    BARK,
    BOX,
    ELLIPSOID,
    FACADE,
    FLAT,
    LEAF,
    Parts,
    POST,
    ROOF,
    Rows,
    TAPER,
)

FRONTS = (
    (0.45, 0.22, 0.16),
    (0.55, 0.5, 0.42),
    (0.65, 0.63, 0.6),
    (0.35, 0.33, 0.32),
    (0.7, 0.6, 0.42),
    (0.5, 0.32, 0.25),
    (0.75, 0.73, 0.68),
    (0.25, 0.27, 0.3),
    (0.6, 0.45, 0.4),
)
GREENS = (
    (0.10, 0.20, 0.05),
    (0.06, 0.13, 0.04),
    (0.16, 0.22, 0.05),
    (0.13, 0.17, 0.08),
    (0.20, 0.19, 0.06),
    (0.25, 0.14, 0.04),
)


def block(dice: Dice, half_width: float, half_depth: float, height: float) -> Rows:
    """Make a city building whose front looks along -y; its foot is two metres deep."""
    parts = Parts()
    color = dice.vary(dice.pick(FRONTS), 0.2)
    style = dice.pick((0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0))
    floor = dice.uniform(2.8, 3.8)
    seed = dice.integer(0, 65535)
    param = (floor, dice.uniform(1.8, 3.6), style, float(dice.chance(0.6)))
    high = 0.5 * (height + 2.0)
    parts.add(
        BOX,
        (0.0, 0.0, high - 2.0),
        (half_width, half_depth, high),
        BUILDING,
        color,
        material=FACADE,
        param=param,
        seed=seed,
    )
    trim = dice.vary(color, 0.4)
    parts.add(
        BOX, (0.0, 0.0, height), (half_width + 0.15, half_depth + 0.25, 0.25), BUILDING, trim
    )
    if dice.chance(0.3):
        parts.add(
            BOX,
            (dice.uniform(-0.4, 0.4) * half_width, 0.0, height + 1.2),
            (half_width * 0.3, half_depth * 0.4, 1.3),
            BUILDING,
            color,
        )
    if dice.chance(0.35):
        awning = dice.vary(dice.pick(((0.6, 0.1, 0.1), (0.1, 0.3, 0.2), (0.6, 0.55, 0.4))), 0.3)
        parts.add(
            BOX, (0.0, -half_depth - 0.5, 3.0), (half_width * 0.6, 0.5, 0.08), BUILDING, awning
        )
    return parts.rows()


def house(dice: Dice, half_width: float, half_depth: float) -> Rows:
    """Make a house with a pitched roof, its front along -y."""
    parts = Parts()
    color = dice.vary(dice.pick(FRONTS), 0.2)
    floors = dice.integer(1, 2)
    height = 2.9 * floors + 0.3
    high = 0.5 * (height + 2.0)
    seed = dice.integer(0, 65535)
    parts.add(
        BOX,
        (0.0, 0.0, high - 2.0),
        (half_width, half_depth, high),
        BUILDING,
        color,
        material=FACADE,
        param=(2.9, dice.uniform(2.2, 3.6), 0.0, 0.0),
        seed=seed,
    )
    roof = dice.vary(dice.pick(((0.32, 0.14, 0.1), (0.18, 0.18, 0.2), (0.28, 0.22, 0.17))), 0.2)
    rise = dice.uniform(0.7, 1.6)
    hip = dice.uniform(0.3, 0.9) if dice.chance(0.4) else 0.0
    parts.add(
        TAPER,
        (0.0, 0.0, height + rise),
        (half_width + 0.4, half_depth + 0.5, rise),
        BUILDING,
        roof,
        material=ROOF,
        lean=(hip, hip, 0.98),
        seed=seed,
    )
    if dice.chance(0.5):
        parts.add(
            BOX,
            (0.5 * half_width, 0.3, height + 2.0 * rise),
            (0.3, 0.3, 0.8),
            BUILDING,
            (0.35, 0.18, 0.14),
        )
    if dice.chance(0.4):
        parts.add(
            BOX,
            (-0.4 * half_width, -half_depth - 0.7, 1.3),
            (0.45 * half_width, 0.8, 1.3),
            BUILDING,
            color,
            material=FLAT,
        )
    return parts.rows()


def shed(dice: Dice, half_width: float, half_depth: float) -> Rows:
    """Make a barn or a warehouse."""
    parts = Parts()
    color = dice.vary(dice.pick((*FRONTS, (0.4, 0.1, 0.08), (0.5, 0.55, 0.6))), 0.2)
    height = dice.uniform(4.0, 8.0)
    high = 0.5 * (height + 2.0)
    parts.add(
        BOX,
        (0.0, 0.0, high - 2.0),
        (half_width, half_depth, high),
        BUILDING,
        color,
        material=FACADE,
        param=(height, 6.0, 3.0, 0.0),
        seed=dice.integer(0, 65535),
    )
    parts.add(
        TAPER,
        (0.0, 0.0, height + 0.8),
        (half_width + 0.3, half_depth + 0.3, 0.8),
        BUILDING,
        dice.vary((0.3, 0.3, 0.32), 0.3),
        material=ROOF,
        lean=(0.0, 0.0, 0.98),
    )
    return parts.rows()


def tree(
    dice: Dice, height: float, green: tuple[float, float, float], *, clear_m: float = 0.0
) -> Rows:
    """
    Make a broad-leaved tree.

    :param clear_m: The crown stays above this height.
    """
    parts = Parts()
    bark = dice.vary((0.16, 0.12, 0.08), 0.3)
    stem = max(height * dice.uniform(0.25, 0.4), clear_m)
    thick = 0.06 + 0.016 * height
    parts.add(
        POST,
        (0.0, 0.0, 0.7 * stem - 0.25),
        (thick, thick, 0.7 * stem + 0.25),
        VEGETATION,
        bark,
        material=BARK,
    )
    count = dice.integer(5, 9)
    cut = dice.uniform(0.2, 0.44)
    for k in range(count):
        part = (k + 0.5) / count
        radius = height * dice.uniform(0.12, 0.23) * (1.1 - 0.5 * abs(part - 0.4))
        spread = height * 0.19 * (1.0 - 0.7 * part)
        parts.add(
            ELLIPSOID,
            (
                dice.uniform(-1.0, 1.0) * spread,
                dice.uniform(-1.0, 1.0) * spread,
                max(stem + (height - stem) * (0.15 + 0.7 * part), clear_m + radius),
            ),
            (radius * 1.15, radius * 1.15, radius),
            VEGETATION,
            dice.vary(green, 0.2),
            material=LEAF,
            cut=cut,
            seed=dice.integer(0, 65535),
        )
    return parts.rows()


def conifer(dice: Dice, height: float, green: tuple[float, float, float]) -> Rows:
    """Make a spruce or a cypress."""
    parts = Parts()
    bark = dice.vary((0.16, 0.11, 0.08), 0.2)
    parts.add(POST, (0.0, 0.0, 0.6), (0.16, 0.16, 0.8), VEGETATION, bark, material=BARK)
    width = height * dice.uniform(0.13, 0.22)
    count = 3
    for k in range(count):
        low = 0.12 + 0.25 * k
        half = 0.5 * height * (1.0 - low) * (0.62 if k < count - 1 else 1.0)
        wide = width * (1.0 - 0.26 * k)
        parts.add(
            TAPER,
            (0.0, 0.0, height * low + half),
            (wide, wide, half),
            VEGETATION,
            dice.vary((green[0] * 0.7, green[1] * 0.75, green[2] * 0.9), 0.15),
            material=LEAF,
            cut=0.33,
            lean=(0.95, 0.95, 0.95),
            yaw=0.7 * k,
            seed=dice.integer(0, 65535),
        )
    return parts.rows()


def bush(dice: Dice, green: tuple[float, float, float], size: float = 1.0) -> Rows:
    """Make a bush that reaches at most 2.3 * size metres from its middle."""
    parts = Parts()
    for _ in range(dice.integer(1, 3)):
        r = dice.uniform(0.4, 1.2) * size
        parts.add(
            ELLIPSOID,
            (dice.uniform(-0.8, 0.8) * size, dice.uniform(-0.8, 0.8) * size, 0.6 * r),
            (r * 1.2, r * 1.2, r),
            VEGETATION,
            dice.vary(green, 0.25),
            material=LEAF,
            cut=0.25,
            seed=dice.integer(0, 65535),
        )
    return parts.rows()


def hedge(dice: Dice, half: float, green: tuple[float, float, float]) -> Rows:
    """Make a hedge along x."""
    parts = Parts()
    high = dice.uniform(0.4, 1.0)
    parts.add(
        BOX,
        (0.0, 0.0, high),
        (half, 0.4, high),
        VEGETATION,
        dice.vary(green, 0.2),
        material=LEAF,
        cut=0.12,
        seed=dice.integer(0, 65535),
    )
    return parts.rows()
