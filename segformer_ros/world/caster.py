# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ray caster: nearest primitive per pixel, object by object."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.cutouts import solid
from segformer_ros.world.primitives import (
    AXES,
    CENTER,
    CUT,
    ELLIPSOID,
    FOLIAGE,
    KIND,
    LEAF,
    LEAN,
    MATERIAL,
    MESH,
    SPOKES,
)
from segformer_ros.world.shapes import cut_ray, NONE

NEAR = 0.25
SKY_ID = -1
GROUND_ID = -2


@compiled
def _corners(row: Array, camera: Array, out: Array) -> None:
    """Write the corners of a primitive's box in the camera frame: right, down, forward."""
    for k in range(8):
        a = 1.0 if k & 1 else -1.0
        b = 1.0 if k & 2 else -1.0
        c = 1.0 if k & 4 else -1.0
        x = row[CENTER] + a * row[AXES] + b * row[AXES + 1] + c * row[AXES + 2] - camera[0, 0]
        y = row[CENTER + 1] + a * row[AXES + 3] + b * row[AXES + 4] + c * row[AXES + 5]
        y -= camera[0, 1]
        z = row[CENTER + 2] + a * row[AXES + 6] + b * row[AXES + 7] + c * row[AXES + 8]
        z -= camera[0, 2]
        for j in range(3):
            out[k, j] = x * camera[j + 1, 0] + y * camera[j + 1, 1] + z * camera[j + 1, 2]


@inlined
def _extent(corner: Array, nearest: Number, fx: Number, width: Number, height: Number) -> Numbers:
    """Return the first and last column and row of a box; it is clipped at the near plane."""
    u0, v0, u1, v1 = NONE, NONE, -NONE, -NONE
    for k in range(8):
        for bit in (0, 1, 2, 4):
            m = k ^ bit
            if bit == 0:
                if corner[k, 2] < NEAR:
                    continue
                x, y, z = corner[k, 0], corner[k, 1], corner[k, 2]
            else:
                # An edge through the near plane is clipped there.
                if nearest >= NEAR or m < k or (corner[k, 2] < NEAR) == (corner[m, 2] < NEAR):
                    continue
                part = (NEAR - corner[k, 2]) / (corner[m, 2] - corner[k, 2])
                x = corner[k, 0] + part * (corner[m, 0] - corner[k, 0])
                y = corner[k, 1] + part * (corner[m, 1] - corner[k, 1])
                z = NEAR
            u = fx * x / z + 0.5 * width
            v = fx * y / z + 0.5 * height
            u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    return u0, v0, u1, v1


@compiled
def bounds(rows: Array, camera: Array, fx: Number, width: Number, height: Number) -> Array:
    """
    Find the pixels and the nearest depth of every primitive.

    :param camera: (4, 3) position, right, down, forward.
    :returns: (N, 5) first and last column, first and last row (exclusive), nearest depth;
        no columns when it is out of sight.
    """
    out = np.zeros((rows.shape[0], 5), np.float64)
    corner = np.empty((8, 3), np.float64)
    for n in range(rows.shape[0]):
        _corners(rows[n], camera, corner)
        nearest, farthest = NONE, -NONE
        for k in range(8):
            nearest = min(nearest, corner[k, 2])
            farthest = max(farthest, corner[k, 2])
        if farthest < NEAR:
            continue
        u0, v0, u1, v1 = _extent(corner, nearest, fx, width, height)
        if u1 - u0 < 0.4 and v1 - v0 < 0.4:
            continue
        out[n, 0] = max(np.floor(u0 - 0.5), 0.0)
        out[n, 1] = min(np.ceil(u1 + 0.5), width)
        out[n, 2] = max(np.floor(v0 - 0.5), 0.0)
        out[n, 3] = min(np.ceil(v1 + 0.5), height)
        out[n, 4] = max(nearest, NEAR)
        if out[n, 1] <= out[n, 0] or out[n, 3] <= out[n, 2]:
            out[n, 1] = out[n, 0]
    return out


