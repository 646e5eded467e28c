# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ground: where rays meet it, and what lies there."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.caster import GROUND_ID, NEAR
from segformer_ros.world.classes import ROAD, ROAD_LINE, TERRAIN
from segformer_ros.world.classes import SIDEWALK as SIDEWALK_ID
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.street import (
    ARM,
    ARM_LEFT,
    ARM_RIGHT,
    ASPHALT,
    beside_junction,
    CROSSWALK,
    CURB,
    DASH,
    DASH_PERIOD,
    DASH_PHASE,
    EDGE_LEFT,
    EDGE_RIGHT,
    GREEN,
    GREEN_MEDIAN,
    GUTTER,
    HIGHWAY,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    LINE,
    MARKED,
    MEDIAN,
    ORIGIN,
    PARKING_LEFT,
    PARKING_RIGHT,
    PATCHES,
    PAVING,
    profile,
    road_place,
    SHOULDER,
    SIDEWALK,
    SOIL,
    TILE,
    VERGE,
    WEAR,
    YELLOW,
)
from segformer_ros.world.texture import noise

FAR_M = 700.0


@compiled
def clearance(
    x: Number, y: Number, z: Number, table: Array, first: Number, street: Array, noises: Array
) -> Number:
    """Give the height of a point above the ground."""
    t, height = road_place(x, y, table, first)
    return z - height - profile(x + street[ORIGIN], beside_junction(x, street), t, street, noises)


@compiled
def cast_ground(
    camera: Array,
    fx: Number,
    table: Array,
    first: Number,
    street: Array,
    noises: Array,
    depth: Array,
    owner: Array,
) -> None:
    """
    Put the ground in front of or behind what depth and owner hold already.

    Each column is walked from the bottom: the ground moves away from row to row, so the
    search of a pixel starts where that of the pixel below has ended.
    """
    height, width = depth.shape
    for u in range(width):
        a = (u + 0.5 - 0.5 * width) / fx
        begin = NEAR
        for v in range(height - 1, -1, -1):
            b = (v + 0.5 - 0.5 * height) / fx
            dx = camera[3, 0] + a * camera[1, 0] + b * camera[2, 0]
            dy = camera[3, 1] + a * camera[1, 1] + b * camera[2, 1]
            dz = camera[3, 2] + a * camera[1, 2] + b * camera[2, 2]
            limit = min(depth[v, u], FAR_M)
            z = 0.985 * begin
            if z >= limit:
                continue
            gap = clearance(
                camera[0, 0] + z * dx,
                camera[0, 1] + z * dy,
                camera[0, 2] + z * dz,
                table,
                first,
                street,
                noises,
            )
            last, last_gap = max(z - 0.2, 0.05), gap + 0.2
            while gap > 0.0 and z < limit:
                last, last_gap = z, gap
                z += min(max(1.1 * gap / max(0.01 - dz, 0.002), 0.01 * z), 0.035 * z + 0.3)
                z = min(z, limit)
                gap = clearance(
                    camera[0, 0] + z * dx,
                    camera[0, 1] + z * dy,
                    camera[0, 2] + z * dz,
                    table,
                    first,
                    street,
                    noises,
                )
            if gap > 0.0:
                begin = max(begin, min(z, last))
                if limit == FAR_M:
                    break
                continue
            for _ in range(3):
                if gap > -0.003:
                    break
                part = last_gap / (last_gap - gap)
                middle = last + min(max(part, 0.05), 0.95) * (z - last)
                new = clearance(
                    camera[0, 0] + middle * dx,
                    camera[0, 1] + middle * dy,
                    camera[0, 2] + middle * dz,
                    table,
                    first,
                    street,
                    noises,
                )
                if new > 0.0:
                    last, last_gap = middle, new
                else:
                    z, gap = middle, new
            depth[v, u] = last + last_gap / (last_gap - gap) * (z - last)
            owner[v, u] = GROUND_ID
            begin = max(last, NEAR)


@inlined
def _stripe(offset: Number, half: Number, pixel: Number) -> Number:
    """Give the share of a pixel that a stripe covers."""
    return min(max((half - abs(offset)) / pixel + 0.5, 0.0), min(1.0, 2.0 * half / pixel))


@compiled
def _dash(x: Number, street: Array, pixel: Number) -> Number:
    """Give the share of a pixel that a dashed line covers along its way."""
    period = street[DASH_PERIOD]
    q = (x + street[DASH_PHASE]) / period
    offset = (q - np.floor(q) - 0.5) * period
    duty = street[DASH] / period
    if pixel > period:
        return duty
    return _stripe(offset, 0.5 * street[DASH], pixel)


