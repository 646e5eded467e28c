# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pixel-level semantics of KITTI 2015 (Alhaija et al. 2018): 200 labelled images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import kitti_calibration
from segformer_ros.datasets.file_dataset import (
    choice,
    FileDataset,
    Labels,
    list_files,
    read_list,
    require,
    require_partner,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_ids
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.labels import CITYSCAPES_19, CITYSCAPES_34
from segformer_ros.labels.class_maps import channel_table

SPLITS: tuple[str, ...] = ('train', 'val', 'all', 'test')
OPTIONS: dict[str, str] = {
    'labels': '19 train ids or 34 label ids (19)',
    'file_list': "text file with the names of the split's images, one per line (train: the first "
    'three quarters by name, val: the rest)',
}
TREE = 'training/image_2/*_10.png and training/semantic/*_10.png'
_TEST_TREE = 'testing/image_2/*_10.png'


def recognises(root: Path) -> bool:
    """Recognise the folders."""
    return (root / 'training/image_2').is_dir() and (root / 'training/semantic').is_dir()


def open_dataset(
    root: Path, split: str, *, labels: int = 19, file_list: str | None = None
) -> FileDataset:
    """
    Open a split.

    Of the 200 labelled images the first 150 by name are 'train' and the last 50 'val': a choice of
    ours, no one has published which 150 others took. 'test' has no labels.

    :raises DatasetError: Files are missing, or an option has no sense.
    """
    choice('kitti_semantic', 'labels', labels, (19, 34))
    if split == 'test':
        folder, tree = 'testing/image_2', _TEST_TREE
    else:
        folder, tree = 'training/image_2', TREE
    images = require(list_files(root, f'{folder}/*_10.png'), 'kitti_semantic', root, tree)
    chosen = _chosen(images, split) if file_list is None else _listed(images, root, file_list)
    return FileDataset(
        root,
        CITYSCAPES_19 if labels == 19 else CITYSCAPES_34,
        tuple(_sample(root, image, split) for image in chosen),
        read_labels=_train_ids if labels == 19 else read_ids,
        read_intrinsics=_intrinsics,
    )


def _chosen(images: list[str], split: str) -> list[str]:
    border = len(images) * 3 // 4
    return {'train': images[:border], 'val': images[border:]}.get(split, images)


def _listed(images: list[str], root: Path, name: str) -> list[str]:
    by_stem = {Path(image).stem: image for image in images}
    stems = [Path(line).stem for line in read_list(root, name)]
    for stem in stems:
        if stem not in by_stem:
            raise DatasetError(f'{name} names {stem}, which is not in {root}')
    return [by_stem[stem] for stem in stems]


def _sample(root: Path, image: str, split: str) -> SampleFiles:
    stem = Path(image).stem
    camera: str | None = f'{image.split("/")[0]}/calib_cam_to_cam/{stem.removesuffix("_10")}.txt'
    if not (root / str(camera)).is_file():
        camera = None
    labels = None
    if split != 'test':
        labels = require_partner(
            root, image, f'training/semantic/{stem}.png', kind='kitti_semantic', tree=TREE
        )
    return SampleFiles(stem, image, labels, camera=camera)


def _train_ids(storage: Storage, name: str) -> Labels:
    return np.asarray(channel_table(CITYSCAPES_34, CITYSCAPES_19)[read_ids(storage, name)])


def _intrinsics(
    storage: Storage, files: SampleFiles, width: int, height: int
) -> Intrinsics | None:
    if files.camera is None:
        return None
    return kitti_calibration.read_intrinsics(storage, files.camera, 2, width, height)
