# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where frames are to each other at the time of an image, as tf2 knows it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.time import Time


class TransformError(Exception):
    """Tf2 does not know, or not yet, how two frames lie to each other."""


class Transforms:
    """Listens to /tf and /tf_static by tf2_ros, the library that all of ROS 2 uses for it."""

    def __init__(self, node: Node) -> None:
        """
        Subscribe.

        :raises ValueError: tf2_ros is not installed.
        """
        try:
            self._tf2: Any = importlib.import_module('tf2_ros')
        except ImportError as error:
            raise ValueError(
                f'tf2_ros is missing ({error}): install the package tf2_ros_py of your ROS '
                'distribution, or set camera_height_m and give frame and robot_frame the same name'
            ) from error
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)

    def lookup(self, target: str, source: str, stamp: Any) -> npt.NDArray[np.float64]:
        """
        Find where a frame is in another one.

        :param stamp: A builtin_interfaces/Time.
        :returns: (4, 4), from coordinates in the source frame to those in the target frame.
        :raises TransformError: Tf2 cannot say it for this time.
        """
        try:
            found = self._buffer.lookup_transform(target, source, Time.from_msg(stamp))
        except self._tf2.TransformException as error:
            raise TransformError(' '.join(f'{error}'.split())) from error
        return matrix(found.transform)


def matrix(transform: Any) -> npt.NDArray[np.float64]:
    """
    Write a geometry_msgs/Transform as a (4, 4) matrix.

    :raises TransformError: Its quaternion is 0 or not finite.
    """
    q, t = transform.rotation, transform.translation
    quaternion = np.array((q.x, q.y, q.z, q.w))
    length = float(np.linalg.norm(quaternion))
    if not 0.0 < length < np.inf:
        raise TransformError(f'expected a rotation from tf2, got the quaternion {quaternion}')
    x, y, z, w = quaternion / length
    result = np.eye(4)
    result[:3, :3] = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    result[:3, 3] = t.x, t.y, t.z
    return result


def level_camera(height_m: float, pitch_deg: float) -> npt.NDArray[np.float64]:
    """
    Place a camera above the origin of the robot frame that looks ahead.

    :param height_m: Above the ground.
    :param pitch_deg: Positive looks down.
    :returns: (4, 4), from the optical frame to that of the robot (REP 103).
    """
    c, s = np.cos(np.radians(pitch_deg)), np.sin(np.radians(pitch_deg))
    return np.array(
        ((0.0, -s, c, 0.0), (-1.0, 0.0, 0.0, 0.0), (0.0, -c, -s, height_m), (0.0, 0.0, 0.0, 1.0))
    )
