# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ray caster: nearest primitive per pixel, object by object, and the sun's shadow map."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.primitives import (
    AXES,
    AXLE,
    BOX,
    CENTER,
    CUT,
    ELLIPSOID,
    KIND,
    LEAF,
    LEAN,
    MATERIAL,
    MESH,
    PARAM,
    POST,
    SEED,
    SHADOW,
    SPOKES,
    TAPER,
)
from segformer_ros.world.texture import hash01, noise

NEAR = 0.25
NONE = 1.0e9
SKY_ID = -1
GROUND_ID = -2


@inlined
def _slab(o: Number, d: Number) -> Numbers:
    """Cut a ray with -1..1 along one axis."""
    if d == 0.0:
        if o < -1.0 or o > 1.0:
            return NONE, -NONE
        return -NONE, NONE
    a = (-1.0 - o) / d
    b = (1.0 - o) / d
    return (a, b) if a < b else (b, a)


@inlined
def _round(ox: Number, oy: Number, dx: Number, dy: Number) -> Numbers:
    """Cut a ray with the unit circle of two axes."""
    a = dx * dx + dy * dy
    b = ox * dx + oy * dy
    c = ox * ox + oy * oy - 1.0
    q = b * b - a * c
    if q <= 0.0 or a == 0.0:
        return NONE, -NONE
    q = np.sqrt(q)
    return (-b - q) / a, (-b + q) / a


@inlined
def _side(
    near: Number,
    far: Number,
    n: Number,
    lean: Number,
    o: Number,
    oz: Number,
    d: Number,
    dz: Number,
) -> Numbers:
    """Cut the span near..far with the leaning side n * x + lean * (z + 1) / 2 <= 1."""
    nd = n * d + 0.5 * lean * dz
    no = 1.0 - 0.5 * lean - n * o - 0.5 * lean * oz
    if nd > 0.0:
        far = min(far, no / nd)
    elif nd < 0.0:
        near = max(near, no / nd)
    elif no < 0.0:
        return NONE, -NONE
    return near, far


@compiled
def cut_ray(
    kind: Number,
    ox: Number,
    oy: Number,
    oz: Number,
    dx: Number,
    dy: Number,
    dz: Number,
    front: Number,
    back: Number,
    sides: Number,
) -> Numbers:
    """Give where a ray enters and leaves a unit shape; it misses when entry > exit."""
    if kind == ELLIPSOID:
        a = dx * dx + dy * dy + dz * dz
        b = ox * dx + oy * dy + oz * dz
        q = b * b - a * (ox * ox + oy * oy + oz * oz - 1.0)
        if q <= 0.0:
            return NONE, -NONE
        q = np.sqrt(q)
        return (-b - q) / a, (-b + q) / a
    if kind in (BOX, TAPER):
        near, far = _slab(oz, dz)
        if kind == BOX:
            a, b = _slab(ox, dx)
            c, d = _slab(oy, dy)
            return max(near, a, c), min(far, b, d)
        near, far = _side(near, far, 1.0, front, ox, oz, dx, dz)
        near, far = _side(near, far, -1.0, back, ox, oz, dx, dz)
        near, far = _side(near, far, 1.0, sides, oy, oz, dy, dz)
        return _side(near, far, -1.0, sides, oy, oz, dy, dz)
    if kind == POST:
        a, b = _round(ox, oy, dx, dy)
        c, d = _slab(oz, dz)
    elif kind == AXLE:
        a, b = _round(ox, oz, dx, dz)
        c, d = _slab(oy, dy)
    else:
        a, b = _round(oy, oz, dy, dz)
        c, d = _slab(ox, dx)
    return max(a, c), min(b, d)


