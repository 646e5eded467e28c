# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of the outputs, field by field, without ROS: the node and bags make them real."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules
from segformer_ros.camera import Intrinsics
from segformer_ros.image_encoding import PLANE_DTYPES
from segformer_ros.labels import LabelClass
from segformer_ros.point_cloud import Points

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
POINT_CLOUD = 'sensor_msgs/msg/PointCloud2'
LABEL_CLASSES = 'segformer_ros/msg/LabelClasses'
LABEL_INFO = 'vision_msgs/msg/LabelInfo'

# Of sensor_msgs/PointField.
_POINT_DATATYPES = {'u1': 2, 'u4': 6, 'f4': 7}
_CAMERA_FIELDS = (
    'height',
    'width',
    'distortion_model',
    'd',
    'k',
    'r',
    'p',
    'binning_x',
    'binning_y',
    'roi',
)


@dataclass(frozen=True)
class Content:
    """
    A message before it is one of ROS or of a bag.

    :param type: Such as 'sensor_msgs/msg/Image'.
    :param fields: All of them: plain values, 1-D arrays of the dtype of the field, messages that
        exist already such as the header, or further Contents and lists of them.
    """

    type: str
    fields: dict[str, Any]


def header(time_ns: int) -> Content:
    """Return a header with a stamp and no frame."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    stamp = Content('builtin_interfaces/msg/Time', {'sec': seconds, 'nanosec': nanoseconds})
    return Content('std_msgs/msg/Header', {'stamp': stamp, 'frame_id': ''})


def image(header: Any, pixels: npt.NDArray[Any], encoding: str) -> Content:
    """
    Return an image message.

    :param header: Taken as it is.
    :param pixels: (H, W) for mono8, 16UC1 and 32FC1, (H, W, 3) for rgb8.
    :param encoding: One of mono8, rgb8, 16UC1, 32FC1.
    :raises ValueError: The array is not what the encoding says.
    """
    dtype, rank = ('<u1', 3) if encoding == 'rgb8' else (PLANE_DTYPES[encoding], 2)
    if pixels.ndim != rank or pixels.dtype.kind != dtype[1] or not pixels.size:
        raise ValueError(f'{pixels.dtype} of shape {pixels.shape} is not a {encoding} image')
    content = np.ascontiguousarray(pixels, dtype)
    fields = {
        'header': header,
        'height': content.shape[0],
        'width': content.shape[1],
        'encoding': encoding,
        'is_bigendian': 0,
        # Not the strides of the array: of one row that was turned they may be negative.
        'step': content.nbytes // content.shape[0],
        'data': content.reshape(-1).view(np.uint8),
    }
    return Content(IMAGE, fields)


def depth_image(header: Any, depth: npt.NDArray[np.float32], encoding: str) -> Content:
    """
    Return a depth image message.

    :param depth: (H, W) metres, NaN where unknown.
    :param encoding: '32FC1' (metres) or '16UC1' (millimetres, 0 where unknown).
    """
    return image(header, frame_rules.encode_depth(depth, encoding), encoding)


def point_cloud(header: Any, points: Points) -> Content:
    """
    Return a cloud.

    :param points: (rows, columns) of an organised cloud, which may have NaN, or (N,) without;
        of point_cloud.point_type.
    """
    organized = points.ndim == 2
    height, width = points.shape if organized else (1, len(points))
    fields = {
        'header': header,
        'height': height,
        'width': width,
        'fields': [
            _point_field(name, *place[:2]) for name, place in (points.dtype.fields or {}).items()
        ],
        'is_bigendian': False,
        'point_step': points.dtype.itemsize,
        'row_step': points.dtype.itemsize * width,
        'data': np.ascontiguousarray(points).reshape(-1).view(np.uint8),
        'is_dense': not organized,
    }
    return Content(POINT_CLOUD, fields)


def _point_field(name: str, kind: np.dtype[Any], offset: int) -> Content:
    fields = {
        'name': name,
        'offset': offset,
        'datatype': _POINT_DATATYPES[kind.str[1:]],
        'count': 1,
    }
    return Content('sensor_msgs/msg/PointField', fields)


def camera_info(header: Any, source: Any, override: Intrinsics | None = None) -> Content:
    """
    Return the camera_info next to an output.

    :param header: Of the camera image.
    :param source: A message of ROS or of a bag, copied where there is no override.
    :param override: Intrinsics of an ideal camera that replace the source.
    :raises ValueError: There is neither a source nor an override.
    """
    if override is None:
        if source is None:
            raise ValueError('expected a camera_info or intrinsics, got neither')
        copied = {name: getattr(source, name) for name in _CAMERA_FIELDS}
        return Content(CAMERA_INFO, {'header': header, **copied})
    fx, fy, cx, cy = override.fx, override.fy, override.cx, override.cy
    region = dict.fromkeys(('x_offset', 'y_offset', 'height', 'width'), 0)
    fields = {
        'header': header,
        'height': override.height,
        'width': override.width,
        'distortion_model': 'plumb_bob',
        'd': np.zeros(5),
        'k': np.array([fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]),
        'r': np.eye(3).reshape(-1),
        'p': np.array([fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]),
        'binning_x': 0,
        'binning_y': 0,
        'roi': Content('sensor_msgs/msg/RegionOfInterest', {**region, 'do_rectify': False}),
    }
    return Content(CAMERA_INFO, fields)


def label_classes(header: Any, classes: Iterable[LabelClass], source: str) -> Content:
    """
    Return the message of label/classes: ids, names and colours.

    :param source: Where the labels come from, see Manifest.source_of_labels.
    """
    rows = [
        Content(
            'segformer_ros/msg/LabelClass',
            {
                'class_id': item.id,
                'class_name': item.name,
                **dict(zip(('red', 'green', 'blue'), item.color, strict=True)),
            },
        )
        for item in classes
    ]
    fields = {'header': header, 'class_map': rows, 'source': source, 'threshold': 0.0}
    return Content(LABEL_CLASSES, fields)


def vision_label_info(header: Any, classes: Iterable[LabelClass], source: str = '') -> Content:
    """Return the message of label/info: ids and names; it has no place for the source."""
    rows = [
        Content('vision_msgs/msg/VisionClass', {'class_id': item.id, 'class_name': item.name})
        for item in classes
    ]
    return Content(LABEL_INFO, {'header': header, 'class_map': rows, 'threshold': 0.0})
