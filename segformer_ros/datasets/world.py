# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The built-in world as a dataset: every frame from a seed, rendered when it is asked for.

With a folder to keep them in, frames are rendered once; one that is not there yet is rendered on
the spot and is the same. `prepare` renders them ahead, in processes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from segformer_ros.datasets.sample import Dataset, DatasetError, Sample
from segformer_ros.datasets.world_frames import (
    as_cached,
    check_identity,
    open_shard,
    RandomFrame,
    Shard,
    WorldFrames,
)
from segformer_ros.datasets.world_rendering import Rendering, wait_for_frames
from segformer_ros.labels import CARLA_0914, LabelSet

__all__ = ['OPTIONS', 'SPLITS', 'WorldDataset', 'open_dataset', 'recognises']

SEEDS: dict[str, tuple[int, int]] = {
    'train': (100_000, 8000),
    'val': (0, 128),
    'test': (1000, 200),
}
"""First seed and number of frames of each split, where nothing else is asked for."""

SPLITS: tuple[str, ...] = tuple(SEEDS)
OPTIONS: dict[str, str] = {
    'first_seed': 'seed of the first frame; frame i has seed first_seed + i '
    f'({", ".join(f"{name}: {seed}" for name, (seed, _) in SEEDS.items())})',
    'frames': f'number of frames ({", ".join(f"{name}: {n}" for name, (_, n) in SEEDS.items())})',
    'size': 'HxW, e.g. 256x512, or a list of sizes, which the shards take in turn (256x512)',
    'variety': 'plain, like the demo, or roads: more diverse and closer to real roads (plain)',
    'cache': 'folder in which rendered frames are kept; if empty, frames are rendered whenever '
    'they are read (ROOT)',
    'shard_frames': 'frames per folder of the cache (100)',
    'processes': 'number of processes that render ahead (2)',
    'min_frames': 'number of frames on disk before training starts (a quarter)',
}


def recognises(root: Path) -> bool:
    """Return whether a folder is a cache of frames."""
    return (root / 'frames.json').is_file()


