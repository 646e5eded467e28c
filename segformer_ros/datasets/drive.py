# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Recorded drives with ground truth, as `segformer record-dataset` writes them.

    ROOT/dataset.json                    label set, and the routes of every split
    ROOT/SPLIT/ROUTE/frames.csv          names and intrinsics of the frames
    ROOT/SPLIT/ROUTE/{images,labels,depth}/NAME.png
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from segformer_ros import carla
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import check_intrinsics, Dataset, DatasetError, Sample
from segformer_ros.datasets.storage import FolderStorage
from segformer_ros.datasets.storage_images import check_sizes, read_codes, read_rgb
from segformer_ros.drive_dataset.folder import FORMAT, SPLITS
from segformer_ros.labels import label_set, LabelSet

__all__ = ['OPTIONS', 'SPLITS', 'DriveDataset', 'open_dataset', 'recognises']

OPTIONS: dict[str, str] = {
    'routes': 'names of the drives to read, one or a list (all)',
}

_FACTS = 'dataset.json'
_EXPECTED = (
    'expected a dataset of `segformer record-dataset` in {root} (dataset.json, and '
    'SPLIT/ROUTE/frames.csv with images, labels and depth next to it), {found}'
)


def recognises(root: Path) -> bool:
    """Return whether a folder has the facts of such a dataset and one of its splits in it."""
    return (root / _FACTS).is_file() and any((root / split).is_dir() for split in SPLITS)


def open_dataset(root: Path, split: str, *, routes: str | Sequence[str] = ()) -> Dataset:
    """
    List the frames of the drives of a split.

    :raises DatasetError: There is no such dataset, split or drive.
    """
    facts = _facts(root)
    known = [item['name'] for item in facts['routes'] if item['split'] == split]
    if not known:
        raise DatasetError(
            f'expected drives in the split {split} of {root}, found none: record one with '
            f'`segformer record-dataset BAG --out {root} --split {split}`'
        )
    wanted = [routes] if isinstance(routes, str) else list(routes)
    for name in wanted:
        if name not in known:
            raise DatasetError(f'{root} has no drive {name!r} in {split}, it has: {known}')
    return DriveDataset(root, split, wanted or sorted(known), label_set(facts['label_set']))


def _facts(root: Path) -> dict[str, Any]:
    try:
        facts = json.loads((root / _FACTS).read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise DatasetError(_EXPECTED.format(root=root, found='found no dataset.json')) from error
    except ValueError as error:
        raise DatasetError(f'expected JSON in {root / _FACTS}: {error}') from error
    if not isinstance(facts, dict) or facts.get('format') != FORMAT:
        found = f'found another format in dataset.json than {FORMAT!r}'
        raise DatasetError(_EXPECTED.format(root=root, found=found))
    return facts


class DriveDataset:
    """The frames of some drives, one drive after the other."""

    def __init__(self, root: Path, split: str, routes: Sequence[str], classes: LabelSet) -> None:
        """
        List the frames.

        :raises DatasetError: The list of a drive is missing or damaged.
        """
        self._storage = FolderStorage(root)
        self._classes = classes
        self._frames = [
            (f'{split}/{route}', name, intrinsics)
            for route in routes
            for name, intrinsics in _frames(root / split / route / 'frames.csv')
        ]

    @property
    def label_set(self) -> LabelSet | None:
        """Return the classes of the simulator that was recorded."""
        return self._classes

    def __len__(self) -> int:
        return len(self._frames)

    def name(self, index: int) -> str:
        """Name a sample: split, drive and frame."""
        place, name, _ = self._frames[index]
        return f'{place}/{name}'

    def __getitem__(self, index: int) -> Sample:
        """
        Read a sample.

        :raises DatasetError: A file is missing or damaged.
        """
        place, name, intrinsics = self._frames[index]
        image = read_rgb(self._storage, f'{place}/images/{name}.png')
        labels = read_codes(self._storage, f'{place}/labels/{name}.png', 1)
        code = read_codes(self._storage, f'{place}/depth/{name}.png', 3)
        sample = Sample(
            image,
            np.asarray(labels, np.uint8),
            carla.decode_depth_code(code),
            intrinsics,
            self.name(index),
        )
        return check_sizes(sample, self._classes)

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        """Return the image of a sample as it is stored: suffix, and its bytes."""
        place, name, _ = self._frames[index]
        return 'png', self._storage.read(f'{place}/images/{name}.png')


def _frames(path: Path) -> Iterator[tuple[str, Intrinsics | None]]:
    try:
        with path.open(encoding='utf-8', newline='') as file:
            for row in csv.DictReader(file):
                yield row['name'], _intrinsics(row, path)
    except OSError as error:
        found = f'{path}: {error.strerror}'
        raise DatasetError(_EXPECTED.format(root=path.parents[2], found=found)) from error
    except DatasetError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f'expected name, width, height, fx, fy, cx and cy in {path}, a row is without '
            f'({error}): record the drive again'
        ) from error


def _intrinsics(row: dict[str, str], path: Path) -> Intrinsics | None:
    if not row['fx']:
        return None
    fx, fy, cx, cy = (float(row[name]) for name in ('fx', 'fy', 'cx', 'cy'))
    own = Intrinsics(fx, fy, cx, cy, int(row['width']), int(row['height']))
    # A region of a camera image may leave its principal point out.
    return check_intrinsics(own, f'{row["name"]} in {path}', part=True)
