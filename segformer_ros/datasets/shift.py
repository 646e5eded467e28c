# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
SHIFT (Sun et al. 2022, arXiv:2206.08367): driving in CARLA, many views, weathers and hours.

Six views of 1280x800 pixels and 90 degrees, 23 classes, and depth in 24 bits (or in 8, to 80 m).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import Dataset, DatasetError, Sample
from segformer_ros.datasets.shift_layout import (
    BACKENDS,
    FrameKey,
    FRAMERATES,
    Group,
    open_group,
    Part,
    SHIFTS,
    SPLITS,
    VIEWS,
)
from segformer_ros.datasets.storage_images import check_sizes, read_codes, read_rgb
from segformer_ros.labels import LabelSet, SHIFT_23

__all__ = ['OPTIONS', 'SPLITS', 'ShiftDataset', 'open_dataset', 'recognises']

OPTIONS: dict[str, str] = {
    'views': f'one or a list of {", ".join(VIEWS)}, or all (front)',
    'shift': f'one of {", ".join(SHIFTS)} (discrete)',
    'framerate': f'one of {", ".join(FRAMERATES)}: 1 or 10 per second (images)',
    'backend': f'one of auto, {", ".join(BACKENDS)} (auto: the first of these that exists)',
    'labels': 'false: do not read the group semseg (true)',
    'depth': '24bit, 8bit, or none for no depth (24bit)',
    'frames': 'all, or complete: only frames with every requested group (all)',
}

_GROUPS = {'24bit': 'depth', '8bit': 'depth_8bit'}
_FOV_DEG = 90.0
_SKY = SHIFT_23.by_name('sky').id
_FAR_24 = (1 << 24) - 1
_PER_METRE_8 = 3.1875


def recognises(root: Path) -> bool:
    """Return whether a folder has one of the two shifts with one of the two framerates in it."""
    return any((root / 'discrete' / rate).is_dir() for rate in FRAMERATES) or any(
        any(root.glob(f'continuous/{pattern}'))
        for rate in FRAMERATES
        for pattern in (f'{rate}/*x', f'*x/{rate}')
    )


def open_dataset(
    root: Path,
    split: str,
    *,
    views: str | Sequence[str] = 'front',
    shift: str = 'discrete',
    framerate: str = 'images',
    backend: str = 'auto',
    labels: bool = True,
    depth: str = '24bit',
    frames: str = 'all',
) -> Dataset:
    """
    Index the groups of the views that are wanted.

    :raises DatasetError: An option has no such value, or a group is missing.
    """
    _check('shift', shift, SHIFTS)
    _check('framerate', framerate, FRAMERATES)
    _check('backend', backend, ('auto', *BACKENDS))
    _check('depth', depth, ('none', *_GROUPS))
    _check('frames', frames, ('all', 'complete'))
    part = Part(root, split, shift, framerate, backend)
    opened = []
    for view in _views(views):
        opened.append(
            View(
                view,
                open_group(part, view, 'img'),
                open_group(part, view, 'semseg') if labels else None,
                open_group(part, view, _GROUPS[depth]) if depth != 'none' else None,
            )
        )
    return ShiftDataset(opened, complete=frames == 'complete')


def _check(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise DatasetError(f'{name} must be one of {", ".join(known)}, not {value!r}')


def _views(value: str | Sequence[str]) -> tuple[str, ...]:
    if value == 'all':
        return VIEWS
    found = tuple(value.split(',')) if isinstance(value, str) else tuple(value)
    for view in found:
        _check('views', view, ('all', *VIEWS))
    return found


class View(NamedTuple):
    """The groups of one view; None where one is not wanted."""

    name: str
    images: Group
    labels: Group | None
    depth: Group | None

    def keys(self, *, complete: bool) -> list[FrameKey]:
        """
        Return the frames that have an image, in order.

        :param complete: Leave out those that lack something that is wanted.
        :raises DatasetError: No image has a label image, or none has depth.
        """
        keys = set(self.images.names)
        for group in (self.labels, self.depth):
            if group is not None and keys.isdisjoint(group.names):
                raise DatasetError(
                    f'expected frames of {self.images.storage.path} in {group.storage.path}, '
                    'found only others: download both again'
                )
            if group is not None and complete:
                keys &= group.names.keys()
        return sorted(keys)


class ShiftDataset:
    """Frames of one split; labels or depth are None where a frame has none."""

    def __init__(self, views: Sequence[View], *, complete: bool) -> None:
        """
        Line up the frames of all views.

        :raises DatasetError: There are none.
        """
        self._views = tuple(views)
        self._frames = [
            (number, key)
            for number, view in enumerate(self._views)
            for key in view.keys(complete=complete)
        ]
        if not self._frames:
            raise DatasetError(
                f'expected frames with image, labels and depth in {views[0].images.storage.path}, '
                'found none: set frames=all'
            )

    @property
    def label_set(self) -> LabelSet | None:
        """Return the 23 classes of SHIFT; None where labels are not wanted."""
        return SHIFT_23 if self._views[0].labels is not None else None

    def __len__(self) -> int:
        return len(self._frames)

    def name(self, index: int) -> str:
        """Name a sample: view, sequence and number of the frame."""
        view, (sequence, number) = self._frames[index]
        return f'{self._views[view].name}/{sequence}/{number:08d}'

    def __getitem__(self, index: int) -> Sample:
        """
        Read a sample.

        :raises DatasetError: A file is missing or damaged, or not as large as the image.
        """
        number, key = self._frames[index]
        view = self._views[number]
        image = read_rgb(view.images.storage, view.images.names[key])
        labels = None if view.labels is None else _labels(view.labels, key)
        depth = None if view.depth is None else _depth(view.depth, key)
        if labels is not None and depth is not None and labels.shape == depth.shape:
            depth[labels == _SKY] = np.inf
        height, width = image.shape[:2]
        intrinsics = Intrinsics.from_fov(width, height, _FOV_DEG)
        sample = Sample(image, labels, depth, intrinsics, self.name(index))
        return check_sizes(sample, self.label_set)

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        """Return the image of a sample as it is stored: suffix such as 'jpg', and its bytes."""
        number, key = self._frames[index]
        images = self._views[number].images
        name = images.names[key]
        return name.rpartition('.')[2], images.storage.read(name)


def _labels(group: Group, key: FrameKey) -> npt.NDArray[np.uint8] | None:
    if key not in group.names:
        return None
    pixels = read_codes(group.storage, group.names[key], 1)
    red = pixels if pixels.ndim == 2 else pixels[..., 2]
    return np.ascontiguousarray(red, np.uint8)


def _depth(group: Group, key: FrameKey) -> npt.NDArray[np.float32] | None:
    """Read metres; NaN for 0, which no surface is at, and +inf for the end of the range."""
    if key not in group.names:
        return None
    name = group.names[key]
    if group.storage.path.name.startswith('depth_8bit'):
        codes = read_codes(group.storage, name, 1)
        plane = (codes if codes.ndim == 2 else codes[..., 2]).astype(np.uint32)
        return _metres(plane, 1.0 / _PER_METRE_8, 255)
    pixels = read_codes(group.storage, name, 3).astype(np.uint32)
    plane = pixels[..., 2] | pixels[..., 1] << np.uint32(8) | pixels[..., 0] << np.uint32(16)
    return _metres(plane, 1000.0 / (1 << 24), _FAR_24)


def _metres(codes: npt.NDArray[np.uint32], step_m: float, far: int) -> npt.NDArray[np.float32]:
    metres = (codes * step_m).astype(np.float32)
    metres[codes == 0] = np.nan
    metres[codes >= far] = np.inf
    return metres