@inlined
def _turned(m: Array, x: Number, y: Number, z: Number) -> Numbers:
    """Turn a direction into the frame of a unit shape."""
    return (
        m[0] * x + m[1] * y + m[2] * z,
        m[3] * x + m[4] * y + m[5] * z,
        m[6] * x + m[7] * y + m[8] * z,
    )


@inlined
def _matter(
    row: Array,
    near: Number,
    far: Number,
    limit: Number,
    ox: Number,
    oy: Number,
    oz: Number,
    dx: Number,
    dy: Number,
    dz: Number,
    fx: Number,
    tiles: Array,
) -> Number:
    """Return where a ray meets a material with holes, in front or at the back; NONE if nowhere."""
    facing = 1.0
    material = int(row[MATERIAL])
    if material in (LEAF, FOLIAGE) and int(row[KIND]) == ELLIPSOID:
        facing = abs(dx * (ox + near * dx) + dy * (oy + near * dy) + dz * (oz + near * dz))
        facing /= np.sqrt(dx * dx + dy * dy + dz * dz)
    size = near / fx
    x, y, z = ox + near * dx, oy + near * dy, oz + near * dz
    if near >= NEAR and solid(row, x, y, z, facing, size, tiles):
        return near
    x, y, z = ox + far * dx, oy + far * dy, oz + far * dz
    if far < limit and solid(row, x, y, z, facing, size, tiles):
        return far
    return NONE


@compiled
def _cast_one(
    n: Number,
    row: Array,
    m: Array,
    box: Array,
    camera: Array,
    fx: Number,
    tiles: Array,
    depth: Array,
    owner: Array,
) -> None:
    """Draw primitive n where it is the nearest so far."""
    height, width = depth.shape
    kind, material = int(row[KIND]), int(row[MATERIAL])
    holes = (material == LEAF and row[CUT] > 0.0) or material in (MESH, SPOKES, FOLIAGE)
    front, back, sides = row[LEAN], row[LEAN + 1], row[LEAN + 2]
    x, y = camera[0, 0] - row[CENTER], camera[0, 1] - row[CENTER + 1]
    ox, oy, oz = _turned(m, x, y, camera[0, 2] - row[CENTER + 2])
    rx, ry, rz = _turned(m, camera[1, 0], camera[1, 1], camera[1, 2])
    rx, ry, rz = rx / fx, ry / fx, rz / fx
    sx, sy, sz = _turned(m, camera[2, 0], camera[2, 1], camera[2, 2])
    sx, sy, sz = sx / fx, sy / fx, sz / fx
    fwx, fwy, fwz = _turned(m, camera[3, 0], camera[3, 1], camera[3, 2])
    for v in range(int(box[2]), int(box[3])):
        b = v + 0.5 - 0.5 * height
        lx, ly, lz = fwx + b * sx, fwy + b * sy, fwz + b * sz
        for u in range(int(box[0]), int(box[1])):
            limit = depth[v, u]
            if limit <= box[4]:
                continue
            a = u + 0.5 - 0.5 * width
            dx, dy, dz = lx + a * rx, ly + a * ry, lz + a * rz
            t, far = cut_ray(kind, ox, oy, oz, dx, dy, dz, front, back, sides)
            if t > far or t >= limit or far < NEAR:
                continue
            if holes:
                t = _matter(row, t, far, limit, ox, oy, oz, dx, dy, dz, fx, tiles)
            if NEAR <= t < limit:
                depth[v, u] = t
                owner[v, u] = n


@compiled
def cast(
    rows: Array,
    inverse: Array,
    order: Array,
    box: Array,
    camera: Array,
    fx: Number,
    tiles: Array,
    depth: Array,
    owner: Array,
) -> None:
    """
    Find the nearest primitive of every pixel.

    :param order: Primitives, near ones first.
    :param depth: (H, W) is filled with the depth along the optical axis.
    :param owner: (H, W) is filled with the row of the primitive, SKY_ID for none.
    """
    depth[:] = NONE
    owner[:] = SKY_ID
    for n in order:
        _cast_one(n, rows[n], inverse[n], box[n], camera, fx, tiles, depth, owner)
