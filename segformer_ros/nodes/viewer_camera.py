# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One camera of the viewer: its topics, its messages of equal stamps, and the arrays in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from segformer_ros import result_images
from segformer_ros.frame_rules import calibrate, CameraModel
from segformer_ros.nodes import messages
from segformer_ros.nodes.subscriptions import compressed_name
from segformer_ros.viewer.bag_source import stats_of
from segformer_ros.viewer.gather import Gather
from segformer_ros.viewer.scene import ViewFrame
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

_READERS: Mapping[str, Callable[[Any], Any]] = {
    'image': messages.rgb_from_message,
    'labels': result_images.labels_from_message,
    'depth': result_images.depth_from_message,
    'relative': result_images.depth_from_message,
    'depth_confidence': result_images.confidence_from_message,
    'true_depth': result_images.true_depth_from_message,
}


def listen(
    node: Node,
    kind: Any,
    topic: str,
    callback: Callable[[Any], None],
    *,
    reliable: bool,
    latched: bool = False,
) -> None:
    """Subscribe with a short queue; the user may override the quality of service."""
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    qos = QoSProfile(depth=5, reliability=reliability, durability=durability)
    options = QoSOverridingOptions.with_default_policies()
    node.create_subscription(kind, topic, callback, qos, qos_overriding_options=options)


class ViewedCamera:
    """
    Brings the messages of one camera together.

    :param name: Its namespace; empty for the only camera.
    :param shown: Its name in the scene.
    :param steady: A clock in seconds that never jumps.
    :param camera_fov_deg: Horizontal field of view that replaces camera_info; 0 uses camera_info.
    :param true_labels: Reads the ground-truth labels of a message.
    :param put: Called with what came of one stamp.
    """

    def __init__(
        self,
        name: str,
        shown: str,
        *,
        steady: Callable[[], float],
        camera_fov_deg: float,
        true_labels: Callable[[Any], Any],
        put: Callable[[Callable[[], ViewFrame]], None],
    ) -> None:
        self.name, self.shown = name.strip('/'), shown
        self.images: dict[str, Any] = {}
        """The type of the messages by topic, before remapping."""
        self._readers = {**_READERS, 'true_labels': true_labels}
        self._place = f'{name.rstrip("/")}/' if name else ''
        self._gather, self._put = Gather(steady), put
        self._camera_fov_deg = camera_fov_deg
        self._info: CameraInfo | None = None

    def subscribe(
        self,
        node: Node,
        transport: str,
        received: Callable[[str], None],
        *,
        depth_confidence: bool = False,
    ) -> None:
        """
        Take images and results.

        :param transport: 'raw' or 'compressed'.
        :param received: Called with the topic of each image, before remapping.
        :param depth_confidence: Whether to show the confidence of depth, which a network computes
            only for a subscriber.
        """
        is_compressed = transport == 'compressed'
        rows: list[tuple[str, str, Any, bool]] = [
            ('image', self.image, CompressedImage if is_compressed else Image, False),
            ('labels', f'{self._place}label/image', Image, True),
            ('depth', f'{self._place}depth/image', Image, True),
            ('relative', f'{self._place}depth/relative/image', Image, True),
        ]
        if depth_confidence:
            topic = f'{self._place}depth/confidence/image'
            rows.append(('depth_confidence', topic, Image, True))
        for name, topic, kind, reliable in rows:
            place = compressed_name(node, topic) if kind is CompressedImage else topic
            # Of some networks alone: no one misses them.
            if name not in {'relative', 'depth_confidence'}:
                self.images[place] = kind

            def receive(message: Any, name: str = name, place: str = place) -> None:
                received(place)
                self.add(name, message)

            listen(node, kind, place, receive, reliable=reliable)
        listen(node, CameraInfo, f'{self._place}camera_info', self._remember, reliable=False)

    def add(self, name: str, message: Any) -> None:
        """Take a message of a stream; a stamp that is complete with it is put."""
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        found = self._gather.add(name, stamp_ns, message)
        if found is not None:
            self._put(partial(self._read, stamp_ns, found, self._info))

    @property
    def image(self) -> str:
        """The topic of its images, before remapping."""
        return f'{self._place}image'

    @property
    def classes(self) -> str:
        """The topic of the names of its classes."""
        return f'{self._place}label/classes'

    def _remember(self, message: CameraInfo) -> None:
        self._info = message

    def _read(self, stamp_ns: int, found: dict[str, Any], info: CameraInfo | None) -> ViewFrame:
        """
        Make arrays of messages.

        :raises ValueError: A message is not of its kind, or contradicts itself.
        """
        arrays = {name: read(found[name]) for name, read in self._readers.items() if name in found}
        size = next((item.shape[:2] for item in arrays.values()), None)
        times, drops = stats_of(found['stats']) if 'stats' in found else ({}, {})
        camera = None
        if size is not None:
            model = None if info is None else CameraModel.from_message(info)
            camera = calibrate(model, size, camera_fov_deg=self._camera_fov_deg).intrinsics
        return ViewFrame(
            stamp_ns,
            intrinsics=camera,
            times_ms=times,
            drops=drops,
            camera=self.shown,
            **arrays,
        )
