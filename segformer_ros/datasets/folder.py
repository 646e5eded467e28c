# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A plain folder: images/, labels/, depth/ and classes.yaml, the form for data of one's own.

Files belong together by their name below the three folders, whatever their suffix.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import classes_file
from segformer_ros.datasets.classes_file import FolderFacts, TREE
from segformer_ros.datasets.file_dataset import (
    Depth,
    FileDataset,
    Labels,
    read_list,
    require,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_colors, read_ids, read_plain
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.datasets.storage_images import read_codes
from segformer_ros.file_tree import files_below
from segformer_ros.files.images import looks_like_image, SUFFIXES

SPLITS: tuple[str, ...] = ('train', 'val', 'test', 'all')
OPTIONS: dict[str, str] = {
    'confidence': 'folder of images that say how far each label is trusted, 0 to 255 (none)',
    'soft_labels': 'folder of images of several classes with their probabilities (none)',
}
_SUFFIXES = {
    'images': (*SUFFIXES,),
    'labels': ('.png', '.bmp', '.pgm', '.tif', '.tiff'),
    'depth': ('.png', '.npy', '.tif', '.tiff'),
}
# Of images of one number a pixel, in whatever folder.
_PLAIN = _SUFFIXES['labels']


def recognises(root: Path) -> bool:
    """Recognise classes.yaml."""
    return (root / classes_file.NAME).is_file() and (root / 'images').is_dir()


def open_dataset(
    root: Path, split: str, *, confidence: str = '', soft_labels: str = ''
) -> FileDataset:
    """
    Open a split; 'all' is every image.

    :param confidence: Folder of the confidence of the labels, next to images/; empty: none.
    :param soft_labels: Folder of images as soft_labels.stacked makes them; empty: none.
    :raises DatasetError: Files are missing, or classes.yaml has no sense.
    """
    facts = classes_file.read(root / classes_file.NAME)
    paths = _by_name(root, 'images')
    names = require(paths, 'folder', root, TREE)
    labels, depths = _by_name(root, 'labels'), _by_name(root, 'depth')
    if labels and facts.label_set is None:
        raise DatasetError(f'expected classes or label_set in {root / classes_file.NAME}')
    if any(name.lower().endswith('.png') for name in depths.values()) and not facts.depth_scale:
        raise DatasetError(f'expected depth.scale in {root / classes_file.NAME}')
    trusted = _of_labels(root, 'confidence', confidence, labels)
    soft = _of_labels(root, 'soft_labels', soft_labels, labels)
    chosen = _in_split(root, names, facts, split)
    files = tuple(
        SampleFiles(
            name,
            paths[name],
            _partner(root, name, 'labels', labels),
            _partner(root, name, 'depth', depths),
            confidence=_partner(root, name, confidence, trusted),
            soft_labels=_partner(root, name, soft_labels, soft),
        )
        for name in chosen
    )
    return FileDataset(
        root,
        facts.label_set if labels else None,
        files,
        read_labels=_read_labels(facts),
        read_depth=functools.partial(_depth, facts=facts),
        read_intrinsics=functools.partial(_intrinsics, facts=facts),
    )


def _of_labels(root: Path, option: str, folder: str, labels: dict[str, str]) -> dict[str, str]:
    """Return the files of a folder that an option names; nothing without one."""
    found = _by_name(root, folder) if folder else {}
    if folder and not (found and labels):
        raise DatasetError(
            f'expected labels/NAME.png and {folder}/NAME.png in {root} for the option '
            f'{option}={folder}, found none'
        )
    return found


def _read_labels(facts: FolderFacts) -> Callable[[Storage, str], Labels]:
    if facts.label_set is not None and facts.by_color:
        return functools.partial(read_colors, label_set=facts.label_set)
    return read_ids


def _by_name(root: Path, folder: str) -> dict[str, str]:
    """Return the files of one folder by name without suffix."""
    found: dict[str, str] = {}
    if not (root / folder).is_dir():
        return found
    for name in files_below(root / folder):
        stem, suffix = name.rpartition('.')[::2]
        path = f'{folder}/{name}'
        if f'.{suffix.lower()}' not in _SUFFIXES.get(folder, _PLAIN):
            if folder == 'images' and looks_like_image(name):
                raise DatasetError(
                    f'expected images of {", ".join(_SUFFIXES[folder])} in {root}, found {path}: '
                    'convert it or take it away'
                )
            continue
        if stem in found:
            raise DatasetError(f'expected one file of this name in {root}: {found[stem]}, {path}')
        found[stem] = path
    return found


def _partner(root: Path, name: str, folder: str, found: dict[str, str]) -> str | None:
    """Return the file of an image in another folder; a folder that is there has all of them."""
    if not found:
        return None
    if name not in found:
        suffixes = ', '.join(_SUFFIXES.get(folder, _PLAIN))
        raise DatasetError(
            f'expected {folder}/{name} with one of {suffixes} in {root}, '
            f'found none: each image has one, or remove {folder}/'
        )
    return found[name]


def _in_split(root: Path, names: list[str], facts: FolderFacts, split: str) -> list[str]:
    if split == 'all':
        return names
    folders = facts.splits
    if not folders:
        folders = {part: (part,) for part in SPLITS if (root / 'images' / part).is_dir()}
    if split not in folders:
        known = ', '.join(['all', *folders])
        raise DatasetError(
            f'{root} has no split {split!r}, it has: {known}; splits in {classes_file.NAME} or '
            'sub-folders of images/ make them; --split all (split: all in a recipe) is all'
        )
    chosen: list[str] = []
    for part in folders[split]:
        if part.endswith('.txt'):
            chosen += _listed(root, part, names)
        else:
            chosen += [name for name in names if name.startswith(f'{part.strip("/")}/')]
    return require(chosen, f'split {split}', root, f'images/{" and images/".join(folders[split])}')


def _listed(root: Path, part: str, names: list[str]) -> list[str]:
    known = set(names)
    listed = []
    for line in read_list(root, part):
        path = Path(line)
        name = path.as_posix()
        if name not in known and looks_like_image(path):
            name = path.with_suffix('').as_posix()
        if name not in known:
            raise DatasetError(f'{root / part} names {line}, which is not in images/')
        listed.append(name)
    return listed


def _depth(storage: Storage, files: SampleFiles, facts: FolderFacts) -> Depth:
    name = str(files.depth)
    if name.endswith('.npy'):
        return _metres(storage, name)
    codes = read_codes(storage, name, 1)
    if codes.dtype.kind == 'f':
        return _known(codes, name, storage)
    if facts.depth_scale is None:
        raise DatasetError(
            f'expected depth.scale in {storage.path / classes_file.NAME}, since {name} has whole '
            'numbers'
        )
    codes = read_plain(storage, name)
    depth = codes.astype(np.float32) / np.float32(facts.depth_scale)
    depth[codes == 0] = np.nan
    if facts.sky_code is not None:
        depth[codes == facts.sky_code] = np.inf
    return depth


def _metres(storage: Storage, name: str) -> Depth:
    try:
        stored = np.load(io.BytesIO(storage.read(name)), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DatasetError(f'expected an array in {name} of {storage.path}: {error}') from error
    return _known(stored, name, storage)


def _known(stored: npt.NDArray[Any], name: str, storage: Storage) -> Depth:
    """Return metres that were stored as such; what is not above 0 is unknown."""
    if stored.ndim != 2 or stored.dtype.kind != 'f':
        raise DatasetError(
            f'expected (H, W) metres in {name} of {storage.path}, found {stored.dtype} of shape '
            f'{stored.shape}'
        )
    depth = np.asarray(stored, np.float32)
    return np.where(depth > 0, depth, np.float32(np.nan))


def _intrinsics(
    storage: Storage, files: SampleFiles, width: int, height: int, facts: FolderFacts
) -> Intrinsics | None:
    return facts.intrinsics(width, height)
