# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Batches for the network: every batch is a function of (seed, step) and the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID
from segformer_ros.training.augment import augment
from segformer_ros.training.config import AugmentConfig, PhaseConfig
from segformer_ros.training.frames import FrameStore
import torch
from torch import Tensor

# Of ImageNet, on the 0 to 1 scale.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Batch:
    """
    What one step learns from.

    :param image: (N, 3, H, W) float32, normalised.
    :param labels: (N, H, W) int64 channel numbers, 255 where unknown.
    :param depth: (N, H, W) float32 metres, not finite where unknown.
    :param focal_px: (N,) float32 focal length in pixels of the image.
    """

    image: Tensor
    labels: Tensor
    depth: Tensor
    focal_px: Tensor


def normalize(images: npt.NDArray[np.uint8]) -> Tensor:
    """Turn (N, H, W, 3) uint8 RGB into the (N, 3, H, W) float32 that the network takes."""
    # Torch warns about arrays that it could not write to, such as mapped files.
    images = images if images.flags.writeable else images.copy()
    image = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
    return (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def channel_table(ids: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Give the (256,) table from class id to channel number; VOID for other ids."""
    table = np.full(256, VOID, np.uint8)
    table[list(ids)] = np.arange(len(ids))
    return table


def make_batch(
    store: FrameStore,
    phase: PhaseConfig,
    config: AugmentConfig,
    table: npt.NDArray[np.uint8],
    seed: tuple[int, int],
) -> Batch:
    """
    Draw and vary the frames of one step.

    :param table: From class id to channel number.
    :param seed: The seed of the run and the step.
    """
    rng = np.random.default_rng(seed)
    size = phase.crops[int(rng.integers(len(phase.crops)))]
    samples = []
    for number in rng.integers(0, len(store), phase.batch_size):
        samples.append(augment(store.sample(int(number)), size, phase, config, rng))
    labels = table[np.stack([sample.labels for sample in samples])]
    return Batch(
        normalize(np.stack([sample.image for sample in samples])),
        torch.from_numpy(labels).long(),
        torch.from_numpy(np.stack([sample.depth for sample in samples])),
        torch.tensor([sample.focal_px for sample in samples], dtype=torch.float32),
    )


def prefetch(make: Callable[[int], Batch], first_step: int, ahead: int = 3) -> Iterator[Batch]:
    """
    Make batches in a thread while the network computes.

    :param make: From step to batch.
    :returns: The batches of first_step, first_step + 1, ...; close() ends the thread.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: list[Future[Batch]] = []
        step = first_step
        try:
            while True:
                while len(waiting) < ahead:
                    waiting.append(pool.submit(make, step))
                    step += 1
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
