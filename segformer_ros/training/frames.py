# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of the built-in world on disk: rendered once from seeds, read by memory mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import hashlib
import json
import multiprocessing
import multiprocessing.connection
from multiprocessing.process import BaseProcess
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.training.config import WorldConfig

# (seed, width, height) -> something with image, labels, depth and intrinsics.
RandomFrame = Callable[[int, int, int], Any]
_IDENTITY = 'frames.json'


@dataclass(frozen=True)
class Sample:
    """
    One training frame.

    :param image: (H, W, 3) uint8 RGB.
    :param labels: (H, W) uint8 class ids, 255 where unknown.
    :param depth: (H, W) float32 metres along the optical axis, not finite for sky and unknown.
    :param focal_px: Focal length in pixels of this image.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    focal_px: float


def shard_count(config: WorldConfig) -> int:
    """Count the shards of a complete folder."""
    return -(-config.frames // config.shard_frames)


def shard_folder(config: WorldConfig, index: int) -> Path:
    """Name the folder of a shard."""
    return Path(config.folder) / f'{index:05d}'


def check_identity(config: WorldConfig, random_frame: RandomFrame) -> None:
    """
    Write what the frames of the folder are, or check that they are what is wanted.

    :raises ValueError: The folder holds frames of other seeds, sizes or another world.
    """
    probe = random_frame(config.first_seed, 64, 32)
    wanted = {
        'first_seed': config.first_seed,
        'shard_frames': config.shard_frames,
        'sizes': [list(size) for size in config.sizes],
        'probe': hashlib.sha256(probe.image.tobytes() + probe.labels.tobytes()).hexdigest(),
    }
    path = Path(config.folder) / _IDENTITY
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f'.{os.getpid()}')
        temporary.write_text(json.dumps(wanted, indent=2), encoding='utf-8')
        os.replace(temporary, path)
    found = json.loads(path.read_text(encoding='utf-8'))
    for key, value in wanted.items():
        if found.get(key) != value:
            raise ValueError(
                f'{path.parent} holds frames of another {key} ({found.get(key)} instead of '
                f'{value}): remove the folder or choose another world.folder'
            )


def render_shard(config: WorldConfig, index: int, random_frame: RandomFrame) -> None:
    """Render one shard, unless it is there."""
    target = shard_folder(config, index)
    if target.exists():
        return
    height, width = config.sizes[index % len(config.sizes)]
    count = config.shard_frames
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix='.shard-', dir=target.parent))
    try:
        images = np.empty((count, height, width, 3), np.uint8)
        labels = np.empty((count, height, width), np.uint8)
        depths = np.empty((count, height, width), np.float16)
        focals = np.empty(count, np.float32)
        for row in range(count):
            frame = random_frame(config.first_seed + index * count + row, width, height)
            images[row], labels[row], depths[row] = frame.image, frame.labels, frame.depth
            focals[row] = frame.intrinsics.fx
        arrays: dict[str, npt.NDArray[Any]] = {
            'image': images,
            'labels': labels,
            'depth': depths,
            'focal': focals,
        }
        for name, array in arrays.items():
            np.save(temporary / f'{name}.npy', array)
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _render_share(config: WorldConfig, worker: int) -> None:
    os.nice(10)
    parent = multiprocessing.parent_process()
    from segformer_ros.world import random_frame

    for index in range(worker, shard_count(config), config.processes):
        if parent is None or not parent.is_alive():
            return
        render_shard(config, index, random_frame)


def start_rendering(config: WorldConfig) -> list[BaseProcess]:
    """Render what is missing in processes of their own, which end with this one."""
    missing = [i for i in range(shard_count(config)) if not shard_folder(config, i).exists()]
    if not missing:
        return []
    context = multiprocessing.get_context('spawn')
    workers: list[BaseProcess] = []
    for number in range(config.processes):
        workers.append(context.Process(target=_render_share, args=(config, number), daemon=True))
        workers[-1].start()
    return workers


def check_rendering(workers: list[BaseProcess]) -> None:
    """
    Notice dead processes.

    :raises RuntimeError: A process has died.
    """
    for worker in workers:
        if worker.exitcode:
            raise RuntimeError(f'a rendering process ended with exit status {worker.exitcode}')


@dataclass(frozen=True)
class _Shard:
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    focal: npt.NDArray[np.float32]


class FrameStore:
    """The frames that are on disk by now."""

    def __init__(self, config: WorldConfig) -> None:
        """Open the complete shards of the folder."""
        self.config = config
        self._shards: dict[int, _Shard] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self._shards) * self.config.shard_frames

    def refresh(self) -> None:
        """Open the shards that have come since."""
        for index in range(shard_count(self.config)):
            folder = shard_folder(self.config, index)
            if index not in self._shards and folder.exists():
                arrays = [
                    np.load(folder / f'{name}.npy', mmap_mode='r')
                    for name in ('image', 'labels', 'depth', 'focal')
                ]
                self._shards[index] = _Shard(*arrays)
        self._order = sorted(self._shards)

    def sample(self, number: int) -> Sample:
        """
        Give a frame.

        :param number: 0 to len - 1.
        :returns: Read-only views of the files; depth is float16 there and float32 here.
        """
        shard = self._shards[self._order[number // self.config.shard_frames]]
        row = number % self.config.shard_frames
        return Sample(
            shard.image[row],
            shard.labels[row],
            shard.depth[row].astype(np.float32),
            float(shard.focal[row]),
        )

    def class_counts(self, ids: tuple[int, ...], frames: int = 400) -> npt.NDArray[np.int64]:
        """Count the pixels of each class in some frames spread over the store."""
        counts = np.zeros(256, np.int64)
        for number in np.linspace(0, len(self) - 1, min(frames, len(self))).astype(int):
            counts += np.bincount(self.sample(int(number)).labels.ravel(), minlength=256)
        return counts[list(ids)]


def wait_for_frames(
    config: WorldConfig,
    workers: list[BaseProcess],
    wanted: int,
    report: Callable[[str], None],
) -> FrameStore:
    """
    Wait until so many frames are on disk.

    :raises RuntimeError: A rendering process has died.
    """
    store = FrameStore(config)
    said = -1
    while len(store) < min(wanted, config.frames):
        if len(store) != said:
            said = len(store)
            report(f'{said} of {wanted} frames rendered')
        multiprocessing.connection.wait([worker.sentinel for worker in workers], timeout=2.0)
        check_rendering(workers)
        store.refresh()
    return store
