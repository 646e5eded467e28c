# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels and depth read back from image messages, of ROS or of a bag."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros import carla
from segformer_ros.image_encoding import decode_message, PLANE_DTYPES
from segformer_ros.labels import CARLA_0914, LabelSet

CODINGS = ('bridge', 'native')
"""Who publishes the truth: the ROS bridge of CARLA (and the built-in world), or CARLA itself."""


class ImageMessage(Protocol):
    """A sensor_msgs/Image of rclpy or of rosbags."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


def labels_from_message(message: ImageMessage) -> npt.NDArray[np.uint8]:
    """
    Read a label image.

    :returns: (H, W) class ids; may share its memory with the message.
    :raises ValueError: The message is no mono8 image or contradicts itself.
    """
    if message.encoding not in {'mono8', '8UC1'}:
        raise ValueError(f'expected labels in mono8, got {message.encoding!r}')
    return _plane(message)


def confidence_from_message(message: ImageMessage) -> npt.NDArray[np.uint8]:
    """
    Read an image of probabilities.

    :returns: (H, W) probability times 255; may share its memory with the message.
    :raises ValueError: The message is not a mono8 image or contradicts itself.
    """
    if message.encoding not in {'mono8', '8UC1'}:
        raise ValueError(f'expected a confidence in mono8, got {message.encoding!r}')
    return _plane(message)


def depth_from_message(message: ImageMessage) -> npt.NDArray[np.float32]:
    """
    Read a depth image.

    :returns: (H, W) metres, NaN where unknown; may share its memory with the message.
    :raises ValueError: The message is neither 32FC1 nor 16UC1, or contradicts itself.
    """
    if message.encoding == '32FC1':
        return np.asarray(_plane(message), np.float32)
    if message.encoding not in {'16UC1', 'mono16'}:
        raise ValueError(f'expected depth in 32FC1 or 16UC1, got {message.encoding!r}')
    millimetres = _plane(message)
    metres = millimetres.astype(np.float32) / np.float32(1000.0)
    metres[millimetres == 0] = np.nan
    return metres


def true_labels_from_message(
    message: ImageMessage, label_set: LabelSet = CARLA_0914, *, coding: str = 'bridge'
) -> carla.Decoded:
    """
    Read ground-truth labels of CARLA.

    :param label_set: The semantic tags of the simulator.
    :param coding: 'bridge' for colours, 'native' for the tag in the red channel.
    :raises ValueError: The image is not a colour image or contradicts itself, or there is no
        such coding.
    """
    if coding not in CODINGS:
        raise ValueError(f'coding must be one of {", ".join(CODINGS)}, not {coding!r}')
    if message.encoding in PLANE_DTYPES:
        raise ValueError(
            f'expected ground-truth labels in a colour image, got {message.encoding!r}'
        )
    bgra = decode_message(message)[..., ::-1]
    if coding == 'native':
        return carla.decode_tags(bgra, label_set)
    return carla.decode_labels(bgra, label_set)


def true_depth_from_message(message: ImageMessage) -> npt.NDArray[np.float32]:
    """
    Read ground-truth depth of CARLA: metres of the bridge, or the 24 bits of the simulator.

    :returns: (H, W) metres, +inf for the sky.
    :raises ValueError: The message is no depth image or contradicts itself.
    """
    if message.encoding in {'bgra8', 'bgr8'}:
        return carla.decode_depth_code(decode_message(message)[..., ::-1])
    return carla.decode_depth(depth_from_message(message))


def _plane(message: ImageMessage) -> npt.NDArray[Any]:
    dtype = np.dtype(PLANE_DTYPES[message.encoding])
    if message.is_bigendian:
        dtype = dtype.newbyteorder()
    height, width, step = message.height, message.width, message.step
    content = np.frombuffer(message.data, np.uint8)
    if not height or not width or step < width * dtype.itemsize or content.size != height * step:
        raise ValueError(
            f'a {width}x{height} {message.encoding} image with step {step} cannot have '
            f'{content.size} bytes of data'
        )
    rows = content.reshape(height, step)[:, : width * dtype.itemsize]
    return np.ascontiguousarray(rows).view(dtype)
