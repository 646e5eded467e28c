# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between sensor_msgs and numpy; of all arrays only raw ones share their bytes with a message."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules
from segformer_ros.camera import back_project, Intrinsics
from segformer_ros.image_encoding import (
    CameraImage,
    decode,
    decode_compressed,
    EncodingError,
    raw,
    RAW_ENCODINGS,
    SUPPORTED,
)
from segformer_ros.labels import VOID
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header

_DTYPES = {
    'mono8': ('|u1', 2),
    'rgb8': ('|u1', 3),
    '16UC1': ('<u2', 2),
    '32FC1': ('<f4', 2),
}
_POINT = np.dtype(
    {
        'names': ['xyz', 'label'],
        'formats': [('<f4', (3,)), '|u1'],
        'offsets': [0, 12],
        'itemsize': 16,
    }
)
_FIELDS = (
    ('x', 0, PointField.FLOAT32),
    ('y', 4, PointField.FLOAT32),
    ('z', 8, PointField.FLOAT32),
    ('label', 12, PointField.UINT8),
)


def rgb_from_message(message: Image | CompressedImage) -> npt.NDArray[np.uint8]:
    """
    Read a camera image.

    An encoding that this package does not know goes through cv_bridge where that is installed.

    :returns: (H, W, 3) RGB, never sharing memory with the message.
    :raises EncodingError: The message contradicts itself, or its encoding is not known.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data, message.format)
    if message.encoding not in SUPPORTED:
        return _rgb_by_cv_bridge(message)
    return decode(
        message.data,
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
    )


def raw_from_message(message: Image | CompressedImage) -> CameraImage:
    """
    Take the bytes of a camera image as they are; where its encoding needs more, read it as RGB.

    :returns: Of RAW_ENCODINGS a view of the message, else what rgb_from_message gives.
    :raises EncodingError: As rgb_from_message.
    """
    if isinstance(message, CompressedImage) or message.encoding not in RAW_ENCODINGS:
        return rgb_from_message(message)
    return raw(
        message.data,
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
    )


def _rgb_by_cv_bridge(message: Image) -> npt.NDArray[np.uint8]:
    refusal = f'encoding must be one of {", ".join(SUPPORTED)}, not {message.encoding!r}'
    shape = (message.height, message.width, 3)
    if not all(shape) or len(message.data) != message.height * message.step:
        raise EncodingError(
            f'a {message.width}x{message.height} image with step {message.step} cannot have '
            f'{len(message.data)} bytes of data'
        )
    try:
        bridge = importlib.import_module('cv_bridge')
    except ImportError as error:
        raise EncodingError(f'{refusal}; cv_bridge, which may know more, is missing') from error
    try:
        image = np.ascontiguousarray(bridge.CvBridge().imgmsg_to_cv2(message, 'rgb8'), np.uint8)
    except (AttributeError, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise EncodingError(f'{refusal}; nor does cv_bridge take it: {error}') from error
    if image.shape != shape:
        raise EncodingError(f'{refusal}; cv_bridge made {image.shape} of it')
    return image


def image_message(header: Header, pixels: npt.NDArray[Any], encoding: str) -> Image:
    """
    Make an image message.

    :param header: Taken as it is.
    :param pixels: (H, W) for mono8, 16UC1 and 32FC1, (H, W, 3) for rgb8; copied.
    :param encoding: One of mono8, rgb8, 16UC1, 32FC1.
    :raises ValueError: The array is not what the encoding says.
    """
    dtype, rank = _DTYPES[encoding]
    if pixels.ndim != rank or pixels.dtype.kind != dtype[1] or not pixels.size:
        raise ValueError(f'{pixels.dtype} of shape {pixels.shape} is not a {encoding} image')
    content = np.ascontiguousarray(pixels, dtype)
    message = Image(
        header=header, height=content.shape[0], width=content.shape[1], encoding=encoding
    )
    message.step = content.strides[0]
    message.data.frombytes(content.data.cast('B'))
    return message


def depth_message(header: Header, depth: npt.NDArray[np.float32], encoding: str) -> Image:
    """
    Make a depth image message.

    :param depth: (H, W) metres, NaN where unknown.
    :param encoding: '32FC1' (metres) or '16UC1' (millimetres, 0 where unknown).
    """
    return image_message(header, frame_rules.encode_depth(depth, encoding), encoding)


def point_cloud_message(
    header: Header,
    depth: npt.NDArray[np.float32],
    labels: npt.NDArray[np.uint8] | None,
    intrinsics: Intrinsics,
) -> PointCloud2:
    """
    Make an organised cloud with one point for every pixel.

    :param depth: (H, W) metres; a point is NaN where it is not finite.
    :param labels: (H, W) class ids; None makes all of them VOID.
    :param intrinsics: Of the camera that took the image.
    """
    points = np.zeros(depth.shape, _POINT)
    points['xyz'] = back_project(np.where(np.isfinite(depth), depth, np.nan), intrinsics)
    points['label'] = VOID if labels is None else labels
    fields = [
        PointField(name=name, offset=offset, datatype=datatype, count=1)
        for name, offset, datatype in _FIELDS
    ]
    message = PointCloud2(
        header=header,
        height=depth.shape[0],
        width=depth.shape[1],
        fields=fields,
        point_step=_POINT.itemsize,
        row_step=points.strides[0],
        is_dense=False,
    )
    message.data.frombytes(points.view(np.uint8).data.cast('B'))
    return message


def camera_info_message(
    header: Header, source: CameraInfo | None, override: Intrinsics | None = None
) -> CameraInfo:
    """
    Make the camera_info beside an output.

    :param header: Of the camera image.
    :param source: Copied where there is no override.
    :param override: Intrinsics of an ideal camera that replace the source.
    :raises ValueError: There is neither a source nor an override.
    """
    if override is not None:
        fx, fy, cx, cy = override.fx, override.fy, override.cx, override.cy
        return CameraInfo(
            header=header,
            height=override.height,
            width=override.width,
            distortion_model='plumb_bob',
            d=[0.0] * 5,
            k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
            r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        )
    if source is None:
        raise ValueError('expected a camera_info or intrinsics, got neither')
    return CameraInfo(
        header=header,
        **{
            name: getattr(source, name)
            for name in source.get_fields_and_field_types()
            if name != 'header'
        },
    )
