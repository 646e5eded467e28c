# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The tree of SHIFT, as its download script and its tools leave it.

    ROOT/discrete/{images,videos}/SPLIT/VIEW/GROUP/SEQUENCE/FRAME_GROUP_VIEW.png
    ROOT/continuous/{images,videos}/{1x,10x,100x}/SPLIT/VIEW/GROUP/...

GROUP is a folder, or GROUP.zip, GROUP.tar or GROUP.hdf5 with SEQUENCE/FRAME_GROUP_VIEW.png in it.
The colour images of `videos` are video files; the tool of SHIFT turns them into img_decompressed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
import re

from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import open_storage, Storage

VIEWS = ('front', 'left_45', 'left_90', 'right_45', 'right_90', 'left_stereo')
SPLITS = ('train', 'val', 'minival', 'test', 'minitest')
SHIFTS = ('discrete', 'continuous/1x', 'continuous/10x', 'continuous/100x')
FRAMERATES = ('images', 'videos')
BACKENDS = {'folder': '', 'hdf5': '.hdf5', 'zip': '.zip', 'tar': '.tar'}
"""The suffix of each; several of one group are looked for in this order."""

FrameKey = tuple[str, int]
"""Sequence and number of a frame: equal in every group."""

_FILE = re.compile(r'(?:.*/)?(?P<sequence>[^/]+)/(?P<number>\d+)(?:_[^/]*)?\.(?:jpg|png)')


@dataclass(frozen=True)
class Part:
    """The part of SHIFT that is read."""

    root: Path
    split: str
    shift: str = 'discrete'
    framerate: str = 'images'
    backend: str = 'auto'

    def folders(self, view: str) -> tuple[Path, ...]:
        """Return where a view can be; the first is where the download script puts it."""
        kind, _, length = self.shift.partition('/')
        within = Path(self.split) / view
        if not length:
            return (self.root / kind / self.framerate / within,)
        # The reader of SHIFT itself looks in the second place.
        return (
            self.root / kind / self.framerate / length / within,
            self.root / kind / length / self.framerate / within,
        )


@dataclass(frozen=True)
class Group:
    """One group of files of one view: where they lie, and the name of each frame's file."""

    storage: Storage
    names: dict[FrameKey, str]


def open_group(part: Part, view: str, group: str) -> Group:
    """
    Find and index a group.

    :param group: img, semseg, depth or depth_8bit.
    :raises DatasetError: It is not there; the sentence has the tree that was expected.
    """
    for path in _candidates(part, view, group):
        storage = open_storage(path)
        names = storage.names()
        found = _frames(names)
        if found:
            return Group(storage, found)
        if any(name.endswith('.mp4') for name in names):
            raise DatasetError(
                f'expected pictures in {path}, found videos: run `python -m '
                f'shift_dev.io.decompress_videos {path} -m zip` of the tools of SHIFT'
            )
    raise DatasetError(_expected(part, view, group))


def _candidates(part: Part, view: str, group: str) -> Iterable[Path]:
    suffixes = BACKENDS.values() if part.backend == 'auto' else (BACKENDS[part.backend],)
    for folder in part.folders(view):
        for stem in (f'{group}_decompressed', group):
            for suffix in suffixes:
                path = folder / f'{stem}{suffix}'
                if path.is_file() if suffix else path.is_dir():
                    yield path


def _frames(names: Iterable[str]) -> dict[FrameKey, str]:
    found = {}
    for name in names:
        match = _FILE.fullmatch(name)
        if match is not None:
            found[match['sequence'], int(match['number'])] = name
    return found


def _expected(part: Part, view: str, group: str) -> str:
    place = part.folders(view)[0] / group
    suffix = 'jpg' if group == 'img' else 'png'
    if part.backend == 'auto':
        archives = f'a folder, or {group}.zip, {group}.tar or {group}.hdf5 next to it'
    else:
        archives = f'as {part.backend}'
    return (
        f'expected the group {group} of SHIFT in {place} ({archives}) with files such as '
        f'SEQUENCE/00000000_{group}_{view}.{suffix}, found none: download the group, or choose '
        'another split, view, shift, framerate or backend'
    )
