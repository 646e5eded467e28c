# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures out of a storage."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.sample import DatasetError, Sample
from segformer_ros.datasets.storage import Storage


def read_rgb(storage: Storage, name: str) -> npt.NDArray[np.uint8]:
    """
    Read a colour image as it is stored: EXIF does not turn it, as it turns no label image.

    :returns: (H, W, 3) RGB.
    :raises DatasetError: There is no such image, or it is damaged.
    """
    bgr = _decode(storage, name, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def read_codes(storage: Storage, name: str, channels: int) -> npt.NDArray[Any]:
    """
    Read an image whose values are not colours.

    :param channels: The fewest that it must have.
    :returns: (H, W) for one channel, otherwise (H, W, C) in the order of OpenCV: red is the third.
    :raises DatasetError: There is no such image, it is damaged or has fewer channels.
    """
    pixels = _decode(storage, name, cv2.IMREAD_UNCHANGED)
    found = 1 if pixels.ndim == 2 else pixels.shape[2]
    if found < channels:
        raise DatasetError(
            f'expected {channels} channels in {name} of {storage.path}, found {found}'
        )
    return pixels


def _decode(storage: Storage, name: str, flags: int) -> npt.NDArray[Any]:
    content = np.frombuffer(storage.read(name), np.uint8)
    pixels = cv2.imdecode(content, flags) if content.size else None
    if pixels is None:
        raise DatasetError(
            f'expected an image in {name} of {storage.path}, found {content.size} bytes that are '
            'none: fetch it again'
        )
    return pixels


def check_sizes(sample: Sample) -> Sample:
    """
    Give the sample back where its labels and depth are as large as its image.

    :raises DatasetError: They are not.
    """
    size = sample.image.shape[:2]
    for what, pixels in (('labels', sample.labels), ('depth', sample.depth)):
        if pixels is not None and pixels.shape != size:
            raise DatasetError(
                f'expected {what} of {sample.name} in {size[1]}x{size[0]} pixels as its image, '
                f'found {pixels.shape[1]}x{pixels.shape[0]}'
            )
    return sample
