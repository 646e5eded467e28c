# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of the world as the messages that the CARLA ROS bridge publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from builtin_interfaces.msg import Time
import cv2
import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from segformer_ros import carla
from segformer_ros.camera import Intrinsics
from segformer_ros.carla.topics import DEPTH, LABELS, RGB, sensor_topic
from segformer_ros.nodes.messages import ros_message
from segformer_ros.output_topics.contents import camera_info
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

# The bridge says 10 everywhere, which is reliable, volatile, keep last 10.
QUEUE_DEPTH = 10


class WorldFrame(Protocol):
    """What is needed of a frame of the world; see segformer_ros.world.Frame."""

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB."""

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """(H, W) ids of CARLA_0914."""

    @property
    def depth(self) -> npt.NDArray[np.float32]:
        """(H, W) metres along the optical axis, +inf for the sky."""

    @property
    def intrinsics(self) -> Intrinsics:
        """Those of the camera that sees the frame."""


@dataclass(frozen=True)
class SensorMessages:
    """One sensor's messages of one frame; they share one header."""

    sensor_id: str
    camera_info: CameraInfo
    image: Image


def messages_from_frame(
    frame: WorldFrame, role_name: str, *, ground_truth: bool
) -> list[SensorMessages]:
    """
    Fill the messages of all sensors, without a stamp.

    :param ground_truth: Whether labels and depth are among the sensors.
    """
    bgra = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGRA), np.uint8)
    images: list[tuple[str, str, npt.NDArray[Any]]] = [(RGB, 'bgra8', bgra)]
    if ground_truth:
        images.append((DEPTH, '32FC1', carla.encode_depth(frame.depth)))
        images.append((LABELS, 'bgra8', carla.encode_labels(frame.labels)))
    messages = []
    for sensor_id, encoding, pixels in images:
        header = Header(frame_id=f'{role_name}/{sensor_id}')
        info = ros_message(camera_info(header, None, frame.intrinsics))
        messages.append(SensorMessages(sensor_id, info, _image(header, encoding, pixels)))
    return messages


def _image(header: Header, encoding: str, pixels: npt.NDArray[Any]) -> Image:
    rows = np.ascontiguousarray(pixels)
    height, width = rows.shape[:2]
    step = rows.nbytes // height
    msg = Image(header=header, height=height, width=width, encoding=encoding, step=step)
    msg.data.frombytes(rows.data.cast('B'))
    return msg


class BridgePublisher:
    """The topics of one vehicle and the clock."""

    def __init__(self, node: Node, role_name: str, *, ground_truth: bool) -> None:
        """Create the publishers of the camera, and of the ground truth where it is wanted."""
        self._clock = node.create_publisher(Clock, '/clock', QUEUE_DEPTH)
        self._sensors: dict[str, tuple[Publisher[CameraInfo], Publisher[Image]]] = {}
        for sensor_id in (RGB, DEPTH, LABELS) if ground_truth else (RGB,):
            info = sensor_topic(role_name, sensor_id, 'camera_info')
            image = sensor_topic(role_name, sensor_id, 'image')
            self._sensors[sensor_id] = (
                node.create_publisher(CameraInfo, info, QUEUE_DEPTH),
                node.create_publisher(Image, image, QUEUE_DEPTH),
            )

    def publish(self, messages: list[SensorMessages], stamp: Time) -> None:
        """
        Publish the clock, then of every sensor camera_info and right after it the image.

        :param stamp: Set in all headers.
        """
        self._clock.publish(Clock(clock=stamp))
        for item in messages:
            item.camera_info.header.stamp = stamp
            item.image.header.stamp = stamp
            info, image = self._sensors[item.sensor_id]
            info.publish(item.camera_info)
            image.publish(item.image)

    def has_subscriber(self) -> bool:
        """Return whether anybody takes the camera image."""
        return self._sensors[RGB][1].get_subscription_count() > 0

    def publishers(self) -> list[Publisher[Image]]:
        """Return the publishers of the images."""
        return [image for _, image in self._sensors.values()]
