# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The images of sensor_msgs/CompressedImage."""

from __future__ import annotations

import numpy as np
from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.image_files import decode_file, decode_stored, file_kind
from segformer_ros.image_encoding.raw_pixels import (
    Buffer,
    decode,
    DEPTH_ENCODINGS,
    Image,
    refuse_depth,
)

_KINDS = {'jpeg': 'jpeg', 'jpg': 'jpeg', 'png': 'png'}


def decode_compressed(data: Buffer, format: str) -> Image:  # noqa: A002 the field's name
    """
    Convert a JPEG or PNG to RGB; the orientation that EXIF asks for is not applied.

    What follows the end of the file is left out: some cameras send more bytes than it has.

    :param data: The whole file.
    :param format: As in sensor_msgs/CompressedImage, such as 'jpeg' or
        'bayer_rggb8; jpeg compressed '. A mosaic is one that this says, compressed as what it is.
    :returns: (H, W, 3) RGB.
    :raises EncodingError: The format is another one or that of depth, or the file is damaged or
        cut off.
    """
    refuse_depth(depth_encoding(format))
    original, _, compressed = (part.strip() for part in format.lower().partition(';'))
    kind = next((kind for name, kind in _KINDS.items() if name in format.lower()), '')
    if not kind:
        raise EncodingError(f'compressed format must be jpeg or png, not {format!r}')
    found = file_kind(data)
    try:
        if found not in {kind, ''}:
            raise EncodingError(f'expected the {kind} that the format says, found a {found}')
        if not _is_mosaic(original, compressed):
            return decode_file(data)
        pixels = decode_stored(data)
        if pixels.ndim == 3:
            return decode_file(data)
    except EncodingError as error:
        raise EncodingError(f'{error}: check the camera driver and the transport') from error
    if pixels.dtype == np.uint16:
        pixels = pixels >> 8
    height, width = pixels.shape
    name = original.replace('16', '8')
    content = np.ascontiguousarray(pixels, np.uint8)
    return decode(content, encoding=name, height=height, width=width, step=width)


def depth_encoding(format: str) -> str:  # noqa: A002 the field's name
    """
    Return the depth encoding that a format names, such as '16UC1; compressedDepth png'.

    :param format: As in sensor_msgs/CompressedImage.
    :returns: One of DEPTH_ENCODINGS; empty: no depth image, or of an unknown kind.
    """
    original = format.partition(';')[0].strip().upper()
    return original if original in DEPTH_ENCODINGS else ''


def _is_mosaic(original: str, compressed: str) -> bool:
    """Return whether the pixels that were compressed are still those of a colour filter."""
    words = [word for word in compressed.split() if word not in {*_KINDS, 'compressed'}]
    return original.startswith('bayer_') and all(word.startswith('bayer_') for word in words)
