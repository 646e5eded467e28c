# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ground: its height, and where rays meet it."""

from __future__ import annotations

from typing import NamedTuple

from segformer_ros.world.caster import GROUND_ID, NEAR
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.street import (
    beside_junction,
    ORIGIN,
    profile,
    road_place,
)

FAR_M = 700.0


class Land(NamedTuple):
    """The ground for compiled code: see Street.table and Street.local; first is x of the table."""

    table: Array
    first: float
    street: Array
    noises: Array


@inlined
def clearance(
    x: Number, y: Number, z: Number, table: Array, first: Number, street: Array, noises: Array
) -> Number:
    """Return the height of a point above the ground."""
    t, height = road_place(x, y, table, first)
    at, beside = x + street[ORIGIN], beside_junction(x, street)
    return z - height - profile(at, beside, t, street, noises)


@inlined
def _above(
    z: Number,
    camera: Array,
    dx: Number,
    dy: Number,
    dz: Number,
    table: Array,
    first: Number,
    street: Array,
    noises: Array,
) -> Number:
    """Return the height above the ground of the point of a ray at depth z."""
    x, y = camera[0, 0] + z * dx, camera[0, 1] + z * dy
    return clearance(x, y, camera[0, 2] + z * dz, table, first, street, noises)


@inlined
def _walk(
    begin: Number,
    limit: Number,
    camera: Array,
    dx: Number,
    dy: Number,
    dz: Number,
    table: Array,
    first: Number,
    street: Array,
    noises: Array,
) -> Numbers:
    """
    Walk along a ray until it is below the ground.

    :returns: Depth of the last point above, of the first point below, and their heights; the
        second height is not negative when there is no ground before the limit.
    """
    z = 0.985 * begin
    gap = _above(z, camera, dx, dy, dz, table, first, street, noises)
    last, last_gap = max(z - 0.2, 0.05), gap + 0.2
    while gap > 0.0 and z < limit:
        last, last_gap = z, gap
        z += min(max(1.1 * gap / max(0.01 - dz, 0.002), 0.01 * z), 0.035 * z + 0.3)
        z = min(z, limit)
        gap = _above(z, camera, dx, dy, dz, table, first, street, noises)
    if gap > 0.0:
        return last, z, last_gap, gap
    for _ in range(3):
        if gap > -0.003:
            break
        part = last_gap / (last_gap - gap)
        middle = last + min(max(part, 0.05), 0.95) * (z - last)
        new = _above(middle, camera, dx, dy, dz, table, first, street, noises)
        if new > 0.0:
            last, last_gap = middle, new
        else:
            z, gap = middle, new
    return last, z, last_gap, gap


@compiled
def cast_ground(camera: Array, fx: Number, land: Land, depth: Array, owner: Array) -> None:
    """
    Put the ground in front of or behind what depth and owner hold already.

    Each column is walked from the bottom: the ground moves away from row to row, so the
    search of a pixel starts where that of the pixel below has ended.
    """
    height, width = depth.shape
    table, first, street, noises = land
    for u in range(width):
        a = (u + 0.5 - 0.5 * width) / fx
        begin = NEAR
        for v in range(height - 1, -1, -1):
            b = (v + 0.5 - 0.5 * height) / fx
            dx = camera[3, 0] + a * camera[1, 0] + b * camera[2, 0]
            dy = camera[3, 1] + a * camera[1, 1] + b * camera[2, 1]
            dz = camera[3, 2] + a * camera[1, 2] + b * camera[2, 2]
            limit = min(depth[v, u], FAR_M)
            if 0.985 * begin >= limit:
                continue
            last, z, last_gap, gap = _walk(
                begin, limit, camera, dx, dy, dz, table, first, street, noises
            )
            if gap > 0.0:
                begin = max(begin, min(z, last))
                if limit == FAR_M:
                    break
                continue
            depth[v, u] = last + last_gap / (last_gap - gap) * (z - last)
            owner[v, u] = GROUND_ID
            begin = max(last, NEAR)
