# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which sample of which dataset is the n-th of a run: known without having drawn the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.shards import windowed_order

# Places after which every dataset has had its share, to the nearest of them.
_BLOCK = 1000
# Told apart from the seeds of the samples, which are (seed, step, number).
_DATASETS, _ORDER = 0x5E6F, 0x0DE4


class Sampling:
    """
    Datasets mixed by weight, each gone through in shuffled rounds.

    Every place of the endless sequence is a function of the seed and the place, so that a resumed
    run and every process of a distributed one see the same sequence.
    """

    def __init__(
        self,
        weights: Sequence[float],
        seed: int,
        in_order: Sequence[bool] = (),
        groups: Sequence[tuple[range, ...]] = (),
    ) -> None:
        """
        Fix the sequence.

        :param weights: Share of each dataset, in any unit.
        :param in_order: Datasets whose first round is not shuffled; empty: none.
        :param groups: Samples of each dataset that lie in one shard, of which some are mixed at a
            time; no groups: all samples of a dataset are mixed.
        :raises ValueError: A weight is not positive, or so small that it is never drawn.
        """
        if not weights or min(weights) <= 0.0:
            raise ValueError(f'expected datasets with positive weights, got {list(weights)}')
        self._counts = _shares(weights)
        if min(self._counts) < 1:
            raise ValueError(
                f'a dataset with less than 1/{_BLOCK} of the weights is never drawn: {weights}'
            )
        self._seed, self._in_order = seed, tuple(in_order) or (False,) * len(weights)
        self._groups = tuple(groups) or ((),) * len(weights)

    def pick(self, place: int, lengths: Sequence[int]) -> tuple[int, int]:
        """
        Return the dataset and the index in it of a place.

        :param lengths: Samples of each dataset.
        """
        block, offset = divmod(place, _BLOCK)
        dataset, rank = 0, offset
        if len(self._counts) > 1:
            numbers, ranks = _mixture(self._seed, block, self._counts)
            dataset, rank = int(numbers[offset]), int(ranks[offset])
        drawn = block * self._counts[dataset] + rank
        turn, index = divmod(drawn, lengths[dataset])
        if turn == 0 and self._in_order[dataset]:
            return dataset, index
        groups = self._groups[dataset]
        return dataset, int(_order(self._seed, dataset, turn, lengths[dataset], groups)[index])


def _shares(weights: Sequence[float]) -> tuple[int, ...]:
    """Split the places of a block by the largest remainders."""
    exact = np.array(weights, np.float64) / sum(weights) * _BLOCK
    counts = np.floor(exact).astype(int)
    missing = _BLOCK - int(counts.sum())
    counts[np.argsort(counts - exact, kind='stable')[:missing]] += 1
    return tuple(int(count) for count in counts)


@lru_cache(maxsize=8)
def _mixture(
    seed: int, block: int, counts: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the dataset of every place of a block, and how many of it precede in the block."""
    rng = np.random.default_rng((seed, _DATASETS, block))
    numbers = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    ranks = np.empty(_BLOCK, np.int64)
    for number, count in enumerate(counts):
        ranks[numbers == number] = np.arange(count)
    return numbers, ranks


@lru_cache(maxsize=16)
def _order(
    seed: int, dataset: int, turn: int, length: int, groups: tuple[range, ...]
) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng((seed, _ORDER, dataset, turn))
    return windowed_order(groups, rng) if groups else rng.permutation(length)
