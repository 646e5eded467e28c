# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From bytes to RGB: the messages of sensor_msgs and image files, without ROS."""

from segformer_ros.image_encoding.compressed import decode_compressed, depth_encoding
from segformer_ros.image_encoding.errors import EncodingError
from segformer_ros.image_encoding.image_files import decode_file, decode_stored, file_kind
from segformer_ros.image_encoding.jpeg_writer import encode_jpeg, encode_photo, media_type
from segformer_ros.image_encoding.messages import decode_message, is_compressed, PLANE_DTYPES
from segformer_ros.image_encoding.png_writer import encode_png
from segformer_ros.image_encoding.raw_pixels import (
    as_rgb,
    Buffer,
    CameraImage,
    decode,
    DEPTH_ENCODINGS,
    Image,
    raw,
    RAW_ENCODINGS,
    RawImage,
    refuse_depth,
    SUPPORTED,
)

__all__ = [
    'DEPTH_ENCODINGS',
    'PLANE_DTYPES',
    'RAW_ENCODINGS',
    'SUPPORTED',
    'Buffer',
    'CameraImage',
    'EncodingError',
    'Image',
    'RawImage',
    'as_rgb',
    'decode',
    'decode_compressed',
    'decode_file',
    'decode_message',
    'decode_stored',
    'depth_encoding',
    'encode_jpeg',
    'encode_photo',
    'encode_png',
    'file_kind',
    'is_compressed',
    'media_type',
    'raw',
    'refuse_depth',
]
