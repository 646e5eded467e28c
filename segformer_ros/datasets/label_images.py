# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label and depth images of one channel, as datasets store them."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.carla import decode_labels
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage import Storage
from segformer_ros.datasets.storage_images import read_codes, read_rgb
from segformer_ros.labels import LabelSet

_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_PALETTE = 3
# What a grey image of so many bits is multiplied with when it becomes one of 8.
_SPREAD = {1: 255, 2: 85, 4: 17, 8: 1}


def read_ids(storage: Storage, name: str) -> npt.NDArray[np.uint8]:
    """
    Read class ids; those of a PNG with a palette are its indices, not its colours.

    :returns: (H, W) ids.
    :raises DatasetError: There is no such image, it is damaged or has several channels.
    """
    content, factor = _without_palette(storage.read(name))
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DatasetError(
            f'expected an image in {name} of {storage.path}, found {len(content)} bytes that are '
            'none: fetch it again'
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
    return np.asarray(pixels // factor, np.uint8)


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


def _without_palette(content: bytes) -> tuple[bytes, int]:
    """Turn a PNG of indices into a grey one of the same bits, and say what these are scaled by."""
    if not content.startswith(_SIGNATURE) or content[25:26] != bytes([_PALETTE]):
        return content, 1
    header = bytearray(content[12:29])
    header[13] = 0
    parts = [content[:12], bytes(header), zlib.crc32(header).to_bytes(4, 'big')]
    place = 33
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], 'big') + 12
        if content[place + 4 : place + 8] not in {b'PLTE', b'tRNS'}:
            parts.append(content[place : place + size])
        place += size
    return b''.join(parts), _SPREAD.get(header[12], 1)