@compiled
def _arrow(along: Number, across: Number, straight: Number) -> Number:
    """Give 1 inside an arrow that points along, 4 m long."""
    if 0.0 < along < 2.6 and abs(across) < 0.09:
        return 1.0
    if 2.4 < along < 4.0 and abs(across) < 0.35 * (4.0 - along) / 1.6:
        return 1.0
    turn = -across if straight > 0.5 else across
    if straight != 0.0 and 0.6 < along < 1.9 and 0.0 < turn < 0.75:
        return 1.0 if abs(along - 0.6 - turn) < 0.14 + 0.3 * max(turn - 0.4, 0.0) else 0.0
    return 0.0


@compiled
def markings(
    x: Number, t: Number, beside: Number, street: Array, wide: Number, long: Number
) -> Numbers:
    """
    Find the paint at a place on the main road.

    :param wide: Size of the pixel across the road; long: along it; both in metres.
    :returns: Covered share of the pixel, and 1 where the paint is yellow.
    """
    if street[MARKED] == 0.0:
        return 0.0, 0.0
    a = abs(t)
    left = t > 0.0
    lanes = street[LANES_LEFT] if left else street[LANES_RIGHT]
    median, lane, half = street[MEDIAN], street[LANE], street[LINE]
    q = abs(beside)
    arm = street[ARM]
    outer = median + lanes * lane
    if q < arm + 5.4:
        coming = (beside > 0.0) == left
        if q > arm + 4.8 and coming and median + 0.1 < a < outer:
            return min(1.0, 0.6 / long), 0.0
        if street[CROSSWALK] == 1.0 and arm + 0.8 < q < arm + 3.8 and a < outer + 1.0:
            if wide > 1.0:
                return 0.5, 0.0
            return _stripe(t - np.floor(t) - 0.5, 0.25, wide), 0.0
        if street[CROSSWALK] == 2.0:
            line = max(_stripe(q - arm - 0.9, 0.15, long), _stripe(q - arm - 3.7, 0.15, long))
            return line, 0.0
        if q < arm + 4.5:
            return 0.0, 0.0
    elif q < arm + 24.0 and (beside > 0.0) == left and lanes > 1.0 and wide < 0.2:
        k = np.floor((a - median) / lane)
        across = a - median - (k + 0.5) * lane
        if 0.0 <= k < lanes and arm + 10.0 < q < arm + 14.0:
            turn = 0.0 if 0.0 < k < lanes - 1.0 else (1.0 if k == 0.0 else 0.3)
            if _arrow(arm + 14.0 - q, across, turn) > 0.0:
                return 1.0, 0.0
    if median == 0.0:
        if street[YELLOW] != 0.0:
            return _stripe(a - 0.12, half, wide), 1.0
        cover = _stripe(a, half, wide)
        if lanes == 1.0:
            cover *= _dash(x, street, long)
        if cover > 0.0:
            return cover, 0.0
    else:
        cover = _stripe(a - median - 0.2, half, wide)
        if cover > 0.0:
            return cover, street[YELLOW]
    k = np.floor((a - median) / lane + 0.5)
    if 1.0 <= k < lanes:
        return _stripe(a - median - k * lane, half, wide) * _dash(x, street, long), 0.0
    if k == lanes and street[GUTTER] > 0.5:
        return _stripe(a - outer, half, wide), 0.0
    parking = street[PARKING_LEFT] if left else street[PARKING_RIGHT]
    if parking > 0.0:
        q = (x + street[ORIGIN]) / 6.0
        bay = (q - np.floor(q) - 0.5) * 6.0
        if a > outer + street[GUTTER]:
            return _stripe(bay, 0.05, long), 0.0
    return 0.0, 0.0


