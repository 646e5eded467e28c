# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How often a dataset has every class, and the weights that balance a loss by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.sample import Dataset
from segformer_ros.labels import VOID

Counts = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassStatistics:
    """
    What the labels of a dataset hold.

    :param pixels: (256,) pixels by class id; VOID counts those without a class.
    :param frames: (256,) frames that have the class at all.
    :param total: Frames that were looked at.
    """

    pixels: Counts
    frames: Counts
    total: int


def count_classes(
    dataset: Dataset,
    *,
    frames: int | None = None,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> ClassStatistics:
    """
    Count the pixels of every class id.

    :param frames: Look at this many, evenly spread over the dataset; None: at all.
    :param progress: Wraps the numbers of the frames, such as tqdm.
    :raises DatasetError: A file is missing or damaged.
    """
    chosen = spread(len(dataset), frames)
    pixels, present = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for index in progress(chosen):
        labels = _labels(dataset, index)
        if labels is not None:
            found = np.bincount(labels.reshape(-1), minlength=256)
            pixels += found
            present += found > 0
    return ClassStatistics(pixels, present, len(chosen))


def _labels(dataset: Dataset, index: int) -> npt.NDArray[np.uint8] | None:
    """Read labels alone where a dataset can: images take most of the time."""
    read: Callable[[int], npt.NDArray[np.uint8] | None] | None = getattr(dataset, 'labels', None)
    return dataset[index].labels if read is None else read(index)


def spread(length: int, count: int | None) -> list[int]:
    """Choose that many of range(length), evenly from the first to the last; None: all."""
    if count is None or count >= length:
        return list(range(length))
    return [round(float(place)) for place in np.linspace(0, length - 1, count)]


def channel_counts(pixels: Counts, table: npt.NDArray[np.uint8], ids: Iterable[int]) -> Counts:
    """
    Count the pixels of every channel of a network.

    :param pixels: (256,) by class id of the dataset.
    :param table: (256,) class ids of the network by those of the dataset, VOID where none.
    :param ids: Class ids of the network in the order of its channels.
    :returns: (N,) pixels by channel.
    """
    by_id = np.zeros(256, np.int64)
    np.add.at(by_id, table, pixels)
    by_id[VOID] = 0
    return by_id[list(ids)]


def class_weights(counts: Counts, kind: str, **parameters: float) -> Weights:
    """
    Weigh classes by how rare they are.

    'none' is 1 for each. 'complement' is (1 - f) / (N - 1) for the frequency f of a class among N,
    which sums to 1. 'log1p' is 1 / log(1 + count), scaled to sum to N. 'log_c' is 1 / log(c + f)
    with c 1.02 (Paszke et al. 2016, arXiv:1606.02147, section 5.2). 'effective' is
    (1 - beta) / (1 - beta ** count) with beta 0.9999, scaled to sum to N (Cui et al. 2019,
    arXiv:1901.05555, equation 4); it tells classes apart that have up to some 1 / (1 - beta)
    pixels. For 'log1p' and 'effective' a class without a pixel weighs as much as the rarest one.

    :param counts: (N,) pixels of every class.
    :param parameters: c of 'log_c', beta of 'effective'.
    :returns: (N,) finite and positive; 'complement' gives 0 to a class that has every pixel.
    :raises ValueError: No such kind or parameter, or the counts are no counts.
    """
    if kind not in _FORMULAS:
        raise ValueError(f'kind of class weights must be one of {", ".join(KINDS)}, not {kind!r}')
    known = _PARAMETERS.get(kind, ())
    for name in parameters:
        if name not in known:
            names = ', '.join(known) or 'none'
            raise ValueError(f'class weights {kind} have no {name!r}, they have: {names}')
    counts = np.asarray(counts)
    if counts.ndim != 1 or not counts.size or counts.min() < 0 or counts.sum() == 0:
        raise ValueError(
            f'expected (N,) pixels of every class, not negative and some above 0, got {counts!r}'
        )
    return _FORMULAS[kind](counts.astype(np.float64), **parameters)


def _ones(counts: Weights) -> Weights:
    return np.ones_like(counts)


def _complement(counts: Weights) -> Weights:
    if counts.size == 1:
        return np.ones(1)
    return np.asarray((1.0 - counts / counts.sum()) / (counts.size - 1), np.float64)


def _log1p(counts: Weights) -> Weights:
    return _to_sum_n(1.0 / np.log1p(_seen(counts)))


def _log_c(counts: Weights, c: float = 1.02) -> Weights:
    if not c > 1.0:
        raise ValueError(f'c of class weights log_c must be above 1, not {c}')
    return np.asarray(1.0 / np.log(c + counts / counts.sum()), np.float64)


def _effective(counts: Weights, beta: float = 0.9999) -> Weights:
    if not 0.0 <= beta < 1.0:
        raise ValueError(f'beta of class weights effective must be from 0 to below 1, not {beta}')
    if beta == 0.0:
        return np.ones_like(counts)
    # beta is near 1 and the counts are large: 1 - beta ** count would lose its digits.
    return _to_sum_n((1.0 - beta) / -np.expm1(_seen(counts) * np.log(beta)))


def _seen(counts: Weights) -> Weights:
    return np.asarray(np.maximum(counts, counts[counts > 0].min()), np.float64)


def _to_sum_n(weights: Weights) -> Weights:
    return np.asarray(weights * (weights.size / weights.sum()), np.float64)


_FORMULAS: dict[str, Callable[..., Weights]] = {
    'none': _ones,
    'complement': _complement,
    'log1p': _log1p,
    'log_c': _log_c,
    'effective': _effective,
}
_PARAMETERS = {'log_c': ('c',), 'effective': ('beta',)}
KINDS: tuple[str, ...] = tuple(_FORMULAS)
"""The kinds of class weights."""
