# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of readers, and how one is opened by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
import importlib
from pathlib import Path
from typing import Any

from segformer_ros.datasets.sample import Dataset, DatasetError
from segformer_ros.nearest import did_you_mean

_PACKAGE = 'segformer_ros.datasets'

KINDS: dict[str, str] = {
    'ade20k': f'{_PACKAGE}.ade20k',
    'bag': f'{_PACKAGE}.bag',
    'camvid': f'{_PACKAGE}.camvid',
    'cityscapes': f'{_PACKAGE}.cityscapes',
    'drive': f'{_PACKAGE}.drive',
    'folder': f'{_PACKAGE}.folder',
    'kitti_depth': f'{_PACKAGE}.kitti_depth',
    'kitti_semantic': f'{_PACKAGE}.kitti_semantic',
    'nyu': f'{_PACKAGE}.nyu',
    'shards': f'{_PACKAGE}.shards',
    'shift': f'{_PACKAGE}.shift',
    'world': f'{_PACKAGE}.world',
}
"""
The module of every kind of dataset.

Each has open_dataset(root, split, **options) -> Dataset, which checks the tree and raises
DatasetError naming the expected one; OPTIONS, the help text of each option by name; SPLITS; and
recognises(root) -> bool, which looks at names of files and folders only.
"""


@dataclass(frozen=True)
class DatasetSpec:
    """
    A dataset as a recipe or a command names it.

    :param kind: One of KINDS; empty: recognised by the tree under root.
    :param root: Folder or file; what it means is the reader's.
    :param options: Of the reader.
    """

    kind: str = ''
    root: str = ''
    split: str = 'train'
    options: Mapping[str, Any] = field(default_factory=dict)


def open_dataset(spec: DatasetSpec) -> Dataset:
    """
    Open a dataset without reading its images.

    :raises DatasetError: No such kind or option, or the files are not as the reader expects them.
    """
    root = Path(spec.root).expanduser()
    kind = spec.kind or recognise(root)
    if kind not in KINDS:
        known = ', '.join(sorted(KINDS))
        near = did_you_mean(kind, KINDS)
        raise DatasetError(f'dataset kind must be one of {known}, not {kind!r}{near}')
    reader = importlib.import_module(KINDS[kind])
    for name in spec.options:
        if name not in reader.OPTIONS:
            known = ', '.join(sorted(reader.OPTIONS)) or 'none'
            near = did_you_mean(name, reader.OPTIONS)
            raise DatasetError(f'{kind} has no option {name!r}, it has: {known}{near}')
    if spec.split not in reader.SPLITS:
        known = ', '.join(reader.SPLITS)
        near = did_you_mean(spec.split, reader.SPLITS)
        raise DatasetError(f'{kind} has no split {spec.split!r}, it has: {known}{near}')
    opened: Dataset = reader.open_dataset(root, spec.split, **spec.options)
    return opened


def recognise(root: Path) -> str:
    """
    Name the kind of dataset that a tree looks like.

    :raises DatasetError: It looks like none, or like several.
    """
    if not root.exists():
        raise DatasetError(f'expected a dataset at {root}, found nothing')
    found = [
        kind for kind, module in KINDS.items() if importlib.import_module(module).recognises(root)
    ]
    if len(found) != 1:
        looks = ' and '.join(found) or 'none'
        raise DatasetError(
            f'{root} looks like {looks} of the known datasets: name the kind, one of '
            f'{", ".join(sorted(KINDS))}'
        )
    return found[0]
