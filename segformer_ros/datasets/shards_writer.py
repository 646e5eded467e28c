# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Any dataset written as shards, which can be interrupted and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
import io
import json
import os
from pathlib import Path
import tarfile
from typing import Any, Literal

import cv2
import numpy as np
from segformer_ros import run_folder
from segformer_ros.datasets.sample import Dataset, DatasetError
from segformer_ros.datasets.shards_format import (
    encode,
    label_set_facts,
    png,
    shard_entry,
    ShardEntry,
    ShardIndex,
)
from segformer_ros.image_encoding import encode_photo


@dataclass(frozen=True)
class ShardSettings:
    """
    How shards are written.

    :param shard_bytes: A shard is closed when it has so many.
    :param image: 'keep' takes over the bytes of the dataset's own images where they can be had
        and is png elsewhere; jpg loses a little.
    :param quality: Of jpg, 1 to 100.
    """

    shard_bytes: int = 1_000_000_000
    image: Literal['keep', 'png', 'jpg'] = 'keep'
    quality: int = 95

    def __post_init__(self) -> None:
        if self.shard_bytes < 1:
            raise ValueError(f'shard_bytes must be at least 1, not {self.shard_bytes}')
        if not 1 <= self.quality <= 100:
            raise ValueError(f'quality must be 1 to 100, not {self.quality}')


def write_shards(
    dataset: Dataset,
    out: Path,
    split: str,
    settings: ShardSettings,
    *,
    threads: int = 4,
    progress: Callable[[int], object] = lambda done: None,
) -> ShardIndex:
    """
    Write a dataset, or continue where an interrupted run of the same settings stopped.

    :param split: Name of the index and of the shards.
    :param progress: Is told how many samples have been written more.
    :raises DatasetError: There is an index, an unfinished one of other settings, or a sample that
        cannot be read.
    """
    if (out / f'{split}.json').exists():
        raise DatasetError(f'{out / split}.json is there already: choose another folder')
    unfinished = out / f'.{split}.part.json'
    facts = _facts(dataset, settings)
    shards = _finished(unfinished, facts)
    start = sum(shard.samples for shard in shards)
    progress(start)
    samples = _encoded(dataset, start, settings, threads)
    while start < len(dataset):
        url = f'{split}-{len(shards):06d}.tar'
        shard = _write_shard(out / url, samples, start, settings.shard_bytes, progress)
        start += shard.samples
        shards.append(shard)
        content = {'facts': facts, 'shardlist': [item.as_dict() for item in shards]}
        run_folder.write_json(unfinished, content)
    index = ShardIndex(split, dataset.label_set, tuple(shards))
    run_folder.write_json(out / f'{split}.json', index.as_dict())
    unfinished.unlink(missing_ok=True)
    return index


def _facts(dataset: Dataset, settings: ShardSettings) -> dict[str, Any]:
    """Return what must be the same when a run is gone on with."""
    if not len(dataset):
        raise DatasetError('expected samples to write, found none')
    return {
        **asdict(settings),
        'samples': len(dataset),
        'first': dataset.name(0),
        'last': dataset.name(len(dataset) - 1),
        'label_set': label_set_facts(dataset.label_set),
    }


def _finished(path: Path, facts: Mapping[str, Any]) -> list[ShardEntry]:
    """Return the shards of an earlier run."""
    if not path.is_file():
        return []
    try:
        found = json.loads(path.read_bytes())
        shards = [shard_entry(item) for item in found['shardlist']]
        earlier = dict(found['facts'])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'{path} is damaged ({error}): delete it and the shards') from error
    for name, value in facts.items():
        if earlier.get(name) != value:
            raise DatasetError(
                f'{path.parent} has shards of another run ({name} was {earlier.get(name)!r}, now '
                f'{value!r}): choose another folder or delete them and {path.name}'
            )
    return shards


def _encoded(
    dataset: Dataset, start: int, settings: ShardSettings, threads: int
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield name and files of the samples in order; threads work a little ahead."""

    def work(index: int) -> tuple[str, dict[str, bytes]]:
        sample = dataset[index]
        own = getattr(dataset, 'encoded_image', None)
        if settings.image == 'keep' and own is not None:
            image = own(index)
        elif settings.image == 'jpg':
            image = encode_photo(sample.image, settings.quality)
        else:
            image = 'png', png(np.asarray(cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR)))
        return sample.name, encode(sample, image)

    window = 4 * threads
    with ThreadPoolExecutor(threads) as pool:
        for first in range(start, len(dataset), window):
            yield from pool.map(work, range(first, min(first + window, len(dataset))))


def _write_shard(
    path: Path,
    samples: Iterator[tuple[str, dict[str, bytes]]],
    start: int,
    shard_bytes: int,
    progress: Callable[[int], object],
) -> ShardEntry:
    """Write one shard whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, written = run_folder.temporary_name(path), 0
    names: list[str] = []
    try:
        with tarfile.open(temporary, 'w', format=tarfile.USTAR_FORMAT) as archive:
            for name, files in samples:
                key = f'{start + len(names):09d}'
                for part, content in files.items():
                    item = tarfile.TarInfo(f'{key}.{part}')
                    item.size = len(content)
                    archive.addfile(item, io.BytesIO(content))
                    written += len(content)
                names.append(name)
                progress(1)
                if written >= shard_bytes:
                    break
        size = temporary.stat().st_size
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return ShardEntry(path.name, len(names), size, tuple(names))
