# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages of sensor_msgs, of ROS or of a bag, by their fields alone."""

from __future__ import annotations

from typing import Any

from segformer_ros.image_encoding.compressed import decode_compressed
from segformer_ros.image_encoding.raw_pixels import decode, Image

PLANE_DTYPES = {'mono8': '<u1', '8UC1': '<u1', 'mono16': '<u2', '16UC1': '<u2', '32FC1': '<f4'}
"""Encodings of one number per pixel, little-endian."""


def is_compressed(message: Any) -> bool:
    """Return whether a message is a CompressedImage, which has a format and no encoding."""
    return not hasattr(message, 'encoding')


def decode_message(message: Any) -> Image:
    """
    Read a camera image.

    :param message: A sensor_msgs Image or CompressedImage.
    :returns: (H, W, 3) RGB, never sharing memory with the message.
    :raises EncodingError: The message contradicts itself, or its encoding is unknown.
    """
    if is_compressed(message):
        return decode_compressed(message.data, message.format)
    return decode(
        message.data,
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
    )
