# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ADE20K as the scene parsing benchmark has it (Zhou et al. 2017): 150 classes."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.file_dataset import (
    choice,
    FileDataset,
    Labels,
    list_files,
    missing,
    require,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_ids
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import FolderStorage, Storage
from segformer_ros.labels import ADE20K_4, ADE20K_150, VOID

SPLITS: tuple[str, ...] = ('train', 'val')
OPTIONS: dict[str, str] = {
    'map': 'karpenet4: four classes (background, plant, person or animal, vehicle) instead of all '
    '150',
    'min_foreground': 'skip images with less than this share of foreground of the four classes; '
    'reads all labels at the start (0)',
}
TREE = 'images/training/*.jpg and annotations/training/*.png, and the same of validation'
_FOLDERS = {'train': 'training', 'val': 'validation'}

# Of karpenet/Segformer (dataset.py), by the numbers of the files, where 0 is none of the 150.
# Everything else is its background, also none, bus, minibike and palm.
KARPENET4: dict[str, tuple[str, ...]] = {
    'plant': ('tree', 'grass', 'plant', 'flower'),
    'person_animal': ('person', 'animal'),
    'vehicle': ('car', 'boat', 'truck', 'airplane', 'van', 'ship', 'bicycle'),
}


def recognises(root: Path) -> bool:
    """Recognise the folders."""
    return (root / 'annotations/training').is_dir() and (root / 'images/training').is_dir()


def reduce_zero_label(stored: Labels) -> Labels:
    """
    Count the classes from 0, as networks do.

    :param stored: Ids of the files: 1 to 150, and 0 for what is none of them.
    :returns: 0 to 149, and VOID for what is none of them.
    """
    # In uint8, 0 minus one is VOID; a stored 255, which the files do not have, stays what it is.
    return np.asarray(np.where(stored == VOID, VOID, stored - np.uint8(1)), np.uint8)


def open_dataset(
    root: Path,
    split: str,
    *,
    map: str | None = None,  # noqa: A002
    min_foreground: float = 0.0,
) -> FileDataset:
    """
    Open a split.

    :raises DatasetError: Files are missing, or an option has no sense.
    """
    if map is not None:
        choice('ade20k', 'map', map, ('karpenet4',))
    number = isinstance(min_foreground, (int, float))
    if not number or not 0 <= min_foreground < 1 or (min_foreground and map is None):
        raise DatasetError(
            'option min_foreground of ade20k must be from 0 to below 1 and needs map, got '
            f'{min_foreground!r}'
        )
    folder = _FOLDERS[split]
    images = require(list_files(root, f'images/{folder}/*.jpg'), 'ade20k', root, TREE)
    labels = set(require(list_files(root, f'annotations/{folder}/*.png'), 'ade20k', root, TREE))
    files = tuple(_sample(root, image, labels) for image in images)
    if min_foreground:
        files = tuple(item for item in files if _foreground(root, item) >= min_foreground)
    return FileDataset(
        root,
        ADE20K_150 if map is None else ADE20K_4,
        files,
        read_labels=_all_classes if map is None else _four_classes,
    )


def _sample(root: Path, image: str, labels: set[str]) -> SampleFiles:
    name = f'annotations/{image.partition("/")[2].removesuffix(".jpg")}.png'
    if name not in labels:
        raise missing('ade20k', root, f'{TREE}, here {name}')
    return SampleFiles(image.partition('/')[2].removesuffix('.jpg'), image, name)


def _foreground(root: Path, files: SampleFiles) -> float:
    return float((_four_classes(FolderStorage(root), str(files.labels)) > 0).mean())


def _all_classes(storage: Storage, name: str) -> Labels:
    return reduce_zero_label(read_ids(storage, name))


def _four_classes(storage: Storage, name: str) -> Labels:
    return np.asarray(_karpenet4()[read_ids(storage, name)])


@functools.cache
def _karpenet4() -> npt.NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for group, names in KARPENET4.items():
        for name in names:
            table[ADE20K_150.by_name(name).id + 1] = ADE20K_4.by_name(group).id
    # Not of the benchmark: for check_labels to find.
    table[len(ADE20K_150.classes) + 1 :] = np.arange(len(ADE20K_150.classes) + 1, 256)
    return table
