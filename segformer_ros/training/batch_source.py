# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the batches of a run: each is a function of the seed, the step and the datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import Dataset, Sample
from segformer_ros.labels import VOID
from segformer_ros.training.augment import AugmentConfig, make_augmentation
from segformer_ros.training.batches import Batch, normalize
from segformer_ros.training.sampling import Sampling
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

_AHEAD = 3
Step = tuple[Batch, ...]


@dataclass(frozen=True)
class Source:
    """
    A dataset to learn from.

    :param table: (256,) from its class ids to the channels of the network, VOID where none.
    :param weight: Its share of the samples, in any unit.
    :param in_order: Take the samples of the first round in their order, in which another process
        is making them.
    """

    dataset: Dataset
    table: npt.NDArray[np.uint8]
    weight: float = 1.0
    in_order: bool = False


@dataclass(frozen=True)
class StageBatches:
    """
    What decides the batches of a stage; batch_size counts those of all processes.

    :param plain: Whether the images without changes of colour are wanted, too.
    """

    steps: int
    batch_size: int
    augment: AugmentConfig
    plain: bool = False


@dataclass(frozen=True)
class Share:
    """
    Which part of every batch this process makes, and in how many pieces.

    :param rank: Number of the process.
    :param processes: That share a batch.
    :param pieces: Passes forward and back before one step of the optimizer.
    """

    rank: int = 0
    processes: int = 1
    pieces: int = 1


class _Drawn(NamedTuple):
    sample: Sample
    table: npt.NDArray[np.uint8]
    plain: npt.NDArray[np.uint8]


