# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The outputs of one camera: who wants which, and how each is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from segformer_ros import draw
from segformer_ros.camera import Intrinsics
from segformer_ros.image_encoding import as_rgb, CameraImage
from segformer_ros.labels import LabelClass
from segformer_ros.nodes import messages, own_messages
from segformer_ros.nodes.parameters import Parameters
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

_IMAGES = ('label', 'label/color', 'label/confidence', 'depth', 'overlay')
_LATCHED = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class Prediction(Protocol):
    """What the outputs are made of; see inference.pipeline.Prediction."""

    @property
    def labels(self) -> npt.NDArray[np.uint8] | None:
        """(H, W) class ids."""

    @property
    def depth(self) -> npt.NDArray[np.float32] | None:
        """(H, W) metres, NaN where unknown."""

    @property
    def confidence(self) -> npt.NDArray[np.uint8] | None:
        """(H, W) probability times 255."""


@dataclass(frozen=True)
class Wanted:
    """Which outputs of one frame to make."""

    label: bool = False
    color: bool = False
    overlay: bool = False
    confidence: bool = False
    depth: bool = False
    points: bool = False
    point_labels: bool = False

    @property
    def segmentation(self) -> bool:
        """Whether labels have to be computed."""
        return self.label or self.color or self.overlay or self.confidence or self.point_labels

    @property
    def metric(self) -> bool:
        """Whether depth has to be computed."""
        return self.depth or self.points

    @property
    def anything(self) -> bool:
        """Whether the network has to run."""
        return self.segmentation or self.metric


@dataclass(frozen=True)
class Frame:
    """
    A camera image on its way through the node.

    :param header: Header of the camera image, published unchanged.
    :param image: (H, W, 3) RGB, or as it came.
    :param intrinsics: Of the camera, None when unknown.
    :param camera_info: To be published beside the outputs, None when not known.
    """

    header: Header
    image: CameraImage
    intrinsics: Intrinsics | None
    camera_info: CameraInfo | None


class Outputs:
    """The publishers of one camera."""

    def __init__(self, node: Node, camera: str, classes: Sequence[LabelClass]) -> None:
        """
        Create the publishers, and publish the classes for everyone who comes later.

        :param camera: Namespace of the topics, may be empty.
        :param classes: Of the label image.
        """
        self._node = node
        self._camera = camera
        self._prefix = f'{camera}/' if camera else ''
        self._palette = np.zeros((256, 3), np.uint8)
        for item in classes:
            self._palette[item.id] = item.color
        self._all: list[Publisher[Any]] = []
        self._images = {name: self._add(Image, f'{name}/image', 5) for name in _IMAGES}
        self._infos = {
            name: self._add(CameraInfo, f'{name}/camera_info', 5) for name in ('label', 'depth')
        }
        self._points = self._add(PointCloud2, 'depth/points', 2)
        self._publish_classes(classes)
        self._topics = frozenset(publisher.topic_name for publisher in self._all)

    def wanted(self, parameters: Parameters, *, points_possible: bool) -> Wanted:
        """
        Decide what to make of the next frame.

        :param points_possible: Whether the intrinsics of the camera are, or may be, known.
        """
        labels, depth = parameters.segmentation, parameters.depth
        points = depth and parameters.points and points_possible and _heard(self._points)
        always = not parameters.lazy
        return Wanted(
            label=labels and (always or self._image_heard('label')),
            color=labels and parameters.color and _heard(self._images['label/color']),
            overlay=labels and parameters.overlay and _heard(self._images['overlay']),
            confidence=(
                labels and parameters.confidence and _heard(self._images['label/confidence'])
            ),
            depth=depth and (always or self._image_heard('depth')),
            points=points,
            point_labels=points and labels,
        )

    def publish(
        self, frame: Frame, prediction: Prediction, wanted: Wanted, parameters: Parameters
    ) -> None:
        """
        Publish what is wanted of one frame.

        :raises ValueError: The prediction lacks a wanted array, or one is of another size than
            the image; nothing has been published then.
        """
        size = frame.image.shape[:2]
        labels = _checked('labels', prediction.labels, size, wanted.segmentation)
        depth = _checked('depth', prediction.depth, size, wanted.metric)
        confidence = _checked('confidence', prediction.confidence, size, wanted.confidence)
        header = frame.header
        if wanted.label:
            self._publish_image('label', frame, messages.image_message(header, labels, 'mono8'))
        if wanted.depth:
            message = messages.depth_message(header, depth, parameters.depth_encoding)
            self._publish_image('depth', frame, message)
        if wanted.confidence:
            message = messages.image_message(header, confidence, 'mono8')
            self._images['label/confidence'].publish(message)
        if wanted.color:
            colors = draw.colorize(labels, self._palette)
            self._images['label/color'].publish(messages.image_message(header, colors, 'rgb8'))
        if wanted.overlay:
            image = as_rgb(frame.image)
            mixed = draw.overlay(image, labels, self._palette, parameters.overlay_opacity)
            self._images['overlay'].publish(messages.image_message(header, mixed, 'rgb8'))
        if wanted.points and frame.intrinsics is not None:
            ids = labels if wanted.point_labels else None
            cloud = messages.point_cloud_message(header, depth, ids, frame.intrinsics)
            self._points.publish(cloud)

    def topics(self) -> frozenset[str]:
        """Give the names of all outputs, after remapping."""
        return self._topics

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._all:
            self._node.destroy_publisher(publisher)
        self._all.clear()

    def _add(self, message_type: Any, topic: str, qos: QoSProfile | int) -> Publisher[Any]:
        publisher = self._node.create_publisher(message_type, f'{self._prefix}{topic}', qos)
        self._all.append(publisher)
        return publisher

    def _image_heard(self, name: str) -> bool:
        return _heard(self._images[name]) or _heard(self._infos[name])

    def _publish_image(self, name: str, frame: Frame, message: Image) -> None:
        if frame.camera_info is not None:
            self._infos[name].publish(frame.camera_info)
        self._images[name].publish(message)

    def _publish_classes(self, classes: Sequence[LabelClass]) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        own_type, common_type = own_messages.label_classes_type(), own_messages.label_info_type()
        if own_type is not None:
            publisher = self._add(own_type, 'label/classes', _LATCHED)
            publisher.publish(own_messages.label_classes_message(header, classes))
        if common_type is not None:
            publisher = self._add(common_type, 'label/info', _LATCHED)
            publisher.publish(own_messages.label_info_message(header, classes))


def _heard(publisher: Publisher[Any]) -> bool:
    return publisher.get_subscription_count() > 0


def _checked(
    name: str, array: npt.NDArray[Any] | None, size: tuple[int, ...], wanted: bool
) -> npt.NDArray[Any]:
    if not wanted:
        return np.empty((0, 0), np.uint8)
    if array is None or array.shape != size:
        found = 'nothing' if array is None else f'shape {array.shape}'
        raise ValueError(f'expected {name} of shape {size} from the network, got {found}')
    return array