@compiled
def solid(
    row: Array, px: Number, py: Number, pz: Number, facing: Number, footprint: Number, tiles: Array
) -> Number:
    """Say whether a cut-out material has matter at a point of the unit shape."""
    hx = np.sqrt(row[AXES] ** 2 + row[AXES + 3] ** 2)
    hy = np.sqrt(row[AXES + 1] ** 2 + row[AXES + 4] ** 2)
    hz = row[AXES + 8]
    seed = row[SEED]
    material = int(row[MATERIAL])
    if material == LEAF:
        x, y, z = px * hx, py * hy, pz * hz
        value = 0.5 * noise(tiles, 1, x * 1.6 + seed, z * 1.6 + y)
        value += 0.5 * noise(tiles, 1, y * 1.6 - x, z * 1.6 + seed)
        if footprint < 0.15:
            fine = noise(tiles, 1, x * 5.0 + y * 3.0, z * 5.5 - y * 3.0 + seed)
            value = 0.5 * value + 0.5 * fine
        return value > row[CUT] + 0.34 * (1.0 - facing) * (1.0 - facing)
    if material == SPOKES:
        r = np.sqrt(px * px + pz * pz)
        if r > 0.80 or r < 0.14:
            return True
        return footprint < 0.02 and abs(np.sin(np.arctan2(pz, px) * 7.0)) < 0.10
    # A fence: the pattern coarsens by powers of two, so that it keeps its share of the pixels.
    cell = row[PARAM + 1]
    while cell < footprint * 3.0:
        cell *= 2.0
    u = (px * hx if hx > hy else py * hy) / cell
    v = pz * hz / cell
    style = row[PARAM]
    if abs(pz) > 0.93 or (abs(px) > 0.985 and hx > hy):
        return True
    if style == 0.0:
        return u - np.floor(u) < row[PARAM + 2] or abs(abs(pz) - 0.55) < 0.08
    if style == 1.0:
        a = u + v
        b = u - v
        return a - np.floor(a) < row[PARAM + 2] or b - np.floor(b) < row[PARAM + 2]
    # Rails on posts.
    q = px * hx / 2.0
    return abs(abs(pz) - 0.5) < row[PARAM + 2] or abs(q - np.floor(q) - 0.5) < 0.035


@compiled
def invert(rows: Array) -> Array:
    """Give the maps from the world to the unit shapes, (N, 9)."""
    out = np.empty((rows.shape[0], 9), np.float64)
    for n in range(rows.shape[0]):
        a, b, c = rows[n, AXES], rows[n, AXES + 1], rows[n, AXES + 2]
        d, e, f = rows[n, AXES + 3], rows[n, AXES + 4], rows[n, AXES + 5]
        g, h, i = rows[n, AXES + 6], rows[n, AXES + 7], rows[n, AXES + 8]
        det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        out[n, 0] = (e * i - f * h) / det
        out[n, 1] = (c * h - b * i) / det
        out[n, 2] = (b * f - c * e) / det
        out[n, 3] = (f * g - d * i) / det
        out[n, 4] = (a * i - c * g) / det
        out[n, 5] = (c * d - a * f) / det
        out[n, 6] = (d * h - e * g) / det
        out[n, 7] = (b * g - a * h) / det
        out[n, 8] = (a * e - b * d) / det
    return out


