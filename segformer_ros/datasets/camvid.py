# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CamVid (Brostow et al. 2009): four drives through Cambridge, in both forms that go around."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from segformer_ros.datasets.file_dataset import (
    choice,
    FileDataset,
    Labels,
    list_files,
    missing,
    require,
    require_partner,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_colors, read_ids
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.labels import CAMVID_11, CAMVID_32, VOID
from segformer_ros.labels.class_maps import channel_table

SPLITS: tuple[str, ...] = ('train', 'val', 'test', 'all')
OPTIONS: dict[str, str] = {
    'labels': "11 classes or, with the authors' images, 32 (11)",
}
TREE = (
    'train/*.png and trainannot/*.png (and the same of val and test), or '
    '701_StillsRaw_full/*.png and LabeledApproved_full/*_L.png'
)
_IMAGES, _COLORS = '701_StillsRaw_full', 'LabeledApproved_full'
_NONE = 11


def recognises(root: Path) -> bool:
    """Recognise the folders."""
    return (root / 'trainannot').is_dir() or (root / _IMAGES).is_dir()


def open_dataset(root: Path, split: str, *, labels: int = 11) -> FileDataset:
    """
    Open a split; in the authors' images it is that of SegNet, told by the names of the frames.

    :raises DatasetError: Files are missing, or an option has no sense.
    """
    choice('camvid', 'labels', labels, (11, 32))
    if (root / _IMAGES).is_dir():
        return _authors(root, split, labels)
    if labels == 32:
        raise missing('camvid with 32 classes', root, f'{_IMAGES}/*.png and {_COLORS}/*_L.png')
    return _segnet(root, split)


def split_of(stem: str) -> str:
    """
    Return the split that a frame is in: 367 train, 101 val and 233 test of the 701.

    Validation is the part of drive 0016E5 that is labelled at 15 Hz; tests are drive Seq05VD and
    the second half of 0001TP, both from dusk and day.

    :param stem: Such as '0016E5_07959' or 'Seq05VD_f00000'.
    :raises DatasetError: It is no frame of CamVid.
    """
    drive, _, text = stem.partition('_')
    number = text.removeprefix('f')
    if drive not in {'0001TP', '0006R0', '0016E5', 'Seq05VD'} or not number.isdecimal():
        raise DatasetError(f'expected a frame such as 0016E5_07959 of CamVid, found {stem}')
    if drive == 'Seq05VD' or (drive == '0001TP' and int(number) >= 8550):
        return 'test'
    if drive == '0016E5' and 7959 <= int(number) <= 8159 and int(number) % 2:
        return 'val'
    return 'train'


def _segnet(root: Path, split: str) -> FileDataset:
    splits = ('train', 'val', 'test') if split == 'all' else (split,)
    images = [name for part in splits for name in list_files(root, f'{part}/*.png')]
    files = tuple(
        SampleFiles(
            image.removesuffix('.png'),
            image,
            require_partner(
                root, image, image.replace('/', 'annot/', 1), kind='camvid', tree=TREE
            ),
        )
        for image in require(images, 'camvid', root, TREE)
    )
    return FileDataset(root, CAMVID_11, files, read_labels=_segnet_ids)


def _authors(root: Path, split: str, labels: int) -> FileDataset:
    images = require(list_files(root, f'{_IMAGES}/*.png'), 'camvid', root, TREE)
    files = []
    for image in images:
        stem = Path(image).stem
        if split not in {'all', split_of(stem)}:
            continue
        colors = f'{_COLORS}/{stem}_L.png'
        require_partner(root, image, colors, kind='camvid', tree=TREE)
        files.append(SampleFiles(stem, image, colors))
    label_set = CAMVID_11 if labels == 11 else CAMVID_32
    read = _eleven if labels == 11 else functools.partial(read_colors, label_set=CAMVID_32)
    return FileDataset(root, label_set, tuple(files), read_labels=read)


def _segnet_ids(storage: Storage, name: str) -> Labels:
    ids = read_ids(storage, name)
    return np.where(ids == _NONE, np.uint8(VOID), ids)


def _eleven(storage: Storage, name: str) -> Labels:
    ids = read_colors(storage, name, CAMVID_32)
    return np.asarray(channel_table(CAMVID_32, CAMVID_11)[ids])
