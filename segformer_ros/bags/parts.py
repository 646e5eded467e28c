# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A recording of several files.

Each is written as a bag of its own, PLACE/NAME; those that are full lie next to it as
PLACE/NAME_0.mcap with their metadata in PLACE/NAME_0.yaml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
import re
from typing import Any

from segformer_ros import run_folder
from segformer_ros.workplace import link_or_copy
import yaml

_METADATA = 'metadata.yaml'
_INFO = 'rosbag2_bagfile_information'


def _numbers(place: Path, name: str) -> list[int]:
    """Return the numbers of the files that are full."""
    found = (re.fullmatch(rf'{re.escape(name)}_(\d+)\.yaml', item.name) for item in _list(place))
    return sorted(int(item[1]) for item in found if item)


def _list(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def put_by(place: Path, name: str) -> None:
    """Put the present file next to those that are full."""
    number, folder = len(_numbers(place, name)), place / name
    for item in _list(folder):
        if item.name == _METADATA:
            item.rename(place / f'{name}_{number}.yaml')
        else:
            # What belongs to a database has its name and one more word: bag.db3-journal.
            item.rename(place / f'{name}_{number}{item.name[len(name) :]}')
    folder.rmdir()


def combine(place: Path, name: str) -> None:
    """Make one bag of all files, in PLACE/NAME."""
    if not _numbers(place, name):
        return
    put_by(place, name)
    (place / name).mkdir()
    _join(place, name, place / name)


def join(bags: Sequence[Path], folder: Path) -> None:
    """
    Make one bag of several, in the order of time; they stay as they are.

    :param bags: Each of one file.
    :param folder: The bag to make; where the file system has hard links it costs no space.
    :raises OSError: A file cannot be linked nor copied.
    """
    folder.mkdir()
    parts = []
    for number, bag in enumerate(bags):
        text = (bag / _METADATA).read_text(encoding='utf-8')
        parts.append(yaml.safe_load(text)[_INFO])
        old = parts[-1]['relative_file_paths'][0]
        new = f'{folder.name}_{number}{Path(old).suffix}'
        parts[-1]['files'][0]['path'] = new
        link_or_copy(bag / old, folder / new)
    _write_metadata(folder, parts)


def gather(place: Path, name: str) -> None:
    """Make a bag of PLACE itself, whatever a writer that was killed has left in it."""
    if not _numbers(place, name):
        for item in _list(place / name):
            item.rename(place / item.name)
        if (place / name).is_dir():
            (place / name).rmdir()
        return
    whole = (place / name / _METADATA).is_file()
    if _list(place / name):
        put_by(place, name)
    if whole or not (place / name).exists():
        _join(place, name, place)


def _join(place: Path, name: str, folder: Path) -> None:
    """Put the files into a folder with the metadata of all of them, as far as each has its own."""
    parts = []
    for number in _numbers(place, name):
        path = place / f'{name}_{number}.yaml'
        parts.append(yaml.safe_load(path.read_text(encoding='utf-8'))[_INFO])
        old = parts[-1]['relative_file_paths'][0]
        new = f'{name}_{number}{old[len(name) :]}'
        parts[-1]['files'][0]['path'] = new
        if folder != place:
            (place / new).rename(folder / new)
    _write_metadata(folder, parts)
    for number in _numbers(place, name):
        (place / f'{name}_{number}.yaml').unlink()


def _write_metadata(folder: Path, parts: list[dict[str, Any]]) -> None:
    text = yaml.safe_dump({_INFO: _sum(parts)}, sort_keys=False)
    run_folder.write_bytes(folder / _METADATA, text.encode())


def _sum(parts: list[dict[str, Any]]) -> dict[str, Any]:
    files = [part['files'][0] for part in parts]
    filled = [item for item in files if item['message_count']] or files[:1]
    starts = [item['starting_time']['nanoseconds_since_epoch'] for item in filled]
    ends = [
        start + item['duration']['nanoseconds'] for start, item in zip(starts, filled, strict=True)
    ]
    counts = Counter[tuple[str, str]]()
    topics: dict[tuple[str, str], dict[str, Any]] = {}
    for part in parts:
        for item in part['topics_with_message_count']:
            topics.setdefault(_key(item), item)
            counts[_key(item)] += item['message_count']
    return {
        **parts[-1],
        'relative_file_paths': [item['path'] for item in files],
        'duration': {'nanoseconds': max(ends) - min(starts)},
        'starting_time': {'nanoseconds_since_epoch': min(starts)},
        'message_count': sum(item['message_count'] for item in files),
        'topics_with_message_count': [
            {**item, 'message_count': counts[key]} for key, item in topics.items()
        ],
        'files': files,
    }


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item['topic_metadata']['name'], item['topic_metadata']['type']
