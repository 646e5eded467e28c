# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""KITTI raw with annotated depth (Uhrig et al. 2017, arXiv:1708.06500): sparse metres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
import functools
from pathlib import Path

import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import kitti_calibration
from segformer_ros.datasets.file_dataset import (
    choice,
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
from segformer_ros.datasets.sample import check_intrinsics, DatasetError, Sample
from segformer_ros.datasets.storage import Storage

SPLITS: tuple[str, ...] = ('train', 'val', 'test', 'selection')
OPTIONS: dict[str, str] = {
    'file_list': 'text file like the lists of the Eigen split: each line names an image, then its '
    "depth or None; further columns are ignored (all files of the benchmark's layout)",
    'cameras': '2, 3 or [2, 3]: left and right colour camera ([2, 3])',
    'kb_crop': 'true: crop every image to its lower middle part of 1216x352 (false)',
}
TREE = (
    'train/*_sync/proj_depth/groundtruth/image_02/*.png (also below data_depth_annotated/) and '
    'raw/DAY/*_sync/image_02/data/*.png'
)
_SELECTIONS = ('depth_selection/val_selection_cropped', 'val_selection_cropped')
_SELECTION_TREE = f'{_SELECTIONS[0]}/image, groundtruth_depth and intrinsics'
_RAW = ('raw/', '', 'raw_data/', 'input/')
_DEPTH = (
    '', 'gt_depth/', 'train/', 'val/', 'data_depth_annotated/', 'data_depth_annotated/train/',
    'data_depth_annotated/val/',
)  # fmt: skip
_CROP_HW = (352, 1216)


def recognises(root: Path) -> bool:
    """Recognise the folders of drives."""
    return any(root.glob('train/*_sync/proj_depth')) or any(
        root.glob('data_depth_annotated/train/*_sync/proj_depth')
    )


def open_dataset(
    root: Path,
    split: str,
    *,
    file_list: str | None = None,
    cameras: int | Sequence[int] = (2, 3),
    kb_crop: bool = False,
) -> FileDataset:
    """
    Open a split.

    'train' and 'val' are those of the benchmark, 'selection' its 1000 chosen and cropped images.
    With a list the split has no further meaning; images without depth are left out.

    :raises DatasetError: Files are missing, or an option has no sense.
    """
    choice('kitti_depth', 'kb_crop', kb_crop, (False, True))
    cameras = [cameras] if isinstance(cameras, int) else cameras
    if not cameras or any(camera not in (2, 3) for camera in cameras):
        raise DatasetError(
            f'option cameras of kitti_depth must be 2, 3 or [2, 3], not {cameras!r}'
        )
    if file_list is not None:
        files = _listed(root, file_list)
    elif split == 'selection':
        files = _selected(root)
    elif split == 'test':
        raise DatasetError('kitti_depth has a test split by a list only: give option file_list')
    else:
        files = _tree(root, split, cameras)
    return FileDataset(
        root,
        None,
        tuple(files),
        read_depth=_depth,
        read_intrinsics=_intrinsics,
        finish=_kb_crop if kb_crop else _whole,
    )


def _tree(root: Path, split: str, cameras: Sequence[int]) -> Iterator[SampleFiles]:
    depths = [
        name
        for base in ('', 'data_depth_annotated/')
        for camera in cameras
        for name in list_files(
            root, f'{base}{split}/*_sync/proj_depth/groundtruth/image_{camera:02d}/*.png'
        )
    ]
    for depth in sorted(require(depths, 'kitti_depth', root, TREE)):
        drive, _, _, camera, file = depth.split('/')[-5:]
        image = _find_image(root, f'{drive[:10]}/{drive}/{camera}/data/{file}')
        if image is None:
            raise missing('kitti_depth', root, f'{TREE}, here for {depth}')
        yield _sample(root, image, depth)


def _listed(root: Path, name: str) -> Iterator[SampleFiles]:
    for words in map(str.split, read_list(root, name)):
        if len(words) < 2:
            raise DatasetError(f'expected image and depth in every line of {name}, got {words}')
        # Some write names that begin with a slash and are none of the file system.
        image_name, depth_name = (word.lstrip('/') for word in words[:2])
        if depth_name == 'None':
            continue
        image = _find_image(root, image_name)
        depth = _find_depth(root, depth_name)
        if image is None or depth is None:
            raise missing('kitti_depth', root, image_name if image is None else depth_name)
        yield _sample(root, image, depth)


def _find_image(root: Path, name: str) -> str | None:
    stem = name.removesuffix('.png').removesuffix('.jpg')
    # DAY/DRIVE/image_02/data/FILE, whatever folders a list has in front of it.
    tail = '/'.join(stem.split('/')[-5:])
    names = [stem, *(base + tail for base in _RAW)]
    return first_file(root, (item + end for item in names for end in ('.png', '.jpg')))


def _find_depth(root: Path, name: str) -> str | None:
    # DRIVE/proj_depth/groundtruth/image_02/FILE.
    tail = '/'.join(name.split('/')[-5:])
    return first_file(root, [name, *(base + tail for base in _DEPTH)])


def _sample(root: Path, image: str, depth: str) -> SampleFiles:
    *before, day, drive, camera, _, file = image.split('/')
    calibration = '/'.join([*before, day, 'calib_cam_to_cam.txt'])
    has_one = (root / calibration).is_file()
    name = f'{drive}/{camera}/{Path(file).stem}'
    return SampleFiles(name, image, None, depth, calibration if has_one else None)


def _selected(root: Path) -> Iterator[SampleFiles]:
    images = [name for folder in _SELECTIONS for name in list_files(root, f'{folder}/image/*.png')]
    for image in require(images, 'kitti_depth', root, _SELECTION_TREE):
        folder, _, stem = image.removesuffix('.png').rpartition('/image/')
        find = functools.partial(
            require_partner, root, image, kind='kitti_depth', tree=_SELECTION_TREE
        )
        true = stem.replace('_image_', '_groundtruth_depth_', 1)
        depth = find(f'{folder}/groundtruth_depth/{true}.png')
        yield SampleFiles(stem, image, None, depth, find(f'{folder}/intrinsics/{stem}.txt'))


def _depth(storage: Storage, files: SampleFiles) -> Depth:
    return read_scaled_depth(storage, str(files.depth), 256)


def _intrinsics(
    storage: Storage, files: SampleFiles, width: int, height: int
) -> Intrinsics | None:
    if files.camera is None:
        return None
    if files.camera.endswith('calib_cam_to_cam.txt'):
        camera = 3 if '/image_03/' in files.image else 2
        return kitti_calibration.read_intrinsics(storage, files.camera, camera, width, height)
    try:
        k9 = [float(word) for word in storage.read(files.camera).split()]
        own = Intrinsics.from_k(k9, width, height)
    except ValueError as error:
        raise DatasetError(f'{files.camera} of {storage.path}: {error}') from error
    return check_intrinsics(own, f'{files.camera} of {storage.path}')


def _whole(sample: Sample) -> Sample:
    return sample


def _kb_crop(sample: Sample) -> Sample:
    height, width = sample.image.shape[:2]
    top, left = height - _CROP_HW[0], (width - _CROP_HW[1]) // 2
    if top < 0 or left < 0:
        raise DatasetError(
            f'expected at least 1216x352 pixels for kb_crop in {sample.name}, found '
            f'{width}x{height}'
        )
    part = np.s_[top:, left : left + _CROP_HW[1]]
    own = sample.intrinsics
    return replace(
        sample,
        image=sample.image[part],
        depth=None if sample.depth is None else sample.depth[part],
        intrinsics=own
        and Intrinsics(own.fx, own.fy, own.cx - left, own.cy - top, _CROP_HW[1], _CROP_HW[0]),
    )
