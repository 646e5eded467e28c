# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What stands next to a street: lamps, signs, signals, bins, fences, walls."""

from __future__ import annotations

from collections.abc import Sequence

from segformer_ros.world.classes import FENCE, POLE, STATIC, TRAFFIC_LIGHT, TRAFFIC_SIGN, WALL
from segformer_ros.world.primitives import (
    BARK,
    BOX,
    BRICK,
    CONCRETE,
    DISC,
    ELLIPSOID,
    LAMP,
    MESH,
    Parts,
    POST,
    Rows,
    SIGN,
    SIGNAL,
    STRIPES,
    TAPER,
)
from segformer_ros.world.random_source import RandomSource

METALS = ((0.35, 0.36, 0.37), (0.5, 0.5, 0.5), (0.12, 0.13, 0.13), (0.06, 0.1, 0.08))


def street_lamp(rng: RandomSource, height: float, reach: float) -> Rows:
    """Make a lamp whose arm reaches along y."""
    parts = Parts()
    metal, thick = rng.vary(rng.pick(METALS), 0.2), rng.uniform(0.07, 0.1)
    parts.add(POST, (0.0, 0.0, 0.5 * height), (thick, thick, 0.5 * height), POLE, metal)
    parts.add(BOX, (0.0, 0.5 * reach, height), (0.05, 0.5 * reach, 0.05), POLE, metal)
    parts.add(BOX, (0.0, reach, height - 0.03), (0.16, 0.4, 0.09), POLE, metal, material=LAMP)
    return parts.rows()


def utility_pole(rng: RandomSource) -> Rows:
    """Make a wooden pole with cross arms along y."""
    parts = Parts()
    wood, high = rng.vary((0.25, 0.18, 0.12), 0.3), rng.uniform(7.5, 10.0)
    parts.add(POST, (0.0, 0.0, 0.5 * high), (0.14, 0.14, 0.5 * high), POLE, wood, material=BARK)
    for k in range(rng.integer(1, 2)):
        parts.add(BOX, (0.0, 0.0, high - 0.4 - 0.9 * k), (0.06, 1.1, 0.07), POLE, wood)
    return parts.rows()


def bollard(rng: RandomSource) -> Rows:
    """Make a bollard."""
    parts = Parts()
    color = rng.pick(((0.08, 0.08, 0.08), (0.5, 0.5, 0.5), (0.75, 0.6, 0.1)))
    parts.add(POST, (0.0, 0.0, 0.5), (0.09, 0.09, 0.5), POLE, color)
    return parts.rows()


def traffic_sign(rng: RandomSource) -> Rows:
    """Make a sign whose face looks along x."""
    parts = Parts()
    metal = rng.vary((0.5, 0.5, 0.5), 0.3)
    kind = rng.integer(0, 7)
    size = rng.uniform(0.33, 0.45)
    high = rng.uniform(2.1, 2.7)
    parts.add(POST, (-0.06, 0.0, 0.5 * high), (0.06, 0.06, 0.5 * high), POLE, metal)
    color = (
        (0.85, 0.85, 0.82),  # limit: white with a red rim
        (0.65, 0.03, 0.04),  # stop
        (0.04, 0.16, 0.6),  # order: blue disc
        (0.85, 0.85, 0.82),  # warning: triangle
        (0.9, 0.62, 0.03),  # warning: yellow
        (0.04, 0.18, 0.55),  # parking, crossing: blue square
        (0.88, 0.88, 0.86),  # white plate
        (0.02, 0.3, 0.14),  # green board
    )[kind]
    shape = (DISC, DISC, DISC, TAPER, BOX, BOX, BOX, BOX)[kind]
    wide, tall = size, size
    if kind == 6:
        tall = 1.35 * size
    elif kind == 7:
        wide, tall = 2.2 * size, 1.2 * size
    parts.add(
        shape,
        (0.02, 0.0, high),
        (0.025, wide, tall),
        TRAFFIC_SIGN,
        color,
        material=SIGN,
        param=(float(kind), 0.0, 0.0, 0.0),
        seed=rng.integer(0, 65535),
        lean=(0.0, 0.0, 0.96 if kind == 3 else 0.0),
    )
    return parts.rows()


