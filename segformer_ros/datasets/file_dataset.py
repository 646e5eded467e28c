# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset whose samples are files under one folder: what most of the readers return."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.checks import check_ids
from segformer_ros.datasets.label_images import read_ids
from segformer_ros.datasets.sample import DatasetError, Sample
from segformer_ros.datasets.soft_labels import unstacked
from segformer_ros.datasets.storage import FolderStorage, Storage
from segformer_ros.datasets.storage_images import check_sizes, read_codes, read_rgb
from segformer_ros.file_tree import is_hidden
from segformer_ros.labels import LabelSet

Labels = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SampleFiles:
    """
    The files of one sample, all below the root of the dataset.

    :param labels: None: it has none; so with the others.
    :param camera: What intrinsics are read from.
    :param confidence: An image of one channel of 8 bits.
    :param soft_labels: An image as soft_labels.stacked makes it.
    """

    name: str
    image: str
    labels: str | None = None
    depth: str | None = None
    camera: str | None = None
    confidence: str | None = None
    soft_labels: str | None = None


def _confidence(storage: Storage, name: str | None) -> Labels | None:
    if name is None:
        return None
    codes = read_codes(storage, name, 1)
    if codes.dtype != np.uint8 or codes.ndim != 2:
        raise DatasetError(
            f'expected one channel of 8 bits in {name} of {storage.path}, found {codes.dtype} of '
            f'shape {codes.shape}'
        )
    return np.asarray(codes, np.uint8)


def _soft_labels(storage: Storage, name: str | None, shape: tuple[int, ...]) -> Labels | None:
    if name is None:
        return None
    return unstacked(read_codes(storage, name, 1), shape, f'{name} of {storage.path}')


def _no_depth(storage: Storage, files: SampleFiles) -> Depth:
    raise DatasetError(f'{storage.path} has depth, but its format was not given')


def _no_intrinsics(
    storage: Storage, files: SampleFiles, width: int, height: int
) -> Intrinsics | None:
    return None


@dataclass(frozen=True)
class FileDataset:
    """
    Samples by number; the functions are picklable, so that other processes can read too.

    :param read_labels: Gives (H, W) class ids of label_set.
    :param read_depth: Gives (H, W) metres, NaN where unknown.
    :param read_intrinsics: Gives those of an image of this width and height; None: unknown.
    :param finish: What is done to each sample at last.
    """

    root: Path
    label_set: LabelSet | None
    files: tuple[SampleFiles, ...]
    read_labels: Callable[[Storage, str], Labels] = read_ids
    read_depth: Callable[[Storage, SampleFiles], Depth] = _no_depth
    read_intrinsics: Callable[[Storage, SampleFiles, int, int], Intrinsics | None] = _no_intrinsics
    finish: Callable[[Sample], Sample] = check_sizes

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample."""
        files, storage = self.files[index], FolderStorage(self.root)
        image = read_rgb(storage, files.image)
        return self.finish(
            check_sizes(
                Sample(
                    image,
                    labels=self.read_labels(storage, files.labels) if files.labels else None,
                    depth=self.read_depth(storage, files) if files.depth else None,
                    intrinsics=self.read_intrinsics(
                        storage, files, image.shape[1], image.shape[0]
                    ),
                    name=files.name,
                    confidence=_confidence(storage, files.confidence),
                    soft_labels=_soft_labels(storage, files.soft_labels, image.shape),
                ),
                self.label_set,
            )
        )

    def labels(self, index: int) -> Labels | None:
        """Read the labels of a sample without its image; None: it has none."""
        files = self.files[index]
        if not files.labels:
            return None
        labels = self.read_labels(FolderStorage(self.root), files.labels)
        if self.label_set is not None:
            check_ids(labels, self.label_set, files.name)
        return labels

    def name(self, index: int) -> str:
        """Return Sample.name without reading the sample."""
        return self.files[index].name


def list_files(root: Path, pattern: str) -> list[str]:
    """Name the files below root that fit a glob pattern, in order; hidden ones are left out."""
    found = (path.relative_to(root).as_posix() for path in root.glob(pattern))
    return sorted(name for name in found if not is_hidden(name))


def require(found: Iterable[str], kind: str, root: Path, tree: str) -> list[str]:
    """
    Return what was found.

    :param tree: What should be below root.
    :raises DatasetError: It is nothing.
    """
    names = list(found)
    if not names:
        raise missing(kind, root, tree)
    return names


def read_list(root: Path, name: str) -> list[str]:
    """
    Read a text file of file names, one sample a line.

    :param name: Of the list, below root or absolute.
    :returns: The lines that are not blank, without the space around them.
    :raises DatasetError: There is no such file, or nothing in it.
    """
    if not isinstance(name, str):
        raise DatasetError(f'option file_list must be the name of a file, not {name!r}')
    path = root / Path(name).expanduser()
    try:
        lines = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
    except OSError as error:
        raise DatasetError(f'expected a list of files in {path}: {error.strerror}') from error
    if not any(lines):
        raise DatasetError(f'expected the names of files in {path}, found none')
    return [line for line in lines if line]


def first_file(root: Path, names: Iterable[str]) -> str | None:
    """Return the first of these names below root that is a file; None: none is."""
    return next((name for name in names if (root / name).is_file()), None)


def missing(kind: str, root: Path, tree: str) -> DatasetError:
    """Make the error of a file that is not where it should be: one sentence with the tree."""
    return DatasetError(f'expected {kind} with {tree} in {root}, found none of it')


def require_partner(root: Path, own: str, other: str, kind: str, tree: str) -> str:
    """
    Return the name of the file that belongs to another.

    :raises DatasetError: There is no such file.
    """
    if not (root / other).is_file():
        raise DatasetError(f'expected {kind} with {tree} in {root}, found {own} without {other}')
    return other


def choice(kind: str, option: str, value: object, known: Iterable[object]) -> None:
    """
    Check the value of an option.

    :raises DatasetError: It is none of those known.
    """
    values = list(known)
    if value not in values or type(value) not in {type(item) for item in values}:
        names = ', '.join(str(item) for item in values)
        raise DatasetError(f'option {option} of {kind} must be one of {names}, not {value!r}')
