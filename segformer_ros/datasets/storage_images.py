# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures out of a storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.checks import check_ids
from segformer_ros.datasets.sample import DatasetError, Sample
from segformer_ros.datasets.storage import Storage
from segformer_ros.image_encoding import decode_file, decode_stored, EncodingError
from segformer_ros.labels import LabelSet


def read_rgb(storage: Storage, name: str) -> npt.NDArray[np.uint8]:
    """
    Read a colour image as it is stored: EXIF does not turn it, as it turns no label image.

    :returns: (H, W, 3) RGB.
    :raises DatasetError: There is no such image, or it is damaged.
    """
    with _named(storage, name):
        return decode_file(storage.read(name))


def read_codes(storage: Storage, name: str, channels: int) -> npt.NDArray[Any]:
    """
    Read an image whose values are not colours.

    :param channels: The fewest that it must have.
    :returns: (H, W) for one channel, otherwise (H, W, C) in the order of OpenCV: red is the third.
    :raises DatasetError: There is no such image, it is damaged or has fewer channels.
    """
    with _named(storage, name):
        pixels = decode_stored(storage.read(name))
    found = 1 if pixels.ndim == 2 else pixels.shape[2]
    if found < channels:
        raise DatasetError(
            f'expected {channels} channels in {name} of {storage.path}, found {found}'
        )
    return pixels


def read_numbers(storage: Storage, name: str) -> npt.NDArray[Any]:
    """
    Read an image whose values are numbers as they are stored: of a palette the indices.

    :returns: (H, W) for one channel, otherwise (H, W, C).
    :raises DatasetError: There is no such image, or it is damaged.
    """
    with _named(storage, name):
        return decode_stored(storage.read(name), numbers=True)


@contextmanager
def _named(storage: Storage, name: str) -> Iterator[None]:
    """Name the file in errors about its image."""
    try:
        yield
    except EncodingError as error:
        raise DatasetError(f'{name} of {storage.path}: {error}: fetch it again') from error


def check_sizes(sample: Sample, label_set: LabelSet | None = None) -> Sample:
    """
    Return the sample back where its labels and depth are as large as its image.

    :param label_set: That the labels must be of; None: they are not looked at.
    :raises DatasetError: They are not, or there are other class ids.
    """
    size = sample.image.shape[:2]
    for what, pixels in (
        ('labels', sample.labels),
        ('depth', sample.depth),
        ('confidence', sample.confidence),
    ):
        if pixels is not None and pixels.shape != size:
            raise DatasetError(
                f'expected {what} of {sample.name} in {size[1]}x{size[0]} pixels as its image, '
                f'found {pixels.shape[1]}x{pixels.shape[0]}'
            )
    if sample.labels is not None and label_set is not None:
        check_ids(sample.labels, label_set, sample.name)
    return sample
