# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between the messages of a bag and numpy: field by field what the live node publishes."""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.typesys.store import Typestore
from segformer_ros import frame_rules, image_encoding
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import LabelClass

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
LABEL_CLASSES = 'segformer_ros/msg/LabelClasses'
_LABEL_CLASS = 'segformer_ros/msg/LabelClass'

# Colour types of PNG (https://www.w3.org/TR/png-3/#3colourType): grey, and grey with alpha.
_PNG_GREY = (0, 4)
_DTYPES = {'mono8': '|u1', '16UC1': '<u2', '32FC1': '<f4'}


def rgb_from_message(message: Any, message_type: str) -> npt.NDArray[np.uint8]:
    """
    Read a camera image.

    :param message: A sensor_msgs Image or CompressedImage, of ROS or of a bag.
    :returns: (H, W, 3) RGB.
    :raises EncodingError: The message contradicts itself, or its encoding is not known.
    """
    if message_type == COMPRESSED_IMAGE:
        return image_encoding.decode_compressed(message.data, message.format)
    return image_encoding.decode(
        message.data,
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
    )


def compressed_encoding(compressed_format: str, data: Any) -> str:
    """
    Say what was compressed, without decoding it.

    :param compressed_format: Field `format` of a CompressedImage, such as 'jpeg',
        'mono8; jpeg compressed ' or '16UC1; compressedDepth png'.
    :param data: Its bytes.
    :returns: An encoding where that is known; 'jpeg' for one of unknown colours; the format where
        it is neither JPEG nor PNG.
    """
    original, told, how = compressed_format.partition(';')
    if told:
        depth = ' compressedDepth' if 'compresseddepth' in how.lower() else ''
        return f'{original.strip()}{depth}'
    start = bytes(data[:26])
    if start[:2] == b'\xff\xd8':
        return 'jpeg'
    if start[:4] == b'\x89PNG' and len(start) == 26:
        bits, kind = start[24:]
        if kind not in _PNG_GREY:
            return 'rgb8'
        return '16UC1' if bits == 16 else 'mono8'
    return compressed_format.strip() or 'unknown format'


class MessageMaker:
    """Makes the messages of the outputs, of the types of one store."""

    def __init__(self, store: Typestore) -> None:
        self._types: dict[str, Any] = dict(store.types)

    def image(self, header: Any, pixels: npt.NDArray[Any], encoding: str) -> Any:
        """
        Make an image message.

        :param header: Taken as it is.
        :param pixels: (H, W) of what the encoding says.
        :param encoding: mono8, 16UC1 or 32FC1.
        """
        content = np.ascontiguousarray(pixels, _DTYPES[encoding])
        return self._types[IMAGE](
            header=header,
            height=content.shape[0],
            width=content.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=content.strides[0],
            data=content.reshape(-1).view(np.uint8),
        )

    def depth(self, header: Any, depth: npt.NDArray[np.float32], encoding: str) -> Any:
        """Make a depth image message; encoding is 32FC1 (metres) or 16UC1 (millimetres)."""
        return self.image(header, frame_rules.encode_depth(depth, encoding), encoding)

    def camera_info(self, header: Any, source: Any, override: Intrinsics | None = None) -> Any:
        """
        Make the camera_info beside an output.

        :param source: Copied where there is no override.
        :param override: Intrinsics of an ideal camera that replace the source.
        """
        if override is None:
            return dataclasses.replace(source, header=header)
        region = self._types['sensor_msgs/msg/RegionOfInterest']
        fx, fy, cx, cy = override.fx, override.fy, override.cx, override.cy
        return self._types[CAMERA_INFO](
            header=header,
            height=override.height,
            width=override.width,
            distortion_model='plumb_bob',
            d=np.zeros(5),
            k=np.array([fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]),
            r=np.eye(3).reshape(-1),
            p=np.array([fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]),
            binning_x=0,
            binning_y=0,
            roi=region(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
        )

    def label_classes(self, time_ns: int, classes: Iterable[LabelClass]) -> Any:
        """Make the message of label/classes; time_ns is its stamp."""
        kind = self._types[_LABEL_CLASS]
        class_map = [
            kind(
                class_id=item.id,
                class_name=item.name,
                red=item.color[0],
                green=item.color[1],
                blue=item.color[2],
            )
            for item in classes
        ]
        seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
        stamp = self._types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
        header = self._types['std_msgs/msg/Header'](stamp=stamp, frame_id='')
        return self._types[LABEL_CLASSES](header=header, class_map=class_map, threshold=0.0)
