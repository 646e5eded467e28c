# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The paint on the road."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.street import (
    ARM,
    CROSSWALK,
    DASH,
    DASH_PERIOD,
    DASH_PHASE,
    GUTTER,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    LINE,
    MARKED,
    MEDIAN,
    ORIGIN,
    PARKING_LEFT,
    PARKING_RIGHT,
    YELLOW,
)


@inlined
def stripe(offset: Number, half: Number, pixel: Number) -> Number:
    """Return the share of a pixel that a stripe covers."""
    return min(max((half - abs(offset)) / pixel + 0.5, 0.0), min(1.0, 2.0 * half / pixel))


@compiled
def _dash(x: Number, street: Array, pixel: Number) -> Number:
    """Return the share of a pixel that a dashed line covers along its way."""
    period = street[DASH_PERIOD]
    q = (x + street[DASH_PHASE]) / period
    offset = (q - np.floor(q) - 0.5) * period
    duty = street[DASH] / period
    if pixel > period:
        return duty
    return stripe(offset, 0.5 * street[DASH], pixel)


@compiled
def _arrow(along: Number, across: Number, straight: Number) -> Number:
    """Return 1 inside an arrow that points along, 4 m long."""
    if 0.0 < along < 2.6 and abs(across) < 0.09:
        return 1.0
    if 2.4 < along < 4.0 and abs(across) < 0.35 * (4.0 - along) / 1.6:
        return 1.0
    turn = -across if straight > 0.5 else across
    if straight != 0.0 and 0.6 < along < 1.9 and 0.0 < turn < 0.75:
        return 1.0 if abs(along - 0.6 - turn) < 0.14 + 0.3 * max(turn - 0.4, 0.0) else 0.0
    return 0.0


@inlined
def _at_crossing(
    t: Number, q: Number, coming: Number, outer: Number, street: Array, wide: Number, long: Number
) -> Number:
    """
    Return the share that stop line and crosswalk cover; negative behind them.

    :param q: Distance to the middle of the crossing road.
    :param coming: Whether the lane leads to it.
    :param outer: Distance of the edge of the lanes from the middle.
    """
    a, arm = abs(t), street[ARM]
    if q > arm + 4.8 and coming and street[MEDIAN] + 0.1 < a < outer:
        return min(1.0, 0.6 / long)
    if street[CROSSWALK] == 1.0 and arm + 0.8 < q < arm + 3.8 and a < outer + 1.0:
        if wide > 1.0:
            return 0.5
        return stripe(t - np.floor(t) - 0.5, 0.25, wide)
    if street[CROSSWALK] == 2.0:
        return max(stripe(q - arm - 0.9, 0.15, long), stripe(q - arm - 3.7, 0.15, long))
    return 0.0 if q < arm + 4.5 else -1.0


@inlined
def _in_arrow(a: Number, q: Number, lanes: Number, street: Array) -> Number:
    """Return whether a place is in the arrow of its lane before a crossing."""
    arm, median, lane = street[ARM], street[MEDIAN], street[LANE]
    k = np.floor((a - median) / lane)
    across = a - median - (k + 0.5) * lane
    if 0.0 <= k < lanes and arm + 10.0 < q < arm + 14.0:
        turn = 0.0 if 0.0 < k < lanes - 1.0 else (1.0 if k == 0.0 else 0.3)
        return _arrow(arm + 14.0 - q, across, turn) > 0.0
    return False


@inlined
def _middle(
    x: Number, a: Number, lanes: Number, street: Array, wide: Number, long: Number
) -> Numbers:
    """Return the line between both directions, as markings does; a negative share without one."""
    median, half = street[MEDIAN], street[LINE]
    if median == 0.0:
        if street[YELLOW] != 0.0:
            return stripe(a - 0.12, half, wide), 1.0
        cover = stripe(a, half, wide)
        if lanes == 1.0:
            cover *= _dash(x, street, long)
        return (cover if cover > 0.0 else -1.0), 0.0
    cover = stripe(a - median - 0.2, half, wide)
    return (cover if cover > 0.0 else -1.0), street[YELLOW]


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
    a, q = abs(t), abs(beside)
    left = t > 0.0
    lanes = street[LANES_LEFT] if left else street[LANES_RIGHT]
    median, lane, half = street[MEDIAN], street[LANE], street[LINE]
    coming = (beside > 0.0) == left
    outer = median + lanes * lane
    if q < street[ARM] + 5.4:
        cover = _at_crossing(t, q, coming, outer, street, wide, long)
        if cover >= 0.0:
            return cover, 0.0
    elif coming and lanes > 1.0 and wide < 0.2 and _in_arrow(a, q, lanes, street):
        return 1.0, 0.0
    cover, yellow = _middle(x, a, lanes, street, wide, long)
    if cover >= 0.0:
        return cover, yellow
    k = np.floor((a - median) / lane + 0.5)
    if 1.0 <= k < lanes:
        return stripe(a - median - k * lane, half, wide) * _dash(x, street, long), 0.0
    if k == lanes and street[GUTTER] > 0.5:
        return stripe(a - outer, half, wide), 0.0
    parking = street[PARKING_LEFT] if left else street[PARKING_RIGHT]
    if parking > 0.0 and a > outer + street[GUTTER]:
        q = (x + street[ORIGIN]) / 6.0
        bay = (q - np.floor(q) - 0.5) * 6.0
        return stripe(bay, 0.05, long), 0.0
    return 0.0, 0.0