class BatchMaker:
    """
    Makes this process's part of any step.

    Sample number i of a step is the same on however many processes and pieces it is spread.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        stages: Sequence[StageBatches],
        seed: int,
        focal_length_px: float | None,
        share: Share = Share(),
    ) -> None:
        """
        Take everything that decides the batches.

        :param focal_length_px: Of cameras whose intrinsics are unknown; None: focal lengths do
            not matter, and all are given as 1.
        :raises ValueError: A batch cannot be shared out evenly.
        """
        parts = share.processes * share.pieces
        for stage in stages:
            if stage.batch_size % parts:
                raise ValueError(
                    f'batch_size {stage.batch_size} cannot be shared by {share.processes} '
                    f'processes in {share.pieces} pieces: expected a multiple of {parts}'
                )
        self._sources, self._stages, self._share = tuple(sources), tuple(stages), share
        self._seed, self._focal_px = seed, focal_length_px
        weights, in_order = [s.weight for s in sources], [s.in_order for s in sources]
        # Only shards have groups: a shuffle over all of them would fetch one for every sample.
        groups = [getattr(source.dataset, 'groups', ()) for source in sources]
        self._sampling = Sampling(weights, seed, in_order, groups)
        ids = [np.flatnonzero(source.table != VOID).astype(np.uint8) for source in sources]
        self._augment = [
            [make_augmentation(stage.augment, classes=known) for known in ids] for stage in stages
        ]

    def __call__(self, step: int) -> Step:
        """
        Make the batches of a step.

        :param step: From 0, over all stages.
        :returns: As many as the share has pieces.
        """
        number, within, place = self._find(step)
        stage, share = self._stages[number], self._share
        drawn = self._augment[number][0].draw_size(np.random.default_rng((self._seed, step)))
        size = stage.batch_size // (share.processes * share.pieces)
        place += within * stage.batch_size
        lengths = [len(source.dataset) for source in self._sources]

        def sample(index: int) -> _Drawn:
            source, row = self._sampling.pick(place + index, lengths)
            rng = np.random.default_rng((self._seed, step, index))
            found = self._with_camera(self._sources[source].dataset[row])
            varied, plain = self._augment[number][source].vary(found, rng, size=drawn)
            return _Drawn(varied, self._sources[source].table, plain)

        starts = [(piece * share.processes + share.rank) * size for piece in range(share.pieces)]
        return tuple(
            self._batch([sample(start + i) for i in range(size)], stage.plain) for start in starts
        )

    def _find(self, step: int) -> tuple[int, int, int]:
        """Return the stage, the step in it, and how many samples the stages before it took."""
        places = 0
        for number, stage in enumerate(self._stages):
            if step < stage.steps:
                return number, step, places
            step -= stage.steps
            places += stage.steps * stage.batch_size
        raise IndexError('the run has no such step')

    def _with_camera(self, sample: Sample) -> Sample:
        """Return an unknown camera the focal length of the recipe, which then scales with it."""
        if sample.intrinsics is not None or self._focal_px is None:
            return sample
        height, width = sample.image.shape[:2]
        focal = self._focal_px
        camera = Intrinsics(focal, focal, width / 2.0, height / 2.0, width, height)
        return replace(sample, intrinsics=camera)

    def _batch(self, drawn: Sequence[_Drawn], plain: bool) -> Batch:
        samples = [(item.sample, item.table) for item in drawn]
        shape = samples[0][0].image.shape[:2]
        unlabelled, unmeasured = np.full(shape, VOID, np.uint8), np.full(shape, np.nan, np.float32)
        labels = [unlabelled if s.labels is None else table[s.labels] for s, table in samples]
        depth = [unmeasured if s.depth is None else s.depth for s, _ in samples]
        cameras = [sample.intrinsics for sample, _ in samples]
        focal_px = [
            1.0 if camera is None or self._focal_px is None else camera.fx for camera in cameras
        ]
        return Batch(
            normalize(np.stack([sample.image for sample, _ in samples])),
            torch.from_numpy(np.stack(labels).astype(np.int64)),
            torch.from_numpy(np.stack(depth)),
            torch.tensor(focal_px, dtype=torch.float32),
            _confidence([sample for sample, _ in samples]),
            normalize(np.stack([item.plain for item in drawn])) if plain else None,
            _soft_labels(samples),
        )


def _confidence(samples: Sequence[Sample]) -> Tensor | None:
    if all(sample.confidence is None for sample in samples):
        return None
    full = np.full(samples[0].image.shape[:2], 255, np.uint8)
    stacked = np.stack([full if s.confidence is None else s.confidence for s in samples])
    return torch.from_numpy(stacked.astype(np.float32) / np.float32(255.0))


def _soft_labels(samples: Sequence[tuple[Sample, npt.NDArray[np.uint8]]]) -> Tensor | None:
    """Return those of all samples, with as many classes as the largest has."""
    counts = [0 if s.soft_labels is None else s.soft_labels.shape[2] // 2 for s, _ in samples]
    most = max(counts)
    if not most:
        return None
    stacked = np.zeros((len(samples), 2 * most, *samples[0][0].image.shape[:2]), np.uint8)
    for target, count, (sample, table) in zip(stacked, counts, samples, strict=True):
        if sample.soft_labels is not None:
            target[:count] = table[np.moveaxis(sample.soft_labels[..., :count], -1, 0)]
            target[most : most + count] = np.moveaxis(sample.soft_labels[..., count:], -1, 0)
    return torch.from_numpy(stacked)


def prefetch(make: BatchMaker, steps: range, workers: int = 0) -> Iterator[Step]:
    """
    Make batches while the network computes.

    :param steps: Whose.
    :param workers: Processes; 0 is one thread of this process.
    :returns: The batches in the order of the steps; close() ends the thread or the processes.
    """
    return _by_processes(make, steps, workers) if workers else _by_thread(make, steps)


def _by_thread(make: BatchMaker, steps: range) -> Iterator[Step]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        left = iter(steps)
        waiting: list[Future[Step]] = [pool.submit(make, step) for step in islice(left, _AHEAD)]
        try:
            while waiting:
                done = waiting.pop(0).result()
                waiting += [pool.submit(make, step) for step in islice(left, 1)]
                yield done
        finally:
            for future in waiting:
                future.cancel()


class _Steps(TorchDataset[Step]):
    """The batches by step, as the workers of torch ask for them."""

    def __init__(self, make: BatchMaker) -> None:
        self._make = make

    def __getitem__(self, step: int) -> Step:
        return self._make(step)


def _as_it_is(step: Any) -> Any:
    return step


def _by_processes(make: BatchMaker, steps: range, workers: int) -> Iterator[Step]:
    # Spawned: a forked process would inherit the locks of CUDA and of the threads of this one.
    loader: Any = DataLoader(
        _Steps(make),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        collate_fn=_as_it_is,
        multiprocessing_context='spawn',
    )
    yield from loader