@compiled
def _corners(row: Array, camera: Array, fx: Number, out: Array) -> None:
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
        _corners(rows[n], camera, fx, corner)
        nearest = corner[:, 2].min()
        if corner[:, 2].max() < NEAR:
            continue
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
    height, width = depth.shape
    depth[:] = NONE
    owner[:] = SKY_ID
    for n in order:
        row = rows[n]
        kind = int(row[KIND])
        m = inverse[n]
        material = int(row[MATERIAL])
        holes = (material == LEAF and row[CUT] > 0.0) or material in (MESH, SPOKES)
        f0, f1, f2 = row[LEAN], row[LEAN + 1], row[LEAN + 2]
        px = camera[0, 0] - row[CENTER]
        py = camera[0, 1] - row[CENTER + 1]
        pz = camera[0, 2] - row[CENTER + 2]
        ox = m[0] * px + m[1] * py + m[2] * pz
        oy = m[3] * px + m[4] * py + m[5] * pz
        oz = m[6] * px + m[7] * py + m[8] * pz
        rx = (m[0] * camera[1, 0] + m[1] * camera[1, 1] + m[2] * camera[1, 2]) / fx
        ry = (m[3] * camera[1, 0] + m[4] * camera[1, 1] + m[5] * camera[1, 2]) / fx
        rz = (m[6] * camera[1, 0] + m[7] * camera[1, 1] + m[8] * camera[1, 2]) / fx
        sx = (m[0] * camera[2, 0] + m[1] * camera[2, 1] + m[2] * camera[2, 2]) / fx
        sy = (m[3] * camera[2, 0] + m[4] * camera[2, 1] + m[5] * camera[2, 2]) / fx
        sz = (m[6] * camera[2, 0] + m[7] * camera[2, 1] + m[8] * camera[2, 2]) / fx
        fwx = m[0] * camera[3, 0] + m[1] * camera[3, 1] + m[2] * camera[3, 2]
        fwy = m[3] * camera[3, 0] + m[4] * camera[3, 1] + m[5] * camera[3, 2]
        fwz = m[6] * camera[3, 0] + m[7] * camera[3, 1] + m[8] * camera[3, 2]
        nearest = box[n, 4]
        for v in range(int(box[n, 2]), int(box[n, 3])):
            b = v + 0.5 - 0.5 * height
            lx, ly, lz = fwx + b * sx, fwy + b * sy, fwz + b * sz
            for u in range(int(box[n, 0]), int(box[n, 1])):
                limit = depth[v, u]
                if limit <= nearest:
                    continue
                a = u + 0.5 - 0.5 * width
                dx, dy, dz = lx + a * rx, ly + a * ry, lz + a * rz
                t, far = cut_ray(kind, ox, oy, oz, dx, dy, dz, f0, f1, f2)
                if t > far or t >= limit or far < NEAR:
                    continue
                if holes:
                    facing = 1.0
                    if material == LEAF and kind == ELLIPSOID:
                        facing = abs(dx * (ox + t * dx) + dy * (oy + t * dy) + dz * (oz + t * dz))
                        facing /= np.sqrt(dx * dx + dy * dy + dz * dz)
                    size = t / fx
                    if t < NEAR or not solid(
                        row, ox + t * dx, oy + t * dy, oz + t * dz, facing, size, tiles
                    ):
                        t = far
                        if t >= limit or not solid(
                            row, ox + t * dx, oy + t * dy, oz + t * dz, facing, size, tiles
                        ):
                            continue
                if t < NEAR:
                    continue
                depth[v, u] = t
                owner[v, u] = n


@compiled
def shadow_map(rows: Array, inverse: Array, sun: Array, grid: Array, out: Array) -> None:
    """
    Find how high the shadow reaches above each cell of a level grid.

    The grid is x, y of its corner, z and the size of its cells. A ray leaves the cell towards
    the sun; the height is where it leaves the last primitive.

    :param out: (rows along y, columns along x), -NONE where the sun reaches the cell.
    """
    out[:] = -NONE
    x0, y0, z0, cell = grid[0], grid[1], grid[2], grid[3]
    kx, ky = sun[0] / sun[2], sun[1] / sun[2]
    for n in range(rows.shape[0]):
        row = rows[n]
        if row[SHADOW] == 0.0:
            continue
        ex = abs(row[AXES]) + abs(row[AXES + 1]) + abs(row[AXES + 2])
        ey = abs(row[AXES + 3]) + abs(row[AXES + 4]) + abs(row[AXES + 5])
        ez = abs(row[AXES + 6]) + abs(row[AXES + 7]) + abs(row[AXES + 8])
        x = row[CENTER] - x0 - kx * (row[CENTER + 2] - z0)
        y = row[CENTER + 1] - y0 - ky * (row[CENTER + 2] - z0)
        ex += abs(kx) * ez
        ey += abs(ky) * ez
        i0 = max(int(np.floor((x - ex) / cell)), 0)
        i1 = min(int(np.ceil((x + ex) / cell)), out.shape[1])
        j0 = max(int(np.floor((y - ey) / cell)), 0)
        j1 = min(int(np.ceil((y + ey) / cell)), out.shape[0])
        if i0 >= i1 or j0 >= j1:
            continue
        _shadow_one(row, inverse[n], sun, x0, y0, z0, cell, i0, i1, j0, j1, out)


