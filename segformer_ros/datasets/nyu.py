# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NYU Depth v2 (Silberman et al. 2012): rooms with the depth of a Kinect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.file_dataset import (
    Depth,
    FileDataset,
    first_file,
    list_files,
    missing,
    read_list,
    require,
    require_partner,
    SampleFiles,
)
from segformer_ros.datasets.label_images import read_scaled_depth
from segformer_ros.datasets.sample import DatasetError, Sample
from segformer_ros.datasets.storage import Storage

SPLITS: tuple[str, ...] = ('train', 'val', 'test', 'all')
OPTIONS: dict[str, str] = {
    'file_list': 'text file used instead of all files of the split: each line names an image and '
    'its depth; further columns are ignored',
}
TREE = (
    'sync/ROOM/rgb_*.jpg and sync_depth_*.png for train, the same in '
    'official_splits/test/ROOM for val and test, or a file *.mat of the labelled part for all'
)
_FOLDERS = {
    'train': ('sync',),
    'val': ('official_splits/test',),
    'test': ('official_splits/test',),
}
_BASES = ('', 'sync/', 'official_splits/test/')

# Of the colour camera, from the toolbox of the authors, for 640x480 pixels.
_CAMERA = Intrinsics(518.8579, 519.4696, 325.5824, 253.7362, 640, 480)


def recognises(root: Path) -> bool:
    """Recognise the folders, or the name of the file."""
    return (root / 'official_splits').is_dir() or _is_mat(root)


def open_dataset(
    root: Path, split: str, *, file_list: str | None = None
) -> FileDataset | LabelledPart:
    """
    Open a split; there is no validation split, 'val' is 'test'.

    :param root: The folder, or the file nyu_depth_v2_labeled.mat, which has one split, 'all'.
    :raises DatasetError: Files are missing.
    """
    if root.is_file():
        if split != 'all' or file_list is not None:
            raise DatasetError(f'expected split all and no list for {root}, got split {split}')
        return LabelledPart(root)
    if file_list is not None:
        files = _listed(root, file_list)
    else:
        folders = _FOLDERS.get(split, ('sync', 'official_splits/test'))
        images = [name for folder in folders for name in list_files(root, f'{folder}/*/rgb_*.jpg')]
        files = (_sample(root, image) for image in require(images, 'nyu', root, TREE))
    return FileDataset(root, None, tuple(files), read_depth=_depth, read_intrinsics=_intrinsics)


def _is_mat(root: Path) -> bool:
    return root.is_file() and root.suffix == '.mat' and root.name.startswith('nyu')


def _sample(root: Path, image: str) -> SampleFiles:
    folder, _, file = image.rpartition('/')
    depth = f'{folder}/{file.replace("rgb_", "sync_depth_").removesuffix(".jpg")}.png'
    require_partner(root, image, depth, kind='nyu', tree=TREE)
    return SampleFiles(image.removesuffix('.jpg'), image, None, depth)


def _listed(root: Path, name: str) -> Iterator[SampleFiles]:
    for words in map(str.split, read_list(root, name)):
        if len(words) < 2:
            raise DatasetError(f'expected image and depth in every line of {name}, got {words}')
        found = [
            first_file(root, (base + word.lstrip('/') for base in _BASES)) for word in words[:2]
        ]
        image, depth = found
        if image is None or depth is None:
            raise missing('nyu', root, words[0] if image is None else words[1])
        yield SampleFiles(image.removesuffix('.jpg'), image, None, depth)


def _depth(storage: Storage, files: SampleFiles) -> Depth:
    return read_scaled_depth(storage, str(files.depth), 1000)


def _intrinsics(storage: Storage, files: SampleFiles, width: int, height: int) -> Intrinsics:
    return _CAMERA.resized(width, height)


@dataclass(frozen=True)
class LabelledPart:
    """
    The 1449 labelled images in one MATLAB file; their labels are not read.

    :param path: Of the file, HDF5 inside.
    """

    path: Path
    label_set: None = None

    def __post_init__(self) -> None:
        """
        Look at the shapes.

        :raises DatasetError: The file is another one.
        """
        with self._open() as file:
            shapes = [file[name].shape if name in file else None for name in ('images', 'depths')]
        images, depths = shapes
        if not images or not depths or len(images) != 4 or images != (images[0], 3, *depths[1:]):
            raise DatasetError(
                f'expected images (N, 3, W, H) and depths (N, W, H) in {self.path}, found '
                f'{images} and {depths}: take nyu_depth_v2_labeled.mat'
            )

    def __len__(self) -> int:
        """Count the images."""
        with self._open() as file:
            return len(file['depths'])

    def __getitem__(self, index: int) -> Sample:
        """Read one image and its depth, which MATLAB has column by column."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        with self._open() as file:
            image = np.ascontiguousarray(file['images'][index].transpose(2, 1, 0), np.uint8)
            depth = np.ascontiguousarray(file['depths'][index].T, np.float32)
        depth[depth <= 0] = np.nan
        camera = _CAMERA.resized(image.shape[1], image.shape[0])
        return Sample(image, depth=depth, intrinsics=camera, name=self.name(index))

    def name(self, index: int) -> str:
        """Return the number of the image, from 0."""
        return f'{index:04d}'

    def _open(self) -> Any:
        # Nothing else here needs h5py.
        import h5py

        try:
            return h5py.File(self.path, 'r')
        except OSError as error:
            raise DatasetError(f'expected a MATLAB 7.3 file in {self.path}: {error}') from error
