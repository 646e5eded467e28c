# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Outputs as compressed images, in the bytes that image_transport's plugins read.

https://github.com/ros-perception/image_transport_plugins: compressed_image_transport, and
compressed_depth_image_transport with its 12 bytes in front of a PNG of 16 bits: int32 0 (inverse
depth), and the float32 A and B of value = A / metres + B. For 16UC1 the PNG has the millimetres.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules
from segformer_ros.image_encoding import encode_photo, encode_png
from segformer_ros.output_topics.contents import COMPRESSED_IMAGE, Content

_JPEG_QUALITY = 80
_INVERSE_DEPTH = 0
# Metres at which 16 bits end: nearer ones are written as the first, farther ones as unknown.
NEAREST_M, FARTHEST_M = 0.25, 1000.0
_MOST = 65535.0
_A = (_MOST - 1.0) / (1.0 / NEAREST_M - 1.0 / FARTHEST_M)
_B = 1.0 - _A / FARTHEST_M


def labels(header: Any, ids: npt.NDArray[np.uint8]) -> Content:
    """Return (H, W) class ids as a PNG, without loss."""
    return _message(header, 'mono8; png compressed ', encode_png(ids))


def colors(header: Any, pixels: npt.NDArray[np.uint8]) -> Content:
    """Return a (H, W, 3) RGB picture as a JPEG; one that is too long for that as a PNG."""
    suffix, data = encode_photo(pixels, _JPEG_QUALITY)
    kind = 'jpeg' if suffix == 'jpg' else suffix
    return _message(header, f'rgb8; {kind} compressed bgr8', data)


def depth(header: Any, metres: npt.NDArray[np.float32], encoding: str) -> Content:
    """
    Return depth as a PNG of 16 bits.

    :param metres: (H, W), NaN where unknown.
    :param encoding: '32FC1': inverse depth, with steps of 6 mm at 10 metres and 0.4 m at 80, 0
        where unknown; '16UC1': millimetres as in depth/image, without loss.
    """
    if encoding == '16UC1':
        values, a, b = frame_rules.depth_to_millimetres(metres), 0.0, 0.0
    else:
        values, a, b = _inverse(metres), _A, _B
    start = struct.pack('<iff', _INVERSE_DEPTH, a, b)
    return _message(header, f'{encoding}; compressedDepth png', start + encode_png(values))


def _inverse(metres: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    with np.errstate(invalid='ignore', divide='ignore'):
        known = (metres > 0.0) & (metres <= FARTHEST_M)
        values = np.minimum(np.rint(np.float32(_A) / metres + np.float32(_B)), np.float32(_MOST))
    return np.where(known, values, np.float32(0.0)).astype(np.uint16)


def _message(header: Any, text: str, data: bytes) -> Content:
    fields = {'header': header, 'format': text, 'data': np.frombuffer(data, np.uint8)}
    return Content(COMPRESSED_IMAGE, fields)