@compiled
def _shadow_one(
    row: Array,
    m: Array,
    sun: Array,
    x0: Number,
    y0: Number,
    z0: Number,
    cell: Number,
    i0: Number,
    i1: Number,
    j0: Number,
    j1: Number,
    out: Array,
) -> None:
    kind = int(row[KIND])
    f0, f1, f2 = row[LEAN], row[LEAN + 1], row[LEAN + 2]
    leaves = int(row[MATERIAL]) == LEAF and row[CUT] > 0.0
    mesh = int(row[MATERIAL]) == MESH
    dx = m[0] * sun[0] + m[1] * sun[1] + m[2] * sun[2]
    dy = m[3] * sun[0] + m[4] * sun[1] + m[5] * sun[2]
    dz = m[6] * sun[0] + m[7] * sun[1] + m[8] * sun[2]
    pz = z0 - row[CENTER + 2]
    for j in range(j0, j1):
        py = y0 + (j + 0.5) * cell - row[CENTER + 1]
        for i in range(i0, i1):
            px = x0 + (i + 0.5) * cell - row[CENTER]
            ox = m[0] * px + m[1] * py + m[2] * pz
            oy = m[3] * px + m[4] * py + m[5] * pz
            oz = m[6] * px + m[7] * py + m[8] * pz
            t, far = cut_ray(kind, ox, oy, oz, dx, dy, dz, f0, f1, f2)
            if t > far:
                continue
            if leaves or mesh:
                gx = int(np.floor((x0 + i * cell) / cell + 0.5))
                gy = int(np.floor((y0 + j * cell) / cell + 0.5))
                if hash01(gx, gy, int(row[SEED])) < (0.6 if mesh else 0.3):
                    continue
            z = z0 + far * sun[2]
            if z > out[j, i]:
                out[j, i] = z


@compiled
def normal(
    kind: Number, px: Number, py: Number, pz: Number, front: Number, back: Number, sides: Number
) -> Numbers:
    """Give the outward direction of a unit shape at a point of its surface."""
    if kind == ELLIPSOID:
        return px, py, pz
    if kind == BOX:
        a, b, c = abs(px), abs(py), abs(pz)
        if a >= b and a >= c:
            return np.sign(px), 0.0, 0.0
        if b >= c:
            return 0.0, np.sign(py), 0.0
        return 0.0, 0.0, np.sign(pz)
    if kind == TAPER:
        up = 0.5 * (pz + 1.0)
        best, nx, ny, nz = abs(pz), 0.0, 0.0, np.sign(pz)
        if px + front * up > best:
            best, nx, ny, nz = px + front * up, 1.0, 0.0, 0.5 * front
        if -px + back * up > best:
            best, nx, ny, nz = -px + back * up, -1.0, 0.0, 0.5 * back
        if abs(py) + sides * up > best:
            nx, ny, nz = 0.0, np.sign(py), 0.5 * sides
        return nx, ny, nz
    if kind == POST:
        if abs(pz) > 0.999:
            return 0.0, 0.0, np.sign(pz)
        return px, py, 0.0
    if kind == AXLE:
        if abs(py) > 0.999:
            return 0.0, np.sign(py), 0.0
        return px, 0.0, pz
    if abs(px) > 0.999:
        return np.sign(px), 0.0, 0.0
    return 0.0, py, pz
