# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cityscapes (Cordts et al. 2016, arXiv:1604.01685): fine labels, disparity as depth."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.file_dataset import (
    choice,
    Depth,
    FileDataset,
    Labels,
    list_files,
    require,
    require_partner,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_ids, read_plain
from segformer_ros.datasets.sample import check_intrinsics, DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.labels import CITYSCAPES_19, CITYSCAPES_34
from segformer_ros.labels.class_maps import channel_table

SPLITS: tuple[str, ...] = ('train', 'val', 'test')
OPTIONS: dict[str, str] = {
    'labels': '19 train ids or 34 label ids (19)',
    'depth': 'true: also read depth, from disparity/ and camera/ (false)',
}
TREE = (
    'leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and '
    'gtFine/SPLIT/CITY/*_gtFine_labelIds.png or *_gtFine_labelTrainIds.png'
)
_DEPTH_TREE = 'disparity/SPLIT/CITY/*_disparity.png and camera/SPLIT/CITY/*_camera.json'
_IMAGE = 'leftImg8bit'


def recognises(root: Path) -> bool:
    """Recognise the folders."""
    return (root / _IMAGE).is_dir() and (root / 'gtFine').is_dir()


def open_dataset(root: Path, split: str, *, labels: int = 19, depth: bool = False) -> FileDataset:
    """
    Open a split.

    The download has label ids; train ids are taken from them where no one has made files of them.

    :raises DatasetError: Files are missing, or an option has no sense.
    """
    choice('cityscapes', 'labels', labels, (19, 34))
    choice('cityscapes', 'depth', depth, (False, True))
    images = require(
        list_files(root, f'{_IMAGE}/{split}/*/*_{_IMAGE}.png'), 'cityscapes', root, TREE
    )
    suffix = 'gtFine_labelIds.png'
    made = [_partner(image, 'gtFine', 'gtFine_labelTrainIds.png') for image in images]
    if labels == 19 and all((root / name).is_file() for name in made):
        suffix = 'gtFine_labelTrainIds.png'
    files = tuple(_sample(root, image, suffix, depth) for image in images)
    from_ids = labels == 19 and suffix == 'gtFine_labelIds.png'
    return FileDataset(
        root,
        CITYSCAPES_19 if labels == 19 else CITYSCAPES_34,
        files,
        read_labels=_train_ids if from_ids else read_ids,
        read_depth=_depth,
        read_intrinsics=_intrinsics,
    )


def _partner(image: str, folder: str, suffix: str) -> str:
    """Name the file of another folder that belongs to an image."""
    return image.replace(_IMAGE, folder, 1).removesuffix(f'{_IMAGE}.png') + suffix


def _sample(root: Path, image: str, suffix: str, depth: bool) -> SampleFiles:
    find = functools.partial(require_partner, root, image, kind='cityscapes')
    camera: str | None = _partner(image, 'camera', 'camera.json')
    disparity = None
    if depth:
        disparity = find(_partner(image, 'disparity', 'disparity.png'), tree=_DEPTH_TREE)
        camera = find(str(camera), tree=_DEPTH_TREE)
    elif not (root / str(camera)).is_file():
        camera = None
    name = '/'.join(image.split('/')[1:]).removesuffix(f'_{_IMAGE}.png')
    labels = find(_partner(image, 'gtFine', suffix), tree=TREE)
    return SampleFiles(name, image, labels, disparity, camera)


def _train_ids(storage: Storage, name: str) -> Labels:
    return np.asarray(channel_table(CITYSCAPES_34, CITYSCAPES_19)[read_ids(storage, name)])


def _camera(storage: Storage, name: str) -> tuple[float, float, float, float, float]:
    """Return fx, fy, u0, v0 in pixels and the baseline in metres."""
    try:
        facts = json.loads(storage.read(name))
        inner = facts['intrinsic']
        fx, fy, u0, v0 = (float(inner[key]) for key in ('fx', 'fy', 'u0', 'v0'))
        baseline = float(facts['extrinsic']['baseline'])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f'expected intrinsic fx, fy, u0, v0 and extrinsic baseline in {name} of '
            f'{storage.path}: {error}'
        ) from error
    if not 0.0 < baseline < math.inf:
        raise DatasetError(
            f'expected a positive baseline in {name} of {storage.path}, found {baseline:g}'
        )
    return fx, fy, u0, v0, baseline


def _depth(storage: Storage, files: SampleFiles) -> Depth:
    codes = read_plain(storage, str(files.depth)).astype(np.float32)
    fx, fy, u0, v0, baseline = _camera(storage, str(files.camera))
    _checked(storage, files, Intrinsics(fx, fy, u0, v0, codes.shape[1], codes.shape[0]))
    # 0 is unknown; 1 is a disparity of nothing, which the matcher does not mean to be infinite.
    disparity = np.where(codes > 1, (codes - 1) / 256, np.nan)
    return np.asarray(baseline * fx / disparity, np.float32)


def _intrinsics(
    storage: Storage, files: SampleFiles, width: int, height: int
) -> Intrinsics | None:
    if files.camera is None:
        return None
    fx, fy, u0, v0, _ = _camera(storage, files.camera)
    return _checked(storage, files, Intrinsics(fx, fy, u0, v0, width, height))


def _checked(storage: Storage, files: SampleFiles, intrinsics: Intrinsics) -> Intrinsics:
    return check_intrinsics(intrinsics, f'{files.camera} of {storage.path}')
