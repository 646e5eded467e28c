# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One camera of the node: its subscriptions, its outputs and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from segformer_ros import frame_rules
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import LabelClass
from segformer_ros.nodes import messages
from segformer_ros.nodes.frame_statistics import FrameStatistics
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.nodes.publishers import Frame, Outputs
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header


@dataclass(frozen=True)
class Arrival:
    """
    An image message as it came.

    :param arrived_s: By the steady clock.
    :param camera_info: The latest one that came before the image.
    """

    message: Image | CompressedImage
    arrived_s: float
    camera_info: CameraInfo | None


class CameraStream:
    """Receives while started; the outputs exist until close()."""

    def __init__(
        self,
        node: Node,
        name: str,
        classes: Sequence[LabelClass],
        parameters: Parameters,
        steady: Callable[[], float],
    ) -> None:
        """
        Create the outputs.

        :param name: Namespace of all topics of the camera, may be empty.
        :param classes: Of the label image.
        """
        self.name = name
        prefix = f'{name}/' if name else ''
        image = node.resolve_topic_name(f'{prefix}image')
        compressed = parameters.transport == 'compressed'
        self._message_type = CompressedImage if compressed else Image
        self.topic = f'{image}/compressed' if compressed else image
        self._info_topic = node.resolve_topic_name(f'{prefix}camera_info')
        self.outputs = Outputs(node, name, classes)
        self.statistics = FrameStatistics(steady, parameters.latency_window)
        self._node = node
        self._steady = steady
        self._camera_info: CameraInfo | None = None
        self._warned = False
        self._subscriptions: list[Subscription[Any]] = []

    def start(self, parameters: Parameters, on_image: Callable[[Arrival], None]) -> None:
        """
        Subscribe, with all numbers at zero.

        :param on_image: Called with every image in the thread of the executor.
        """
        self.statistics = FrameStatistics(self._steady, parameters.latency_window)
        self._camera_info = None

        def receive(message: Image | CompressedImage) -> None:
            stamp = message.header.stamp
            self.statistics.received(stamp.sec * 1_000_000_000 + stamp.nanosec)
            on_image(Arrival(message, self._steady(), self._camera_info))

        # The executor serves in this order: a camera_info comes before its image.
        self._subscribe(CameraInfo, self._info_topic, self._remember)
        self._subscribe(self._message_type, self.topic, receive)

    def stop(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def close(self) -> None:
        """Unsubscribe and destroy the outputs."""
        self.stop()
        self.outputs.close()

    def open(self, arrival: Arrival, parameters: Parameters, *, raw: bool = False) -> Frame:
        """
        Read an image, and note what is wrong with its camera_info.

        :param raw: Leave it as it came where that is possible.
        :raises EncodingError: The message contradicts itself, or its encoding is not known.
        """
        header, info = arrival.message.header, arrival.camera_info
        read = messages.raw_from_message if raw else messages.rgb_from_message
        image = read(arrival.message)
        size = (image.shape[0], image.shape[1])
        known = calibrate(info, size, parameters.camera_fov_deg)
        self.statistics.camera_problem(_problem(info, size, known))
        self._warn_once(info, size, parameters.camera_fov_deg)
        beside = _beside(header, info, size, known if parameters.camera_fov_deg else None)
        return Frame(header, image, known, beside)

    def _warn_once(self, info: CameraInfo | None, size: tuple[int, int], fov_deg: float) -> None:
        """Tell about a camera_info that is wrong, not only missing."""
        if self._warned or info is None or (info.height, info.width) != size:
            return
        why = frame_rules.implausible_focal_length(info.k[0], size[1])
        if why:
            self._warned = True
            advice = f'using camera_fov_deg ({fov_deg:g})' if fov_deg else 'set camera_fov_deg'
            self._node.get_logger().warning(f'{self._info_topic} is wrong: {why}; {advice}')

    def _remember(self, message: CameraInfo) -> None:
        self._camera_info = message

    def _subscribe(self, message_type: Any, topic: str, callback: Callable[[Any], None]) -> None:
        qos = QoSProfile(
            depth=1,
            history=HistoryPolicy.KEEP_LAST,
            reliability=ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.VOLATILE,
        )
        options = QoSOverridingOptions.with_default_policies()
        self._subscriptions.append(
            self._node.create_subscription(
                message_type, topic, callback, qos, qos_overriding_options=options
            )
        )


def calibrate(info: CameraInfo | None, size: tuple[int, int], fov_deg: float) -> Intrinsics | None:
    """
    Decide which intrinsics hold for an image.

    :param size: Height and width of the image.
    :param fov_deg: Replaces K of the camera_info unless it is 0.
    :returns: None where the camera is unknown.
    """
    if info is None:
        return frame_rules.intrinsics(None, None, size, fov_deg=fov_deg)
    info_size = (info.height, info.width)
    return frame_rules.intrinsics(info.k, info_size, size, fov_deg=fov_deg)


def _problem(info: CameraInfo | None, size: tuple[int, int], known: Intrinsics | None) -> str:
    consequence = 'depth is not scaled to this camera and there are no points'
    if known is not None:
        return ''
    if info is None:
        return f'no camera_info: {consequence}'
    if (info.height, info.width) != size:
        return (
            f'camera_info is for {info.width}x{info.height} images, not for '
            f'{size[1]}x{size[0]}: {consequence}'
        )
    why = frame_rules.implausible_focal_length(info.k[0], size[1])
    if why:
        return f'camera_info is wrong ({why}; set camera_fov_deg): {consequence}'
    return f'camera_info is not calibrated (K[0] is {info.k[0]}): {consequence}'


def _beside(
    header: Header, info: CameraInfo | None, size: tuple[int, int], override: Intrinsics | None
) -> CameraInfo | None:
    if override is None and (info is None or (info.height, info.width) != size):
        return None
    return messages.camera_info_message(header, info, override)
