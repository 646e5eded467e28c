# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
JPEG as this package writes it: damage ends at the next row of blocks.

What is too long for a JPEG is written as PNG.
"""

from __future__ import annotations

import cv2
from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.png_writer import encode_png
from segformer_ros.image_encoding.raw_pixels import Image

MAX_SIDE = 65500
"""The most pixels that libjpeg writes in a row or a column."""

_BLOCK = 16


def encode_jpeg(image: Image, quality: int) -> bytes:
    """
    Encode an image with a restart marker after each row of 16x16 blocks (chroma 4:2:0).

    :param image: (H, W, 3) RGB.
    :param quality: 0 to 100.
    :raises EncodingError: A side has more than MAX_SIDE pixels, or none.
    """
    height, width = image.shape[:2]
    if not 0 < min(height, width) <= max(height, width) <= MAX_SIDE:
        raise EncodingError(f'expected 1 to {MAX_SIDE} pixels a side, got {width}x{height}')
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        -(-width // _BLOCK),
    )
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def encode_photo(image: Image, quality: int) -> tuple[str, bytes]:
    """
    Encode an image as JPEG, or as PNG where a side has more than MAX_SIDE pixels.

    :param image: (H, W, 3) RGB.
    :param quality: Of the JPEG, 0 to 100.
    :returns: 'jpg' or 'png', and the file.
    :raises EncodingError: A side has no pixels.
    """
    if min(image.shape) and max(image.shape) > MAX_SIDE:
        return 'png', encode_png(image)
    return 'jpg', encode_jpeg(image, quality)


def media_type(suffix: str) -> str:
    """Return the media type of what encode_photo has made."""
    return {'jpg': 'image/jpeg', 'png': 'image/png'}[suffix]
