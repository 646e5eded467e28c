# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The class of every pixel, and how certain it is, without computing what cannot matter.

Between four cells the score of a class is a convex combination of its corners. So a class that
leads at all four corners leads everywhere between them, and a class that is nowhere above the
largest of all smallest corners leads nowhere. Only where several classes are left are they
computed: first across, then down, both as a + part * (b - a) in float32.
"""

from __future__ import annotations

import numpy as np
from segformer_ros.inference.compiled import Array, compiled, Number
from segformer_ros.inference.upsample import Sampling

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_SIXTH, _24TH, _FULL = np.float32(1.0 / 6.0), np.float32(1.0 / 24.0), np.float32(255.0)
_INFINITE = np.float32(np.inf)
# A class this far below the best one adds less than e^-12 to the sum of the softmax.
_NEGLIGIBLE = np.float32(12.0)
_LEAST_EXPONENT, _SHARE = np.float32(-16.0), np.float32(1.0 / 32.0)
# Pixels from which on a row of cells is cut: room for vectors, and few classes to compare.
_PIECE = 160
# Scratch rows are filled up to whole vectors; what lies behind a piece is computed and not used.
_LANES = 32


@compiled
def fill_labels(
    cells: Array, ids: Array, where: Sampling, labels: Array, confidence: Array
) -> None:
    """
    Write the class of the largest sample of every pixel; of equal ones that of the lower channel.

    :param cells: (C, rows, columns) scores, float32.
    :param ids: (C) class id of each channel, uint8.
    :param labels: (H, W) uint8, overwritten.
    :param confidence: (H, W) uint8, overwritten with the softmax probability times 255; (0, 0)
        when it is not wanted.
    """
    classes, rows, columns = cells.shape
    wants_all = confidence.size > 0
    winners = _winners(cells)
    bounds, floors = np.empty((classes, columns), np.float32), np.empty(columns, np.float32)
    chosen = np.empty(classes, np.int64)
    width = _widest(where.edges)
    top, drop = np.zeros((classes, width), np.float32), np.zeros((classes, width), np.float32)
    best, total = np.empty(width, np.float32), np.empty(width, np.float32)
    names = np.empty(width, np.int32)
    for band in range(where.bands.shape[0]):
        start, stop, upper = where.bands[band]
        lower = min(upper + 1, rows - 1)
        _bound(cells, upper, lower, bounds, floors)
        last = 0
        while last < columns:
            first = last
            last, winner = _piece(winners, upper, lower, where.edges, first, wants_all)
            left, right = where.edges[first], where.edges[last]
            if winner >= 0:
                _fill(labels, ids[winner], start, stop, left, right)
                if not wants_all:
                    continue
            used = (right - left + _LANES - 1) // _LANES * _LANES
            leaders, count = _choose(bounds, floors, first, last, winner, wants_all, chosen)
            for place in range(count):
                _spread(
                    cells, chosen[place], upper, lower, left, where, top[place, :used], drop[place]
                )
            for row in range(start, stop):
                part = where.down[row]
                _lead(top, drop, part, chosen[:leaders], ids, best[:used], names)
                if winner < 0:
                    target = labels[row, left:right]
                    for i in range(target.size):
                        target[i] = names[i]
                if wants_all:
                    target = confidence[row, left:right]
                    _certainty(top, drop, part, count, best[:used], total, target)


@compiled
def _widest(edges: Array) -> Number:
    """Return the width of scratch rows: that of the widest piece, in whole vectors."""
    widest = 0
    for column in range(edges.size - 1):
        widest = max(widest, edges[column + 1] - edges[column])
    return (_PIECE + widest + _LANES - 1) // _LANES * _LANES


@compiled
def _fill(
    labels: Array, name: Number, start: Number, stop: Number, left: Number, right: Number
) -> None:
    for row in range(start, stop):
        target = labels[row, left:right]
        for i in range(target.size):
            target[i] = name


@compiled
def _piece(
    winners: Array, upper: Number, lower: Number, edges: Array, first: Number, mixed: Number
) -> tuple[Number, Number]:
    """
    Find the columns of cells that are decoded together.

    :param mixed: Whether pieces with and without a single winner may be together.
    :returns: The column after the last, and the channel that leads at every corner or -1.
    """
    winner = _leader(winners, upper, lower, first)
    last = first + 1
    while last < winners.shape[1]:
        other = _leader(winners, upper, lower, last)
        if other != winner and not mixed:
            break
        if (mixed or winner < 0) and edges[last] - edges[first] >= _PIECE:
            break
        winner = winner if other == winner else np.int32(-1)
        last += 1
    return last, winner


@compiled
def _leader(winners: Array, upper: Number, lower: Number, column: Number) -> Number:
    """Return the channel that leads at all corners right of a column of cells, or -1."""
    after = min(column + 1, winners.shape[1] - 1)
    winner = winners[upper, column]
    same = (winners[lower, column] == winner) & (winners[upper, after] == winner)
    return winner if same & (winners[lower, after] == winner) else np.int32(-1)


@compiled
def _winners(cells: Array) -> Array:
    """Return the channel that leads in each cell: (rows, columns)."""
    classes, rows, columns = cells.shape
    winners = np.zeros((rows, columns), np.int32)
    best = np.empty(columns, np.float32)
    for row in range(rows):
        winner = winners[row]
        for i in range(columns):
            best[i] = cells[0, row, i]
        for channel in range(1, classes):
            values = cells[channel, row]
            for i in range(columns):
                better = values[i] > best[i]
                best[i] = values[i] if better else best[i]
                winner[i] = np.int32(channel) if better else winner[i]
    return winners


@compiled
def _bound(cells: Array, upper: Number, lower: Number, bounds: Array, floors: Array) -> None:
    """Compute the largest corner of every class right of each cell and the largest smallest."""
    classes, _, columns = cells.shape
    largest, smallest = np.empty(columns + 1, np.float32), np.empty(columns + 1, np.float32)
    for i in range(columns):
        floors[i] = -_INFINITE
    for channel in range(classes):
        a, b, bound = cells[channel, upper], cells[channel, lower], bounds[channel]
        for i in range(columns):
            over = a[i] > b[i]
            largest[i] = a[i] if over else b[i]
            smallest[i] = b[i] if over else a[i]
        largest[columns] = largest[columns - 1]
        smallest[columns] = smallest[columns - 1]
        for i in range(columns):
            x, y = largest[i], largest[i + 1]
            bound[i] = x if x > y else y
            x, y = smallest[i], smallest[i + 1]
            least = x if x < y else y
            floors[i] = least if least > floors[i] else floors[i]


@compiled
def _choose(
    bounds: Array,
    floors: Array,
    first: Number,
    last: Number,
    winner: Number,
    wants_all: Number,
    chosen: Array,
) -> tuple[Number, Number]:
    """
    List the channels that matter in a piece: those that can lead in order, then the others.

    :returns: How many can lead, and how many there are.
    """
    leaders = 0
    if winner >= 0:
        chosen[0], leaders = winner, 1
    else:
        for channel in range(bounds.shape[0]):
            if _reaches(bounds, floors, channel, first, last, _ZERO):
                chosen[leaders] = channel
                leaders += 1
        if leaders == 0:
            # Nothing is above what is not a number.
            chosen[0], leaders = 0, 1
    count = leaders
    if wants_all:
        for channel in range(bounds.shape[0]):
            known = False
            for place in range(leaders):
                known |= chosen[place] == channel
            if not known and _reaches(bounds, floors, channel, first, last, _NEGLIGIBLE):
                chosen[count] = channel
                count += 1
    return leaders, count


@compiled
def _reaches(
    bounds: Array, floors: Array, channel: Number, first: Number, last: Number, below: Number
) -> Number:
    found = False
    for i in range(first, last):
        found |= bounds[channel, i] >= floors[i] - below
    return found


@compiled
def _spread(
    cells: Array,
    channel: Number,
    upper: Number,
    lower: Number,
    left: Number,
    where: Sampling,
    top: Array,
    drop: Array,
) -> None:
    """Sample two rows of cells at the columns of a piece: the upper row, and how far it falls."""
    a, b = cells[channel, upper], cells[channel, lower]
    before, after, across = where.left[left:], where.right[left:], where.across[left:]
    for i in range(min(before.size, top.size)):
        j, k, part = before[i], after[i], across[i]
        above = a[j] + part * (a[k] - a[j])
        top[i] = above
        drop[i] = b[j] + part * (b[k] - b[j]) - above


@compiled
def _lead(
    top: Array, drop: Array, part: Number, leaders: Array, ids: Array, best: Array, names: Array
) -> None:
    """Compare the classes along a row: the largest score and its class id."""
    a, b, name = top[0], drop[0], np.int32(ids[leaders[0]])
    for i in range(best.size):
        best[i] = a[i] + part * b[i]
        names[i] = name
    for place in range(1, leaders.size):
        a, b, name = top[place], drop[place], np.int32(ids[leaders[place]])
        for i in range(best.size):
            value = a[i] + part * b[i]
            better = value > best[i]
            best[i] = value if better else best[i]
            names[i] = name if better else names[i]


@compiled
def _certainty(
    top: Array,
    drop: Array,
    part: Number,
    count: Number,
    best: Array,
    total: Array,
    target: Array,
) -> None:
    """
    Write 255 / sum of e^x along a row, x = score - best.

    e^x is the 32nd power of the series of e^(x / 32), within 2e-6.
    """
    for i in range(total.size):
        total[i] = _ZERO
    for place in range(count):
        a, b = top[place], drop[place]
        for i in range(total.size):
            x = a[i] + part * b[i] - best[i]
            x = (x if x > _LEAST_EXPONENT else _LEAST_EXPONENT) * _SHARE
            power = _ONE + x * (_ONE + x * (_HALF + x * (_SIXTH + x * _24TH)))
            power *= power
            power *= power
            power *= power
            power *= power
            power *= power
            total[i] += power
    for i in range(target.size):
        target[i] = np.int32(_FULL / total[i] + _HALF)
