# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The unit shapes: where rays enter and leave them, and where their surface points."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.primitives import (
    AXES,
    AXLE,
    BOX,
    ELLIPSOID,
    POST,
    TAPER,
)

NONE = 1.0e9


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
    """Return where a ray enters and leaves a unit shape; it misses when entry > exit."""
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
def normal(
    kind: Number, px: Number, py: Number, pz: Number, front: Number, back: Number, sides: Number
) -> Numbers:
    """Return the outward direction of a unit shape at a point of its surface."""
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


@compiled
def invert(rows: Array) -> Array:
    """Return the maps from the world to the unit shapes, (N, 9)."""
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