def gantry(rng: RandomSource, near: float, far: float) -> Rows:
    """Make boards over the road, from y = near to y = far, facing along x."""
    parts = Parts()
    metal, high = rng.vary((0.5, 0.52, 0.53), 0.2), rng.uniform(5.8, 6.6)
    for y in (near, far):
        parts.add(POST, (0.0, y, 0.5 * high + 0.7), (0.16, 0.16, 0.5 * high + 0.7), POLE, metal)
    half = 0.5 * (far - near)
    for z in (high, high + 1.2):
        parts.add(BOX, (0.0, near + half, z), (0.12, half, 0.12), POLE, metal)
    color = rng.pick(((0.02, 0.28, 0.13), (0.03, 0.14, 0.5)))
    y = near + 2.0
    while y < far - 2.0:
        wide = min(rng.uniform(1.4, 2.6), 0.5 * (far - y))
        if rng.chance(0.7):
            tall = rng.uniform(0.9, 1.5)
            parts.add(
                BOX,
                (0.25, y + wide, high + 0.5),
                (0.05, wide, tall),
                TRAFFIC_SIGN,
                color,
                material=SIGN,
                param=(7.0, 0.0, 0.0, 0.0),
                seed=rng.integer(0, 65535),
            )
        y += 2.0 * wide + 1.0
    return parts.rows()


def _head(parts: Parts, rng: RandomSource, x: float, y: float, z: float, phase: float) -> None:
    color = rng.pick(((0.02, 0.03, 0.025), (0.03, 0.03, 0.03), (0.7, 0.5, 0.04)))
    parts.add(
        BOX,
        (x, y, z),
        (0.15, 0.19, 0.52),
        TRAFFIC_LIGHT,
        color,
        material=SIGNAL,
        param=(phase, 0.0, 0.0, 0.0),
    )
    if rng.chance(0.5):
        parts.add(BOX, (x - 0.1, y, z), (0.02, 0.32, 0.68), TRAFFIC_LIGHT, (0.03, 0.03, 0.03))
    else:
        for k in (-1, 0, 1):
            parts.add(
                BOX, (x + 0.22, y, z + 0.33 * k + 0.14), (0.09, 0.13, 0.015), TRAFFIC_LIGHT, color
            )


def signal(rng: RandomSource, phase: float, reach: float) -> Rows:
    """
    Make traffic lights that look along x.

    :param phase: Seconds that its cycle is ahead of the clock.
    :param reach: Length of an arm along y that carries a second light, 0 for none.
    """
    parts = Parts()
    metal = rng.vary(rng.pick(METALS), 0.2)
    high = 6.0 if reach else 3.4
    parts.add(POST, (0.0, 0.0, 0.5 * high), (0.09, 0.09, 0.5 * high), POLE, metal)
    _head(parts, rng, 0.26, 0.0, rng.uniform(2.6, 3.1), phase)
    if reach:
        parts.add(BOX, (0.0, 0.5 * reach, high), (0.07, 0.5 * abs(reach), 0.07), POLE, metal)
        for part in (1.0, 0.55) if abs(reach) > 4.0 else (1.0,):
            _head(parts, rng, 0.26, part * reach, high - 0.1, phase)
    return parts.rows()


def prop(rng: RandomSource, kinds: Sequence[int] = range(9)) -> Rows:
    """Make a small thing of the class static: a bin, a bench, a cabinet, a cone (3, 4, 7)..."""
    parts = Parts()
    kind = rng.pick(kinds)
    color = rng.vary(
        rng.pick(((0.05, 0.2, 0.08), (0.1, 0.1, 0.11), (0.3, 0.3, 0.3), (0.05, 0.1, 0.35))), 0.3
    )
    if kind == 0:
        parts.add(POST, (0.0, 0.0, 0.5), (0.3, 0.3, 0.5), STATIC, color)
        parts.add(ELLIPSOID, (0.0, 0.0, 1.0), (0.3, 0.3, 0.15), STATIC, color)
    elif kind == 1:
        wood = rng.vary((0.35, 0.2, 0.1), 0.2)
        parts.add(BOX, (0.0, 0.0, 0.45), (0.75, 0.22, 0.04), STATIC, wood)
        parts.add(BOX, (0.0, -0.2, 0.75), (0.75, 0.03, 0.2), STATIC, wood)
        for x in (-0.6, 0.6):
            parts.add(BOX, (x, 0.0, 0.22), (0.05, 0.2, 0.22), STATIC, (0.05, 0.05, 0.05))
    elif kind == 2:
        parts.add(BOX, (0.0, 0.0, 0.65), (0.5, 0.25, 0.65), STATIC, color, material=CONCRETE)
    elif kind in (3, 4):
        for n in range(rng.integer(1, 4)):
            x = 1.3 * n
            parts.add(
                TAPER,
                (x, 0.0, 0.4),
                (0.2, 0.2, 0.4),
                STATIC,
                (0.9, 0.25, 0.03),
                material=STRIPES,
                lean=(0.8, 0.8, 0.8),
            )
            parts.add(BOX, (x, 0.0, 0.03), (0.27, 0.27, 0.03), STATIC, (0.05, 0.05, 0.05))
    elif kind == 5:
        parts.add(BOX, (0.0, 0.0, 0.75), (0.9, 0.6, 0.62), STATIC, color, material=STRIPES)
        parts.add(TAPER, (0.0, 0.0, 1.45), (0.9, 0.6, 0.12), STATIC, color, lean=(0.1, 0.1, 0.6))
    elif kind == 6:
        parts.add(POST, (0.0, 0.0, 0.4), (0.16, 0.16, 0.4), STATIC, (0.7, 0.06, 0.04))
        parts.add(ELLIPSOID, (0.0, 0.0, 0.8), (0.17, 0.17, 0.14), STATIC, (0.7, 0.06, 0.04))
    elif kind == 7:
        for n in range(rng.integer(1, 3)):
            parts.add(
                POST,
                (1.6 * n, 0.0, 0.5),
                (0.28, 0.28, 0.5),
                STATIC,
                (0.9, 0.3, 0.03),
                material=STRIPES,
            )
    else:
        _shelter(parts, rng, color)
    return parts.rows()


