# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results of a shard: made under a name of their own, whole or absent, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
import errno
import json
import os
from pathlib import Path
import shutil
from typing import Any
from uuid import uuid4

import numpy as np
from segformer_ros import run_folder
from segformer_ros.bags import parts as bag_parts
from segformer_ros.file_tree import files_below
from segformer_ros.files.frames_table import FRAMES_TABLE
from segformer_ros.workplace import link_or_copy

PARTS, RESULTS = 'parts', 'results'
FACTS, PICTURE, BAG = 'report.json', 'picture.jpg', 'bag'
RECORDS, DESCRIPTORS = 'frames.jsonl', 'descriptors.npy'
"""Of samples: a line for each, and a row of numbers."""
_FAILED_KEPT = 1000


def part_name(sha256: str, number: int, span: tuple[int | None, int | None]) -> str:
    """
    Name the part of a shard by the content of its input and by what of it.

    :param span: As of Shard: an input that is cut again has shards of the same number.
    """
    first, last = ('' if end is None else end for end in span)
    return f'{sha256[:24]}-{number:05d}-{first}-{last}'


def sweep(folder: Path) -> None:
    """Remove what killed workers have left: it is made again."""
    for place in (folder / PARTS, folder / RESULTS):
        place.mkdir(parents=True, exist_ok=True)
        for item in place.iterdir():
            if item.name.startswith('.'):
                shutil.rmtree(item, ignore_errors=True)


def make(place: Path, fill: Callable[[Path], object]) -> bool:
    """
    Make a folder that is whole or absent, however many processes make it.

    :param fill: Called with an empty folder on the same disk.
    :returns: Whether it is this one; False: another process was first.
    :raises OSError: It cannot be written.
    """
    temporary = place.with_name(f'.{place.name}.{uuid4().hex}')
    temporary.mkdir(parents=True)
    try:
        fill(temporary)
        _flush(temporary)
        return _rename(temporary, place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rename(made: Path, place: Path) -> bool:
    try:
        os.rename(made, place)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST} and place.is_dir():
            return False
        raise
    return True


def _flush(folder: Path) -> None:
    """Let the files survive a machine that loses its power."""
    for name in files_below(folder):
        handle = os.open(folder / name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_facts(place: Path) -> dict[str, Any] | None:
    """Read the report of a part or of a result; None where it is not there, or damaged."""
    with suppress(OSError, ValueError):
        found = json.loads((place / FACTS).read_bytes())
        if isinstance(found, dict):
            return found
    return None


def frames_read(report: Mapping[str, Any]) -> int:
    """Return how many frames of a part were read, or should have been; also those not taken."""
    return int(report['frames']['total'] + report.get('frames_left_out', 0))


def assemble(parts: list[Path], place: Path, facts: dict[str, Any]) -> bool:
    """
    Make the results of an input of its parts: one is renamed, several stay as they are.

    :param facts: What else stands in the report.
    :returns: As make.
    :raises OSError: It cannot be written, or a part is not there.
    """
    reports = [json.loads((part / FACTS).read_bytes()) for part in parts]
    report = facts | sum_facts(reports)
    if len(parts) == 1:
        run_folder.write_json(parts[0] / FACTS, report)
        return _rename(parts[0], place)

    def fill(folder: Path) -> None:
        _link_files(parts, folder)
        bags = [part / BAG for part in parts if (part / BAG).is_dir()]
        if bags:
            bag_parts.join(bags, folder / BAG)
        if (parts[0] / FRAMES_TABLE).is_file():
            _join_tables(parts, folder)
        if (parts[0] / RECORDS).is_file():
            _join_samples(parts, folder)
        run_folder.write_json(folder / FACTS, report)

    return make(place, fill)


def _link_files(parts: Iterable[Path], folder: Path) -> None:
    """Link every file but those that are one for all parts; of pictures the first."""
    for part in parts:
        for name in files_below(part):
            if name in {FACTS, FRAMES_TABLE, RECORDS, DESCRIPTORS} or name.startswith(f'{BAG}/'):
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name != PICTURE or not target.exists():
                link_or_copy(part / name, target)


def _join_tables(parts: Iterable[Path], folder: Path) -> None:
    text = ''
    for part in parts:
        rows = (part / FRAMES_TABLE).read_text(encoding='utf-8')
        text += rows.partition('\n')[2] if text else rows
    run_folder.write_bytes(folder / FRAMES_TABLE, text.encode())


def _join_samples(parts: Iterable[Path], folder: Path) -> None:
    lines = b''.join((part / RECORDS).read_bytes() for part in parts)
    run_folder.write_bytes(folder / RECORDS, lines)
    rows = [np.load(part / DESCRIPTORS, allow_pickle=False) for part in parts]
    filled = [item for item in rows if item.size] or rows[:1]
    np.save(folder / DESCRIPTORS, np.concatenate(filled), allow_pickle=False)


def sum_facts(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Add up the reports of several parts."""
    frames, pixels, seconds = Counter[str](), Counter[str](), Counter[str]()
    failed: list[Any] = []
    warnings: dict[str, None] = {}
    intrinsics: dict[str, Counter[str]] = {}
    for report in reports:
        frames.update(report['frames'])
        pixels.update(report.get('pixels', {}))
        seconds.update(report['seconds'])
        failed += report['failed'][: _FAILED_KEPT - len(failed)]
        warnings |= dict.fromkeys(report.get('warnings', ()))
        for topic, found in report.get('intrinsics', {}).items():
            intrinsics.setdefault(topic, Counter()).update(found)
    return {
        'frames': dict(frames),
        'seconds': {name: round(value, 3) for name, value in seconds.items()},
        'pixels': dict(pixels),
        **({'warnings': list(warnings)} if warnings else {}),
        **({'intrinsics': {name: dict(item) for name, item in intrinsics.items()}}
           if intrinsics else {}),
        'failed': failed,
    }  # fmt: skip
