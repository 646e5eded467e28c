# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Frames of the built-in world on disk: rendered once from seeds, read by memory mapping.

    FOLDER/frames.json      what the frames are
    FOLDER/00000/           a shard: image.npy, labels.npy, depth.npy (half precision), focal.npy

A shard is there as a whole or not at all, so that any number of processes may render.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import hashlib
import json
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import DatasetError, Sample

# (seed, width, height) -> something with image, labels, depth and intrinsics.
RandomFrame = Callable[[int, int, int], Any]
_IDENTITY = 'frames.json'
_ARRAYS = ('image', 'labels', 'depth', 'focal')


@dataclass(frozen=True)
class WorldFrames:
    """
    Which frames of the world.

    :param first_seed: Frame i is random_frame(first_seed + i).
    :param frames: How many.
    :param sizes: (height, width) of the shards in turn, pixels.
    :param shard_frames: Frames in one shard: those of one size that follow one another.
    :param folder: Where they are kept; empty: nowhere.
    :param processes: How many render what is missing.
    :param variety: Of the world, one of its VARIETIES.
    """

    first_seed: int
    frames: int
    sizes: tuple[tuple[int, int], ...] = ((256, 512),)
    shard_frames: int = 100
    folder: str = ''
    processes: int = 2
    variety: str = 'plain'

    @property
    def shards(self) -> int:
        """Count the shards; the last one may hold more frames than are asked for."""
        return -(-self.frames // self.shard_frames)

    def size(self, index: int) -> tuple[int, int]:
        """Return height and width of a frame."""
        return self.sizes[index // self.shard_frames % len(self.sizes)]

    def shard_folder(self, shard: int) -> Path:
        """Name the folder of a shard."""
        return Path(self.folder) / f'{shard:05d}'

    def missing(self) -> list[int]:
        """Return the shards that are not on disk."""
        return [shard for shard in range(self.shards) if not self.shard_folder(shard).is_dir()]


def check_identity(frames: WorldFrames, random_frame: RandomFrame) -> None:
    """
    Write what the frames of the folder are, or check that they are what is wanted.

    :raises DatasetError: The folder holds frames of other seeds, sizes or another world.
    """
    probe = random_frame(frames.first_seed, 64, 32)
    wanted = {
        'first_seed': frames.first_seed,
        'shard_frames': frames.shard_frames,
        'sizes': [list(size) for size in frames.sizes],
        'probe': hashlib.sha256(probe.image.tobytes() + probe.labels.tobytes()).hexdigest(),
    }
    if frames.variety != 'plain':
        wanted['variety'] = frames.variety
    path = Path(frames.folder) / _IDENTITY
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may begin at once; each writes the same.
        temporary = path.with_suffix(f'.{os.getpid()}')
        temporary.write_text(json.dumps(wanted, indent=2), encoding='utf-8')
        os.replace(temporary, path)
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise DatasetError(f'expected JSON in {path}: {error}') from error
    for key, value in wanted.items():
        if found.get(key) != value:
            raise DatasetError(
                f'{path.parent} holds frames of another {key} ({found.get(key)} instead of '
                f'{value}): remove the folder or choose another one as cache'
            )


def render_shard(frames: WorldFrames, shard: int, random_frame: RandomFrame) -> None:
    """Render a shard, unless it is there."""
    target = frames.shard_folder(shard)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix='.shard-', dir=target.parent))
    try:
        for name, array in _render(frames, shard, random_frame).items():
            np.save(temporary / f'{name}.npy', array)
        try:
            os.replace(temporary, target)
        except OSError:
            # Another process was faster; its frames are the same.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _render(
    frames: WorldFrames, shard: int, random_frame: RandomFrame
) -> dict[str, npt.NDArray[Any]]:
    count, first = frames.shard_frames, shard * frames.shard_frames
    height, width = frames.size(first)
    images = np.empty((count, height, width, 3), np.uint8)
    labels = np.empty((count, height, width), np.uint8)
    depths = np.empty((count, height, width), np.float16)
    focals = np.empty(count, np.float32)
    for row in range(count):
        frame = random_frame(frames.first_seed + first + row, width, height)
        images[row], labels[row], depths[row] = frame.image, frame.labels, frame.depth
        focals[row] = frame.intrinsics.fx
    return dict(zip(_ARRAYS, (images, labels, depths, focals), strict=True))


@dataclass(frozen=True)
class Shard:
    """The mapped files of a shard."""

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    focal: npt.NDArray[np.float32]

    def sample(self, row: int, name: str) -> Sample:
        """Return a frame; image and labels are read-only views of the files."""
        image, labels = np.asarray(self.image[row]), np.asarray(self.labels[row])
        return as_cached(image, labels, self.depth[row], float(self.focal[row]), name)


def open_shard(folder: Path) -> Shard:
    """
    Map the files of a shard.

    :raises DatasetError: One is missing or damaged.
    """
    try:
        return Shard(*(np.load(folder / f'{name}.npy', mmap_mode='r') for name in _ARRAYS))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f'expected image, labels, depth and focal in {folder}: {error}; remove the folder'
        ) from error


def as_cached(
    image: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    depth: npt.NDArray[Any],
    focal_px: float,
    name: str,
) -> Sample:
    """
    Return a frame as it comes out of a shard, whether it has been there or not.

    :param depth: (H, W) metres, rounded to half precision.
    """
    height, width = labels.shape
    focal = float(np.float32(focal_px))
    middle = 0.5 * (width - 1), 0.5 * (height - 1)
    intrinsics = Intrinsics(focal, focal, *middle, width, height)
    half = depth.astype(np.float16)
    return Sample(image, labels, half.astype(np.float32), intrinsics, name)
