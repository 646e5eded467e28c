# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What real roads have next to and above them: canopies, rails, parapets, gantries, road works."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

from segformer_ros.world import furniture, land
from segformer_ros.world.builder import Builder, CLEAR_M, clear_of_arm, LENGTH_M, Style
from segformer_ros.world.classes import FENCE, POLE, VEGETATION, WALL
from segformer_ros.world.primitives import (
    BARK,
    BOX,
    CONCRETE,
    ELLIPSOID,
    LEAF,
    MESH,
    Parts,
    POST,
    Rows,
    TAPER,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.road_people import road_person
from segformer_ros.world.street import GREEN_MEDIAN, MEDIAN, SIDEWALK, VERGE
from segformer_ros.world.vehicles import Vehicle

# Above the road, trees and signs leave room for trucks.
HEADROOM_M = 4.2


@dataclass(frozen=True)
class Stock:
    """What a scene has made once and puts up many times."""

    seed: int
    cars: tuple[Vehicle, ...]
    canopies: tuple[Rows, ...]
    bushes: tuple[Rows, ...]
    people: tuple[Rows, ...]

    def car(self, rng: RandomSource) -> Vehicle:
        """Choose a car to park."""
        return rng.pick(self.cars)


def make_stock(seed: int, style: Style, cars: tuple[Vehicle, ...]) -> Stock:
    """Make the stock of a scene."""
    rng = RandomSource(seed, 0x570)
    height = rng.uniform(8.0, 15.0)
    canopies = (canopy_tree(rng, height * rng.uniform(0.75, 1.2), style.green) for _ in range(5))
    return Stock(
        seed,
        cars,
        tuple(canopies),
        tuple(land.bush(rng, style.green, rng.uniform(0.5, 1.1)) for _ in range(6)),
        tuple(road_person(rng, rng.uniform(-0.6, 0.6)) for _ in range(6)),
    )


def pooled(seed: int, style: Style) -> Style:
    """Return a style whose trees are some of a pool."""
    rng = RandomSource(seed, 0x571)
    broad = (
        land.tree(rng, rng.uniform(4.5, 12.0), style.green, clear_m=CLEAR_M) for _ in range(8)
    )
    conifers = (land.conifer(rng, rng.uniform(5.0, 14.0), style.green) for _ in range(4))
    return replace(style, pool=(tuple(broad), tuple(conifers)))


def furnish(builder: Builder, style: Style, stock: Stock, rng: RandomSource, start: float) -> None:
    """Add what a stretch of the plain street lacks; a scene keeps to its own choices."""
    seed = stock.seed
    same = RandomSource(seed, 0xF04)
    canopy, edge_kind, works = same.uniform(0.0, 1.0), same.uniform(0.0, 1.0), same.chance(0.15)
    for side in (-1, 1):
        if canopy < 0.35 and builder.street.kind != 'highway':
            _avenue(builder, stock, rng, start, side)
        if same.chance(0.5):
            _border(builder, RandomSource(seed, 0xB0D, side), start, side, edge_kind)
        _undergrowth(builder, style, stock, rng, start, side)
        if rng.chance(0.3 * style.people):
            _bystanders(builder, stock, rng, start, side)
    _middle(builder, RandomSource(seed, 0xB0E), start)
    if rng.chance(0.2):
        _overhead(builder, rng, start)
    if works:
        _works(builder, rng, start)


def canopy_tree(rng: RandomSource, height: float, green: tuple[float, float, float]) -> Rows:
    """Make a large tree whose branches reach over the road."""
    parts = Parts()
    bark = rng.vary(rng.pick(((0.10, 0.09, 0.075), (0.17, 0.15, 0.13), (0.28, 0.27, 0.25))), 0.15)
    thick = 0.1 + 0.018 * height
    stem = 0.42 * height
    lean = rng.uniform(-0.08, 0.08)
    half = (thick, thick, 0.5 * stem + 0.25)
    at = (0.0, 0.0, 0.5 * stem - 0.25)
    parts.add(POST, at, half, VEGETATION, bark, material=BARK, tilt=lean)
    for _ in range(rng.integer(2, 4)):
        yaw, tilt = rng.uniform(0.0, math.tau), rng.uniform(0.4, 0.9)
        rise = 0.16 * height
        place = (math.cos(yaw) * tilt * rise, math.sin(yaw) * tilt * rise, stem + rise)
        half = (0.45 * thick, 0.45 * thick, rise)
        parts.add(POST, place, half, VEGETATION, bark, material=BARK, yaw=yaw, tilt=tilt)
    cut = rng.uniform(0.2, 0.44)
    for _ in range(rng.integer(8, 12)):
        part, yaw = rng.uniform(0.0, 1.0), rng.uniform(0.0, math.tau)
        far = 0.3 * height * math.sqrt(rng.uniform(0.0, 1.0)) * (1.1 - 0.8 * part)
        size = height * rng.uniform(0.11, 0.19)
        z = stem + (height - stem) * (0.15 + 0.75 * part)
        z = max(z, HEADROOM_M + size)
        parts.add(
            ELLIPSOID,
            (math.cos(yaw) * far, math.sin(yaw) * far, z),
            (size * rng.uniform(1.0, 1.4), size * rng.uniform(1.0, 1.4), size * 0.85),
            VEGETATION,
            rng.vary(green, 0.25),
            material=LEAF,
            cut=cut,
            seed=rng.integer(0, 65535),
        )
    return parts.rows()


def _avenue(builder: Builder, stock: Stock, rng: RandomSource, start: float, side: int) -> None:
    street = builder.street
    t = street.edge(side) + 0.5 * max(street[VERGE], 1.2)
    x = start + rng.uniform(0.0, 6.0)
    while x < start + LENGTH_M:
        if clear_of_arm(street, x, side, 3.0) and rng.chance(0.8):
            builder.put(rng.pick(stock.canopies), x, side * t, rng.uniform(0.0, math.tau))
        x += rng.uniform(6.0, 13.0)


def guard_rail(rng: RandomSource, half: float) -> Rows:
    """Make a W-beam on posts along x; the beam is of the class fence."""
    parts = Parts()
    metal = rng.vary((0.42, 0.43, 0.44), 0.3)
    for z, bulge in ((0.62, 0.05), (0.74, 0.05)):
        parts.add(BOX, (0.0, 0.0, z), (half, bulge, 0.055), FENCE, metal)
    count = int(half)
    for n in range(count):
        x = -half + (2.0 * n + 1.0) * half / count
        parts.add(BOX, (x, 0.0, 0.36), (0.05, 0.07, 0.38), FENCE, rng.vary(metal, 0.1))
    return parts.rows()


def parapet(rng: RandomSource, half: float) -> Rows:
    """Make the parapet of a bridge along x: a low wall, often with a railing on it."""
    parts = Parts()
    gray, seed = rng.vary((0.42, 0.4, 0.36), 0.35), rng.integer(0, 65535)
    high = rng.uniform(0.2, 0.55)
    wall = (half, 0.13, high)
    parts.add(BOX, (0.0, 0.0, high), wall, WALL, gray, material=CONCRETE, seed=seed)
    if rng.chance(0.75):
        metal, rail = rng.vary((0.5, 0.5, 0.48), 0.4), rng.uniform(0.2, 0.4)
        param = (rng.pick((0.0, 2.0)), rng.uniform(0.12, 0.3), 0.35, 0.0)
        half_rail = (half, 0.03, rail)
        at = (0.0, 0.0, 2.0 * high + rail)
        parts.add(BOX, at, half_rail, FENCE, metal, material=MESH, param=param, seed=seed)
    return parts.rows()


def _border(builder: Builder, same: RandomSource, start: float, side: int, kind: float) -> None:
    """Put one kind of border along a side; next to junctions there is none."""
    street = builder.street
    town = street.kind in ('urban', 'suburban')
    t = side * (street.edge(side) + (street[VERGE] + 0.15 if town else 0.35))
    half = 2.02
    if kind < 0.35:
        rows = guard_rail(same, half)
    elif kind < 0.55:
        rows = parapet(same, half)
    elif kind < 0.75:
        rows = furniture.fence(same, half)
    else:
        return
    for n in range(int(LENGTH_M / 4.0)):
        x = start + 4.0 * n + 2.0
        if clear_of_arm(street, x, side, 5.0) and (not town or street[SIDEWALK] > 2.0):
            builder.put(rows, x, t, lean=True)


def _undergrowth(
    builder: Builder, style: Style, stock: Stock, rng: RandomSource, start: float, side: int
) -> None:
    """Grow bushes and hedges without a gap behind the edge, where there is room."""
    street = builder.street
    if not rng.chance(0.45 * style.trees + 0.1):
        return
    inner = street.edge(side) + street[VERGE] + street[SIDEWALK] + 1.3
    if street.kind in ('highway', 'rural'):
        inner += rng.uniform(0.6, 3.0)
    x = start + rng.uniform(0.0, 10.0)
    last = x + rng.uniform(8.0, 38.0)
    while x < last:
        if clear_of_arm(street, x, side, 4.0):
            at = side * (inner + rng.uniform(0.4, 1.6))
            builder.put(rng.pick(stock.bushes), x, at, rng.uniform(0.0, math.tau))
        x += rng.uniform(1.0, 3.0)


def _bystanders(
    builder: Builder, stock: Stock, rng: RandomSource, start: float, side: int
) -> None:
    """Let people stand together."""
    street = builder.street
    if street[SIDEWALK] < 1.5:
        return
    x = start + rng.uniform(2.0, 46.0)
    t = street.edge(side) + street[VERGE] + 0.5 * street[SIDEWALK]
    for _ in range(rng.integer(2, 6)):
        at = x + rng.uniform(-1.5, 1.5)
        where = side * (t + rng.uniform(-0.6, 0.6))
        builder.put(rng.pick(stock.people), at, where, rng.uniform(0.0, math.tau))


def _middle(builder: Builder, same: RandomSource, start: float) -> None:
    """Part both directions: a barrier, a rail, a fence; next to junctions there is nothing."""
    street = builder.street
    if street[MEDIAN] < 0.5 or street.kind == 'highway' or not same.chance(0.5):
        return
    if street[GREEN_MEDIAN] and same.chance(0.4):
        return
    make = same.pick((guard_rail, parapet, furniture.fence))
    rows = make(same, 2.02)
    for n in range(int(LENGTH_M / 4.0)):
        x = start + 4.0 * n + 2.0
        if clear_of_arm(street, x, 1, 6.0) and clear_of_arm(street, x, -1, 6.0):
            builder.put(rows, x, 0.0, lean=True)


def _overhead(builder: Builder, rng: RandomSource, start: float) -> None:
    """Put a gantry, an arm with a board, or a bridge over the road."""
    street = builder.street
    x = start + 24.0
    if not clear_of_arm(street, x, -1, 8.0) or not clear_of_arm(street, x, 1, 8.0):
        return
    right = street.edge(-1) + 1.2
    if rng.chance(0.6):
        left = 0.0 if street[MEDIAN] > 0.5 else -street.edge(1) - 1.2
        builder.put(furniture.gantry(rng, left, right), x, 0.0, math.pi)
        return
    parts = Parts()
    gray, seed = rng.vary((0.45, 0.43, 0.4), 0.3), rng.integer(0, 65535)
    wide = right + street.edge(1) + 6.0
    deck = (rng.uniform(3.0, 7.0), wide, rng.uniform(0.5, 0.9))
    parts.add(BOX, (0.0, 0.0, 5.4 + deck[2]), deck, WALL, gray, material=CONCRETE, seed=seed)
    for y in (-right - 1.0, street.edge(1) + 2.2):
        pier = (deck[0] * 0.8, 0.5, 2.9)
        parts.add(BOX, (0.0, y, 2.6), pier, WALL, gray, material=CONCRETE, seed=seed)
    builder.put(parts.rows(), x, 0.0)


def _works(builder: Builder, rng: RandomSource, start: float) -> None:
    """Close the edge of the road with cones, barriers and a net."""
    street = builder.street
    side = -1 if rng.chance(0.7) else 1
    t = side * (street.edge(side) - 0.1)
    kind = rng.uniform(0.0, 1.0)
    x = start + rng.uniform(0.0, 20.0)
    net = Parts()
    orange = rng.vary((0.75, 0.16, 0.03), 0.3)
    param = (1.0, 0.07, 0.5, 0.0)
    net.add(BOX, (0.0, 0.0, 0.55), (1.0, 0.02, 0.5), FENCE, orange, material=MESH, param=param)
    net.add(POST, (1.0, 0.0, 0.6), (0.03, 0.03, 0.6), POLE, (0.3, 0.3, 0.3))
    barrier = Parts()
    color = rng.pick((orange, (0.6, 0.6, 0.58), (0.5, 0.48, 0.45)))
    lean = (0.0, 0.0, 0.5)
    barrier.add(TAPER, (0.0, 0.0, 0.42), (0.95, 0.26, 0.44), WALL, color, lean=lean)
    for _ in range(rng.integer(4, 14)):
        if kind < 0.4:
            builder.put(furniture.prop(rng, (3, 7)), x, t)
        else:
            builder.put(net.rows() if kind < 0.7 else barrier.rows(), x, t, lean=True)
        x += 2.0
