# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which of many samples are worth a place in a training set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from segformer_ros.fleet.samples import Record

WAYS: tuple[str, ...] = ('novelty', 'confidence', 'flicker', 'disagreement')


def choose(
    way: str, count: int, records: Sequence[Record], descriptors: npt.NDArray[np.float16]
) -> list[int]:
    """
    Choose some samples.

    :param way: 'novelty' takes those that differ most from all that are taken; 'confidence' those
        of the lowest mean confidence; 'flicker' those that differ most from the frame before;
        'disagreement' those where a second network differs most.
    :param descriptors: (N, D), a row for each record.
    :returns: Indices of at most count samples, in the order of the records.
    """
    if count >= len(records):
        return list(range(len(records)))
    if way == 'novelty':
        return sorted(farthest_points(descriptors, count))
    scores = [_uncertainty(way, item) for item in records]
    order = np.argsort(-np.array(scores), kind='stable')
    return sorted(int(index) for index in order[:count])


def _uncertainty(way: str, record: Record) -> float:
    if way != 'confidence':
        share = record.flicker if way == 'flicker' else record.disagreement
        return -1.0 if share is None else share
    return -1.0 if record.confidence is None else 1.0 - record.confidence


def farthest_points(points: npt.NDArray[np.floating], count: int) -> list[int]:
    """
    Take the point nearest to the mean, then always that which is farthest from all taken.

    The greedy 2-approximation of the k-centre problem (Gonzalez 1985).

    :param points: (N, D).
    :returns: count different indices, in the order of their choice.
    """
    rows = points.astype(np.float32)
    middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    chosen = [int(np.argmin(((rows - middle) ** 2).sum(axis=1)))]
    nearest = np.full(len(rows), np.inf, np.float32)
    while len(chosen) < count:
        distance = ((rows - rows[chosen[-1]]) ** 2).sum(axis=1)
        nearest = np.minimum(nearest, distance)
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return chosen