def _shelter(parts: Parts, rng: RandomSource, color: tuple[float, float, float]) -> None:
    parts.add(BOX, (0.0, 0.0, 2.35), (1.8, 0.7, 0.08), STATIC, color)
    parts.add(BOX, (0.0, -0.65, 1.2), (1.75, 0.03, 1.0), STATIC, (0.25, 0.3, 0.32))
    for x in (-1.7, 1.7):
        parts.add(BOX, (x, -0.3, 1.2), (0.05, 0.35, 1.15), STATIC, color)
    parts.add(BOX, (0.0, -0.35, 0.5), (1.2, 0.2, 0.05), STATIC, rng.vary((0.3, 0.2, 0.1), 0.2))


def fence(rng: RandomSource, half: float, *, rail: bool = False) -> Rows:
    """Make a fence along x; rail makes a crash barrier."""
    parts = Parts()
    style = 2.0 if rail else rng.pick((0.0, 0.0, 1.0, 1.0))
    high = 0.42 if rail else rng.uniform(0.5, 1.1)
    color = rng.vary(
        rng.pick(((0.55, 0.56, 0.57), (0.7, 0.7, 0.7)))
        if rail
        else rng.pick(((0.5, 0.38, 0.24), (0.8, 0.8, 0.78), (0.1, 0.12, 0.1), (0.45, 0.46, 0.46))),
        0.2,
    )
    cell, share = {0.0: (0.16, 0.55), 1.0: (0.2, 0.26), 2.0: (1.0, 0.42)}[style]
    parts.add(
        BOX,
        (0.0, 0.0, high),
        (half, 0.035, high),
        FENCE,
        color,
        material=MESH,
        param=(style, cell * rng.uniform(0.8, 1.3), share, 0.0),
        seed=rng.integer(0, 65535),
    )
    return parts.rows()


def wall(rng: RandomSource, half: float, *, barrier: bool = False) -> Rows:
    """Make a wall along x; barrier makes a concrete road barrier."""
    parts = Parts()
    seed = rng.integer(0, 65535)
    if barrier:
        gray = rng.vary((0.5, 0.49, 0.46), 0.25)
        parts.add(
            TAPER,
            (0.0, 0.0, 0.45),
            (half, 0.3, 0.47),
            WALL,
            gray,
            material=CONCRETE,
            lean=(0.0, 0.0, 0.6),
            seed=seed,
        )
        return parts.rows()
    high = rng.uniform(0.5, 1.5)
    color = rng.vary(
        rng.pick(((0.42, 0.2, 0.14), (0.5, 0.46, 0.4), (0.6, 0.58, 0.55), (0.4, 0.38, 0.36))), 0.2
    )
    material = rng.pick((BRICK, BRICK, CONCRETE))
    parts.add(BOX, (0.0, 0.0, high), (half, 0.14, high), WALL, color, material=material, seed=seed)
    parts.add(BOX, (0.0, 0.0, 2.0 * high), (half, 0.19, 0.05), WALL, color, material=CONCRETE)
    return parts.rows()
