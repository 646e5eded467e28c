# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Buildings and plants."""

from __future__ import annotations

from segformer_ros.world.classes import BUILDING, VEGETATION
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
from segformer_ros.world.random_source import RandomSource

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


def block(rng: RandomSource, half_width: float, half_depth: float, height: float) -> Rows:
    """Make a city building whose front looks along -y; its foot is two metres deep."""
    parts = Parts()
    color = rng.vary(rng.pick(FRONTS), 0.2)
    style = rng.pick((0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0))
    floor = rng.uniform(2.8, 3.8)
    seed = rng.integer(0, 65535)
    param = (floor, rng.uniform(1.8, 3.6), style, float(rng.chance(0.6)))
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
    trim = rng.vary(color, 0.4)
    parts.add(
        BOX, (0.0, 0.0, height), (half_width + 0.15, half_depth + 0.25, 0.25), BUILDING, trim
    )
    if rng.chance(0.3):
        parts.add(
            BOX,
            (rng.uniform(-0.4, 0.4) * half_width, 0.0, height + 1.2),
            (half_width * 0.3, half_depth * 0.4, 1.3),
            BUILDING,
            color,
        )
    if rng.chance(0.35):
        awning = rng.vary(rng.pick(((0.6, 0.1, 0.1), (0.1, 0.3, 0.2), (0.6, 0.55, 0.4))), 0.3)
        parts.add(
            BOX, (0.0, -half_depth - 0.5, 3.0), (half_width * 0.6, 0.5, 0.08), BUILDING, awning
        )
    return parts.rows()


def house(rng: RandomSource, half_width: float, half_depth: float) -> Rows:
    """Make a house with a pitched roof, its front along -y."""
    parts = Parts()
    color = rng.vary(rng.pick(FRONTS), 0.2)
    floors = rng.integer(1, 2)
    height = 2.9 * floors + 0.3
    high = 0.5 * (height + 2.0)
    seed = rng.integer(0, 65535)
    parts.add(
        BOX,
        (0.0, 0.0, high - 2.0),
        (half_width, half_depth, high),
        BUILDING,
        color,
        material=FACADE,
        param=(2.9, rng.uniform(2.2, 3.6), 0.0, 0.0),
        seed=seed,
    )
    roof = rng.vary(rng.pick(((0.32, 0.14, 0.1), (0.18, 0.18, 0.2), (0.28, 0.22, 0.17))), 0.2)
    rise = rng.uniform(0.7, 1.6)
    hip = rng.uniform(0.3, 0.9) if rng.chance(0.4) else 0.0
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
    if rng.chance(0.5):
        parts.add(
            BOX,
            (0.5 * half_width, 0.3, height + 2.0 * rise),
            (0.3, 0.3, 0.8),
            BUILDING,
            (0.35, 0.18, 0.14),
        )
    if rng.chance(0.4):
        parts.add(
            BOX,
            (-0.4 * half_width, -half_depth - 0.7, 1.3),
            (0.45 * half_width, 0.8, 1.3),
            BUILDING,
            color,
            material=FLAT,
        )
    return parts.rows()


def shed(rng: RandomSource, half_width: float, half_depth: float) -> Rows:
    """Make a barn or a warehouse."""
    parts = Parts()
    color = rng.vary(rng.pick((*FRONTS, (0.4, 0.1, 0.08), (0.5, 0.55, 0.6))), 0.2)
    height = rng.uniform(4.0, 8.0)
    high = 0.5 * (height + 2.0)
    parts.add(
        BOX,
        (0.0, 0.0, high - 2.0),
        (half_width, half_depth, high),
        BUILDING,
        color,
        material=FACADE,
        param=(height, 6.0, 3.0, 0.0),
        seed=rng.integer(0, 65535),
    )
    parts.add(
        TAPER,
        (0.0, 0.0, height + 0.8),
        (half_width + 0.3, half_depth + 0.3, 0.8),
        BUILDING,
        rng.vary((0.3, 0.3, 0.32), 0.3),
        material=ROOF,
        lean=(0.0, 0.0, 0.98),
    )
    return parts.rows()


def tree(
    rng: RandomSource, height: float, green: tuple[float, float, float], *, clear_m: float = 0.0
) -> Rows:
    """
    Make a broad-leaved tree.

    :param clear_m: The crown stays above this height.
    """
    parts = Parts()
    bark = rng.vary((0.16, 0.12, 0.08), 0.3)
    stem = max(height * rng.uniform(0.25, 0.4), clear_m)
    thick = 0.06 + 0.016 * height
    parts.add(
        POST,
        (0.0, 0.0, 0.7 * stem - 0.25),
        (thick, thick, 0.7 * stem + 0.25),
        VEGETATION,
        bark,
        material=BARK,
    )
    count = rng.integer(5, 9)
    cut = rng.uniform(0.2, 0.44)
    for k in range(count):
        part = (k + 0.5) / count
        radius = height * rng.uniform(0.12, 0.23) * (1.1 - 0.5 * abs(part - 0.4))
        spread = height * 0.19 * (1.0 - 0.7 * part)
        parts.add(
            ELLIPSOID,
            (
                rng.uniform(-1.0, 1.0) * spread,
                rng.uniform(-1.0, 1.0) * spread,
                max(stem + (height - stem) * (0.15 + 0.7 * part), clear_m + radius),
            ),
            (radius * 1.15, radius * 1.15, radius),
            VEGETATION,
            rng.vary(green, 0.2),
            material=LEAF,
            cut=cut,
            seed=rng.integer(0, 65535),
        )
    return parts.rows()


def conifer(rng: RandomSource, height: float, green: tuple[float, float, float]) -> Rows:
    """Make a spruce or a cypress."""
    parts = Parts()
    bark = rng.vary((0.16, 0.11, 0.08), 0.2)
    parts.add(POST, (0.0, 0.0, 0.6), (0.16, 0.16, 0.8), VEGETATION, bark, material=BARK)
    width = height * rng.uniform(0.13, 0.22)
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
            rng.vary((green[0] * 0.7, green[1] * 0.75, green[2] * 0.9), 0.15),
            material=LEAF,
            cut=0.33,
            lean=(0.95, 0.95, 0.95),
            yaw=0.7 * k,
            seed=rng.integer(0, 65535),
        )
    return parts.rows()


def bush(rng: RandomSource, green: tuple[float, float, float], size: float = 1.0) -> Rows:
    """Make a bush that reaches at most 2.3 * size metres from its middle."""
    parts = Parts()
    for _ in range(rng.integer(1, 3)):
        r = rng.uniform(0.4, 1.2) * size
        parts.add(
            ELLIPSOID,
            (rng.uniform(-0.8, 0.8) * size, rng.uniform(-0.8, 0.8) * size, 0.6 * r),
            (r * 1.2, r * 1.2, r),
            VEGETATION,
            rng.vary(green, 0.25),
            material=LEAF,
            cut=0.25,
            seed=rng.integer(0, 65535),
        )
    return parts.rows()


def hedge(rng: RandomSource, half: float, green: tuple[float, float, float]) -> Rows:
    """Make a hedge along x."""
    parts = Parts()
    high = rng.uniform(0.4, 1.0)
    parts.add(
        BOX,
        (0.0, 0.0, high),
        (half, 0.4, high),
        VEGETATION,
        rng.vary(green, 0.2),
        material=LEAF,
        cut=0.12,
        seed=rng.integer(0, 65535),
    )
    return parts.rows()