def open_dataset(
    root: Path,
    split: str,
    *,
    first_seed: int | None = None,
    frames: int | None = None,
    size: str | Sequence[Any] = '256x512',
    variety: str = 'plain',
    cache: str = '',
    shard_frames: int = 100,
    processes: int = 2,
    min_frames: int | None = None,
) -> Dataset:
    """
    List the frames; none is rendered yet.

    :param root: The cache, unless that is given; empty for none.
    :raises DatasetError: An option is no such number, size or variety, or the cache holds other
        frames.
    """
    # The world brings the compiler, which other datasets do without.
    from segformer_ros.world import random_frame, VARIETIES

    if variety not in VARIETIES:
        raise DatasetError(f'variety must be one of {", ".join(VARIETIES)}, not {variety!r}')

    seed, count = SEEDS[split]
    numbers = {
        'first_seed': seed if first_seed is None else first_seed,
        'frames': count if frames is None else frames,
        'shard_frames': shard_frames,
        'processes': processes,
    }
    for name, number in numbers.items():
        least = 0 if name == 'first_seed' else 1
        if not isinstance(number, int) or number < least:
            raise DatasetError(f'{name} must be {least} or more, not {number!r}')
    place = Path(cache).expanduser() if cache else root
    folder = '' if place == Path() else str(place)
    wanted = WorldFrames(sizes=_sizes(size), folder=folder, variety=variety, **numbers)
    least_frames = -(-wanted.frames // 4) if min_frames is None else min_frames
    drawn = partial(random_frame, variety=variety)
    return WorldDataset(wanted, drawn, min_frames=least_frames)


def _sizes(value: str | Sequence[Any]) -> tuple[tuple[int, int], ...]:
    """Read 256x512, [256x512, 320x512] or [[256, 512], [320, 512]]."""
    items: Sequence[Any] = [value] if isinstance(value, str) else value
    sizes = []
    for item in items:
        sides = item.split('x') if isinstance(item, str) else item
        try:
            height, width = (int(side) for side in sides)
        except (TypeError, ValueError) as error:
            raise DatasetError(f'expected a size such as 256x512, got {item!r}') from error
        if min(height, width) < 16:
            raise DatasetError(f'expected a size of at least 16x16 pixels, got {item!r}')
        sizes.append((height, width))
    if not sizes:
        raise DatasetError('expected a size such as 256x512, got none')
    return tuple(sizes)


class WorldDataset:
    """
    Frames of the world; frame i is that of seed first_seed + i.

    Depth from a cache is of half precision, also where the frame is not yet in it: what a sample
    holds does not depend on who was faster.
    """

    def __init__(
        self, frames: WorldFrames, random_frame: RandomFrame, *, min_frames: int = 0
    ) -> None:
        """
        Take the frames that are in the cache, if there is one.

        :param random_frame: Of the world; a function of a module, so that it can be pickled.
        :param min_frames: What prepare waits for.
        :raises DatasetError: The cache holds other frames.
        """
        self.frames = frames
        self.min_frames = min(min_frames, frames.frames)
        self._random_frame = random_frame
        self._shards: dict[int, Shard] = {}
        if frames.folder:
            check_identity(frames, random_frame)

    @property
    def label_set(self) -> LabelSet | None:
        """Return the tags of CARLA 0.9.14, of which the world has those in class_ids."""
        return CARLA_0914

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Return the ids that occur in the world."""
        from segformer_ros.world import CLASS_IDS

        return CLASS_IDS

    def __len__(self) -> int:
        return self.frames.frames

    def name(self, index: int) -> str:
        """Name a frame by its seed."""
        if not 0 <= index < len(self):
            raise IndexError(f'expected a number below {len(self)}, got {index}')
        return f'seed/{self.frames.first_seed + index:07d}'

    def __getitem__(self, index: int) -> Sample:
        """Read a frame, or render it where it is not on disk."""
        name = self.name(index)
        shard, row = divmod(index, self.frames.shard_frames)
        found = self._shard(shard)
        if found is not None:
            return found.sample(row, name)
        height, width = self.frames.size(index)
        frame = self._random_frame(self.frames.first_seed + index, width, height)
        if self.frames.folder:
            return as_cached(frame.image, frame.labels, frame.depth, frame.intrinsics.fx, name)
        return Sample(frame.image, frame.labels, frame.depth, frame.intrinsics, name)

    def ready(self) -> range | list[int]:
        """
        Return the samples that cost no rendering, as of now.

        :returns: Their numbers; all where nothing is kept, for then none is better than another.
        """
        if not self.frames.folder:
            return range(len(self))
        missing = set(self.frames.missing())
        if not missing:
            return range(len(self))
        step = self.frames.shard_frames
        return [index for index in range(len(self)) if index // step not in missing]

    def prepare(self, report: Callable[[str], None], *, whole: bool = False) -> Rendering:
        """
        Render what is not in the cache, in other processes, and wait for min_frames of it.

        :param report: Takes one line of text.
        :param whole: Wait for all frames.
        :returns: The processes, which end with this one; nothing to do where there is no cache.
        :raises RuntimeError: A process has died.
        """
        rendering = Rendering(self.frames)
        if self.frames.folder:
            rendering.start()
            wanted = len(self) if whole else self.min_frames
            wait_for_frames(self.ready, rendering, wanted, report)
        return rendering

    def _shard(self, number: int) -> Shard | None:
        if not self.frames.folder:
            return None
        found = self._shards.get(number)
        if found is None and (folder := self.frames.shard_folder(number)).is_dir():
            # Threads that come at once map it twice, which is harmless.
            found = self._shards[number] = open_shard(folder)
        return found

    def __getstate__(self) -> dict[str, Any]:
        # A pickled memory map would be the frames themselves.
        return {**vars(self), '_shards': {}}
