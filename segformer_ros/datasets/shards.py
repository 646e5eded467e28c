# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Shards of `segformer shards`, read in any order.

Those in a folder are read where they lie. Those elsewhere are fetched whole when one of their
samples is asked for; `windowed_order` is a shuffle that asks for few of them at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
import re
import threading
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.cache_folder import package_cache
from segformer_ros.datasets.sample import Dataset, DatasetError, Sample
from segformer_ros.datasets.shards_fetch import Cache, is_url, join, open_url
from segformer_ros.datasets.shards_format import decode, read_index, ShardIndex
from segformer_ros.datasets.storage import open_storage, Storage
from segformer_ros.datasets.storage_images import check_sizes
from segformer_ros.labels import LabelSet

__all__ = ['OPTIONS', 'SPLITS', 'ShardsDataset', 'open_dataset', 'recognises', 'windowed_order']

SPLITS = ('train', 'val', 'test', 'minival', 'minitest', 'selection', 'all')
OPTIONS: dict[str, str] = {
    'url': 'URL of the folder with the index, e.g. https://host/data, if it is not ROOT',
    'cache': "folder for downloaded shards (shards in the package's cache folder)",
    'keep_gb': 'gigabytes of downloaded shards to keep; the least recently used are deleted first '
    '(0: keep all)',
    'pipes': 'true allows pipe:COMMAND in an index to run its command (false)',
}

_OPEN_SHARDS = 32
_SHARD = re.compile(r'.+-\d{6}\.tar')


def recognises(root: Path) -> bool:
    """Return whether a folder has an index of a split and a shard."""
    indexes = any((root / f'{split}.json').is_file() for split in SPLITS)
    return indexes and any(_SHARD.fullmatch(path.name) for path in root.glob('*.tar'))


def open_dataset(
    root: Path,
    split: str,
    *,
    url: str = '',
    cache: str = '',
    keep_gb: float = 0.0,
    pipes: bool = False,
) -> Dataset:
    """
    Read the index of a split.

    :raises DatasetError: There is none, or it is not one of `segformer shards`.
    """
    place = url or str(root)
    where = join(place, f'{split}.json')
    if url:
        with open_url(where, pipes=pipes) as stream:
            content = stream.read()
    else:
        try:
            content = Path(where).read_bytes()
        except OSError as error:
            raise DatasetError(
                f'expected the index {where} with {split}-000000.tar and so on next to it: '
                f'{error.strerror}; write them with `segformer shards DATA {root}`'
            ) from error
    folder = Path(cache).expanduser() if cache else package_cache() / 'shards'
    fetched = Cache(folder, keep_bytes=round(keep_gb * 1e9), pipes=pipes)
    return ShardsDataset(read_index(content, where), place, fetched)


class _OpenShard(NamedTuple):
    storage: Storage
    keys: tuple[str, ...]
    parts: dict[str, dict[str, str]]


class ShardsDataset:
    """The samples of some shards; so many shards are open at a time."""

    def __init__(self, index: ShardIndex, place: str, cache: Cache) -> None:
        """
        Take the shards of an index.

        :param place: Path or URL of the folder that its URLs are relative to.
        :param cache: Where those that are not on this machine are kept.
        """
        self._index, self._place, self._cache = index, place, cache
        self._ends = list(accumulate(shard.samples for shard in index.shards))
        self._open: OrderedDict[int, _OpenShard] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def label_set(self) -> LabelSet | None:
        """Return the classes that the written dataset had."""
        return self._index.label_set

    @property
    def groups(self) -> tuple[range, ...]:
        """Return the samples of each shard: those that are cheap to read one after the other."""
        starts = [0, *self._ends]
        return tuple(range(*pair) for pair in zip(starts, self._ends, strict=False))

    def __len__(self) -> int:
        return self._ends[-1]

    def name(self, index: int) -> str:
        """Return the name that the sample had in the dataset that was written."""
        shard, row = self._find(index)
        return self._index.shards[shard].names[row]

    def __getitem__(self, index: int) -> Sample:
        """
        Read a sample, and fetch its shard where that is not on this machine.

        :raises DatasetError: The shard cannot be had or is damaged.
        """
        number, row = self._find(index)
        shard = self._shard(number)
        key = shard.keys[row]
        return check_sizes(decode(shard.storage, key, shard.parts[key]), self.label_set)

    def _find(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f'expected a number below {len(self)}, got {index}')
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard] - self._index.shards[shard].samples)

    def _shard(self, number: int) -> _OpenShard:
        with self._lock:
            found = self._open.get(number)
            if found is not None:
                self._open.move_to_end(number)
                return found
        # Not under the lock: others shall not wait for a download.
        opened = self._open_shard(number)
        with self._lock:
            self._open[number] = opened
            if len(self._open) > _OPEN_SHARDS:
                self._open.popitem(last=False)
        return opened

    def _open_shard(self, number: int) -> _OpenShard:
        entry = self._index.shards[number]
        where = join(self._place, entry.url)
        path = self._cache.fetch(where, entry.file_bytes) if is_url(where) else Path(where)
        storage = open_storage(path)
        parts: dict[str, dict[str, str]] = {}
        for name in storage.names():
            key, _, part = name.partition('.')
            parts.setdefault(key, {})[part] = name
        if len(parts) != entry.samples:
            raise DatasetError(
                f'expected {entry.samples} samples in {where}, found {len(parts)}: write or fetch '
                'the shards again'
            )
        return _OpenShard(storage, tuple(sorted(parts)), parts)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ('_index', '_place', '_cache')}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state['_index'], state['_place'], state['_cache'])  # type: ignore[misc]


def windowed_order(
    groups: Sequence[range], rng: np.random.Generator, *, window: int = 8
) -> npt.NDArray[np.int64]:
    """
    Shuffle samples so that only some shards are in use at any time.

    :param groups: The samples of each shard.
    :param window: Shards whose samples are mixed; more mix better and need more room.
    :returns: Every sample once.
    """
    order = rng.permutation(len(groups))
    parts = []
    for first in range(0, len(order), window):
        chosen = [np.asarray(groups[number]) for number in order[first : first + window]]
        parts.append(rng.permutation(np.concatenate(chosen)))
    return np.concatenate(parts).astype(np.int64)
