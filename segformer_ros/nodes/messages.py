# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between sensor_msgs and numpy; of all arrays only raw ones share their bytes with a message."""

from __future__ import annotations

from array import array
import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding import (
    CameraImage,
    decode_message,
    EncodingError,
    is_compressed,
    raw,
    RAW_ENCODINGS,
    refuse_depth,
    SUPPORTED,
)
from segformer_ros.nodes.message_classes import message_class
from segformer_ros.output_topics.contents import Content
from sensor_msgs.msg import CompressedImage, Image


def rgb_from_message(message: Image | CompressedImage) -> npt.NDArray[np.uint8]:
    """
    Read a camera image.

    An encoding that this package does not know goes through cv_bridge where that is installed.

    :returns: (H, W, 3) RGB, never sharing memory with the message.
    :raises EncodingError: The message contradicts itself, or its encoding is not known.
    """
    if is_compressed(message) or message.encoding in SUPPORTED:
        return decode_message(message)
    refuse_depth(message.encoding)
    return _rgb_by_cv_bridge(message)


def raw_from_message(message: Image | CompressedImage) -> CameraImage:
    """
    Take the bytes of a camera image as they are; where its encoding needs more, read it as RGB.

    :returns: Of RAW_ENCODINGS a view of the message, else what rgb_from_message gives.
    :raises EncodingError: As rgb_from_message.
    """
    if is_compressed(message) or message.encoding not in RAW_ENCODINGS:
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


def ros_message(content: Content) -> Any:
    """
    Make a message of ROS.

    :raises AttributeError: The package of the type is not installed.
    """
    message: Any = message_class(content.type)()  # type: ignore[misc]
    for name, value in content.fields.items():
        if isinstance(getattr(message, name), array) and isinstance(value, np.ndarray):
            getattr(message, name).frombytes(value.view(np.uint8).data)
        else:
            setattr(message, name, _as_ros(value))
    return message


def _as_ros(value: Any) -> Any:
    if isinstance(value, Content):
        return ros_message(value)
    if isinstance(value, list):
        return [_as_ros(item) for item in value]
    return value
