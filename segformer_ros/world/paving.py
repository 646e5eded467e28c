# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What lies on the ground: asphalt, paint, slabs, grass, soil."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.classes import ROAD, ROAD_LINE, TERRAIN
from segformer_ros.world.classes import SIDEWALK as SIDEWALK_ID
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.markings import markings, stripe
from segformer_ros.world.street import (
    ARM,
    ARM_LEFT,
    ARM_RIGHT,
    ASPHALT,
    beside_junction,
    CALM,
    CROSSWALK,
    CURB,
    EDGE_LEFT,
    EDGE_RIGHT,
    GREEN,
    GREEN_MEDIAN,
    HIGHWAY,
    LANE,
    MARKED,
    MEDIAN,
    ORIGIN,
    PATCHES,
    PAVING,
    SHOULDER,
    SIDEWALK,
    SOIL,
    TILE,
    TUFTS,
    VERGE,
    WEAR,
    YELLOW,
)
from segformer_ros.world.texture import noise
from segformer_ros.world.wear import tuft, worn


@inlined
def _paint_on_arm(
    x: Number, beside: Number, d: Number, q: Number, street: Array, long: Number
) -> Numbers:
    """Return covered share of the pixel and 1 for yellow, on a side street."""
    if street[CROSSWALK] != 0.0 and 0.5 < d < 3.3 and q < -0.3:
        return stripe(x - np.floor(x) - 0.5, 0.25, long), 0.0
    if d > 4.5 and street[MARKED] != 0.0:
        return stripe(beside, 0.08, long), street[YELLOW]
    return 0.0, street[YELLOW]


@inlined
def _asphalt(
    at: Number,
    t: Number,
    d: Number,
    arm: Number,
    cloud: Number,
    grain: Number,
    big: Number,
    street: Array,
    noises: Array,
) -> Number:
    """Return the gray of the road: patches, tracks of tires, gutter."""
    gray = street[ASPHALT] * (0.9 + 0.2 * cloud + 0.45 * grain)
    if noise(noises, 0, at * 0.5, t * 2.0 + 77.0) > 0.62:
        gray *= 1.0 - street[PATCHES]
    gray *= 0.85 + 0.3 * big
    if d <= 0.0 and not arm:
        k = (abs(t) - street[MEDIAN]) / street[LANE]
        track = abs(abs(k - np.floor(k) - 0.5) - 0.22)
        gray *= 1.0 - 0.13 * max(1.0 - track * 9.0, 0.0)
        if d > -0.3 and street[CURB] > 0.0:
            gray *= 1.25
    return gray


@inlined
def _painted(
    gray: Number,
    cover: Number,
    yellow: Number,
    at: Number,
    t: Number,
    cloud: Number,
    grain: Number,
    street: Array,
    noises: Array,
) -> Numbers:
    """Return class and colour of asphalt under worn paint."""
    rub = noise(noises, 1, at * 12.0, t * 12.0) * 0.6 + cloud * 0.4
    wear = 1.0 - min(max((street[WEAR] - rub) * 6.0, 0.0), 0.85)
    c = min(cover * 1.05, 1.0) * wear
    shade = 0.72 + 0.2 * cloud + 0.1 * grain
    red = gray + (shade - gray) * c
    green = gray + (shade * (0.72 if yellow != 0.0 else 1.0) - gray) * c
    blue = gray + (shade * (0.16 if yellow != 0.0 else 0.97) - gray) * c
    return ROAD_LINE if cover > 0.4 else ROAD, red, green, blue


@inlined
def _slabs(
    at: Number, t: Number, e: Number, cloud: Number, grain: Number, size: Number, wide: Number
) -> Number:
    """Return the brightness of a sidewalk; e is the distance from its curb."""
    u, w = at / size, t / size
    line = min(abs(u - np.floor(u) - 0.5), abs(w - np.floor(w) - 0.5)) * size
    shade = 0.8 + 0.35 * cloud + 0.25 * grain
    if line < 0.015 + 0.5 * wide and wide < 0.1:
        shade *= 0.78
    parity = (int(np.floor(u)) + int(np.floor(w))) & 1
    shade *= 1.0 + (0.05 * parity - 0.025) * max(1.0 - 3.0 * wide, 0.0)
    return shade * 1.15 if e < 0.2 else shade


@compiled
def ground_color(
    x: Number, t: Number, street: Array, noises: Array, wide: Number, long: Number
) -> Numbers:
    """
    Find what lies at a place.

    :returns: Class id, red, green, blue (albedo).
    """
    at, a = x + street[ORIGIN], abs(t)
    left = t > 0.0
    d = a - (street[EDGE_LEFT] if left else street[EDGE_RIGHT])
    beside = beside_junction(x, street)
    q = abs(beside) - street[ARM]
    has_arm = (street[ARM_LEFT] if left else street[ARM_RIGHT]) != 0.0
    arm = has_arm and q < 0.0
    cloud = noise(noises, 0, at * 8.0, t * 8.0)
    grain = (noise(noises, 1, at * 40.0, t * 40.0) - 0.5) * max(1.0 - wide * 16.0, 0.0)
    grain += (noise(noises, 1, at * 9.0, t * 9.0) - 0.5) * max(1.0 - wide * 4.0, 0.0)
    big = noise(noises, 0, at * 0.75 + 50.0, t * 0.75)
    on_median = a < street[MEDIAN] and street[GREEN_MEDIAN] != 0.0 and q > 4.5
    if (d <= 0.0 or arm) and not on_median:
        gray = _asphalt(at, t, d, arm, cloud, grain, big, street, noises)
        if street[CALM] > 0.0:
            gray = worn(gray, at, t, wide, long, street, noises)
        if d > 0.0:
            cover, yellow = _paint_on_arm(x, beside, d, q, street, long)
        else:
            cover, yellow = markings(x, t, beside, street, wide, long)
        if cover > 0.0:
            return _painted(gray, cover, yellow, at, t, cloud, grain, street, noises)
        return ROAD, gray, gray, gray * 1.03
    verge, walk = street[VERGE], street[SIDEWALK]
    e = q if has_arm and 0.0 < q < d else d
    if walk > 0.0 and e < verge + walk and not on_median and (e < 0.2 or e >= verge):
        k = _slabs(at, t, e, cloud, grain, street[TILE], wide) * (0.85 + 0.3 * big)
        return SIDEWALK_ID, street[PAVING] * k, street[PAVING + 1] * k, street[PAVING + 2] * k
    mix = min(max(2.5 * (big + 0.4 * cloud) - 1.2 + 0.6 * grain, 0.0), 1.0)
    if (street[HIGHWAY] != 0.0 and 0.0 < d < street[SHOULDER]) or (walk == 0.0 and 0.0 < d < 0.4):
        mix = 0.0
    k = max(0.65 + 0.5 * cloud + 0.7 * grain, 0.1)
    if street[TUFTS] > 0.0 and mix > 0.1:
        k *= 1.0 + street[TUFTS] * (tuft(at, t, wide, noises) - 1.0)
    red = (street[SOIL] + (street[GREEN] - street[SOIL]) * mix) * k
    green = (street[SOIL + 1] + (street[GREEN + 1] - street[SOIL + 1]) * mix) * k
    return (
        TERRAIN,
        red,
        green,
        (street[SOIL + 2] + (street[GREEN + 2] - street[SOIL + 2]) * mix) * k,
    )
