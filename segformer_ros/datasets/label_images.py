# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label and depth images of one channel, as datasets store them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from segformer_ros.carla import decode_labels
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.datasets.storage_images import read_codes, read_numbers, read_rgb
from segformer_ros.labels import LabelSet


def read_ids(storage: Storage, name: str) -> npt.NDArray[np.uint8]:
    """
    Read class ids as the file stores them; with a palette the indices, not the colours.

    :returns: (H, W) ids.
    :raises DatasetError: There is no such image, it is damaged, has several channels or no whole
        numbers.
    """
    pixels = read_numbers(storage, name)
    if pixels.dtype.kind != 'u':
        raise DatasetError(
            f'expected class ids as whole numbers in {name} of {storage.path}, found '
            f'{pixels.dtype}'
        )
    if pixels.ndim != 2:
        raise DatasetError(
            f'expected class ids in one channel in {name} of {storage.path}, found '
            f'{pixels.shape[2]} channels: store ids, not colours'
        )
    if pixels.max(initial=0) > 255:
        raise DatasetError(
            f'expected class ids up to 255 in {name} of {storage.path}, found {pixels.max()}'
        )
    return np.asarray(pixels, np.uint8)


def read_colors(storage: Storage, name: str, label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """
    Read class ids that are stored as the colours of a label set.

    :returns: (H, W) ids.
    :raises DatasetError: There is no such image, it is damaged or has colours of no class.
    """
    rgb = read_rgb(storage, name)
    found = decode_labels(rgb[..., ::-1], label_set)
    if found.unknown:
        colors = ', '.join(found.unknown)
        raise DatasetError(
            f'expected colours of {label_set.name} in {name} of {storage.path}, found {colors}'
        )
    return found.labels


def read_scaled_depth(storage: Storage, name: str, scale: float) -> npt.NDArray[np.float32]:
    """
    Read depth that is stored as whole numbers.

    :param scale: What makes one metre.
    :returns: (H, W) metres, NaN where 0 is stored.
    :raises DatasetError: There is no such image, it is damaged or has several channels.
    """
    codes = read_plain(storage, name)
    depth = codes.astype(np.float32) / np.float32(scale)
    depth[codes == 0] = np.nan
    return depth


def read_plain(storage: Storage, name: str) -> npt.NDArray[np.uint16]:
    """
    Read whole numbers of 8 or 16 bits.

    :returns: (H, W).
    :raises DatasetError: There is no such image, it is damaged or has several channels.
    """
    codes = read_codes(storage, name, 1)
    if codes.ndim != 2 or codes.dtype not in (np.uint8, np.uint16):
        raise DatasetError(
            f'expected whole numbers in one channel in {name} of {storage.path}, found '
            f'{codes.dtype} of shape {codes.shape}'
        )
    return np.asarray(codes, np.uint16)