@compiled
def ground_color(
    x: Number, t: Number, street: Array, noises: Array, wide: Number, long: Number
) -> Numbers:
    """
    Find what lies at a place.

    :returns: Class id, red, green, blue (albedo).
    """
    at = x + street[ORIGIN]
    left = t > 0.0
    a = abs(t)
    d = a - (street[EDGE_LEFT] if left else street[EDGE_RIGHT])
    beside = beside_junction(x, street)
    q = abs(beside) - street[ARM]
    arm = (street[ARM_LEFT] if left else street[ARM_RIGHT]) != 0.0 and q < 0.0
    cloud = noise(noises, 0, at * 8.0, t * 8.0)
    fade = max(1.0 - wide * 16.0, 0.0)
    grain = (noise(noises, 1, at * 40.0, t * 40.0) - 0.5) * fade
    grain += (noise(noises, 1, at * 9.0, t * 9.0) - 0.5) * max(1.0 - wide * 4.0, 0.0)
    big = noise(noises, 0, at * 0.75 + 50.0, t * 0.75)
    on_median = a < street[MEDIAN] and street[GREEN_MEDIAN] != 0.0
    on_median = on_median and (q > 4.5)
    if (d <= 0.0 or arm) and not on_median:
        gray = street[ASPHALT] * (0.9 + 0.2 * cloud + 0.45 * grain)
        patch = noise(noises, 0, at * 0.5, t * 2.0 + 77.0)
        if patch > 0.62:
            gray *= 1.0 - street[PATCHES]
        gray *= 0.85 + 0.3 * big
        if d <= 0.0 and not arm:
            k = (a - street[MEDIAN]) / street[LANE]
            track = abs(abs(k - np.floor(k) - 0.5) - 0.22)
            gray *= 1.0 - 0.13 * max(1.0 - track * 9.0, 0.0)
            if d > -0.3 and street[CURB] > 0.0:
                gray *= 1.25
        if d > 0.0:
            cover, yellow = 0.0, street[YELLOW]
            if street[CROSSWALK] != 0.0 and 0.5 < d < 3.3 and q < -0.3:
                w = x * 1.0
                cover, yellow = _stripe(w - np.floor(w) - 0.5, 0.25, long), 0.0
            elif d > 4.5 and street[MARKED] != 0.0:
                cover = _stripe(beside, 0.08, long)
        else:
            cover, yellow = markings(x, t, beside, street, wide, long)
        if cover > 0.0:
            rub = noise(noises, 1, at * 12.0, t * 12.0) * 0.6 + cloud * 0.4
            wear = 1.0 - min(max((street[WEAR] - rub) * 6.0, 0.0), 0.85)
            c = min(cover * 1.05, 1.0) * wear
            shade = 0.72 + 0.2 * cloud + 0.1 * grain
            red = gray + (shade - gray) * c
            green = gray + (shade * (0.72 if yellow != 0.0 else 1.0) - gray) * c
            blue = gray + (shade * (0.16 if yellow != 0.0 else 0.97) - gray) * c
            return ROAD_LINE if cover > 0.4 else ROAD, red, green, blue
        return ROAD, gray, gray, gray * 1.03
    verge, walk = street[VERGE], street[SIDEWALK]
    e = d
    if (street[ARM_LEFT] if left else street[ARM_RIGHT]) != 0.0 and 0.0 < q < d:
        e = q
    if walk > 0.0 and e < verge + walk and not on_median and (e < 0.2 or e >= verge):
        size = street[TILE]
        u, w = at / size, t / size
        line = min(abs(u - np.floor(u) - 0.5), abs(w - np.floor(w) - 0.5)) * size
        shade = 0.8 + 0.35 * cloud + 0.25 * grain
        if line < 0.015 + 0.5 * wide and wide < 0.1:
            shade *= 0.78
        parity = (int(np.floor(u)) + int(np.floor(w))) & 1
        shade *= 1.0 + (0.05 * parity - 0.025) * max(1.0 - 3.0 * wide, 0.0)
        if e < 0.2:
            shade *= 1.15
        shade *= 0.85 + 0.3 * big
        return (
            SIDEWALK_ID,
            street[PAVING] * shade,
            street[PAVING + 1] * shade,
            street[PAVING + 2] * shade,
        )
    mix = min(max(2.5 * (big + 0.4 * cloud) - 1.2 + 0.6 * grain, 0.0), 1.0)
    if (street[HIGHWAY] != 0.0 and 0.0 < d < street[SHOULDER]) or (walk == 0.0 and 0.0 < d < 0.4):
        mix = 0.0
    shade = 0.65 + 0.5 * cloud + 0.7 * grain
    shade = max(shade, 0.1)
    return (
        TERRAIN,
        (street[SOIL] + (street[GREEN] - street[SOIL]) * mix) * shade,
        (street[SOIL + 1] + (street[GREEN + 1] - street[SOIL + 1]) * mix) * shade,
        (street[SOIL + 2] + (street[GREEN + 2] - street[SOIL + 2]) * mix) * shade,
    )
