# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The publishers of one camera, a row of the table of outputs each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from segformer_ros.bundle import RELATIVE, TASKS
from segformer_ros.inference.results import Prediction
from segformer_ros.labels import LabelClass, LabelSet
from segformer_ros.nodes.message_classes import message_class
from segformer_ros.nodes.messages import ros_message
from segformer_ros.nodes.parameters import output_options, Parameters
from segformer_ros.output_topics import table
from segformer_ros.output_topics.frame import Frame, Results
from segformer_ros.output_topics.table import Output, Wanted
from std_msgs.msg import Header

_LATCHED = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class Outputs:
    """The publishers of one camera."""

    def __init__(
        self,
        node: Node,
        camera: str,
        classes: Sequence[LabelClass],
        results: Sequence[str] = TASKS,
        source: str = '',
    ) -> None:
        """
        Create the publishers, and publish the classes for everyone who comes later.

        :param camera: Namespace of the topics, may be empty.
        :param classes: Of the label image.
        :param results: See Manifest.results.
        :param source: See Manifest.source_of_labels.
        """
        self._node = node
        self._results = frozenset(results)
        self._prefix = f'{camera}/' if camera else ''
        self._classes = tuple(classes)
        self._palette = LabelSet('', self._classes).palette()
        self._all: list[Publisher[Any]] = []
        self._publishers = {
            item.topic: publisher
            for item in table.OUTPUTS
            if (publisher := self._add(item.type, item.topic, item.queue)) is not None
        }
        header = Header(stamp=node.get_clock().now().to_msg())
        for latched in table.LATCHED:
            publisher = self._add(latched.type, latched.topic, _LATCHED)
            if publisher is not None:
                publisher.publish(ros_message(latched.make(header, classes, source)))
        self._topics = frozenset(publisher.topic_name for publisher in self._all)

    def wanted(self, parameters: Parameters, *, points_possible: bool) -> Wanted:
        """
        Decide what to make of the next frame.

        :param points_possible: Whether the intrinsics of the camera are, or may be, known.
        """
        possible = {
            table.LABELS: parameters.segmentation,
            table.CONFIDENCE: parameters.segmentation,
            table.DEPTH_CONFIDENCE: parameters.depth,
            table.DEPTH: parameters.depth and 'depth' in self._results,
            table.RELATIVE: parameters.depth and RELATIVE in self._results,
            table.INTRINSICS: points_possible,
        }
        data = frozenset(name for name, there in possible.items() if there)
        rows = [row for row in table.possible_outputs(data) if self._is_wanted(row, parameters)]
        return Wanted.of(rows, data, output_options(parameters))

    def publish(
        self, frame: Frame, prediction: Prediction, wanted: Wanted, parameters: Parameters
    ) -> None:
        """
        Publish what is wanted of one frame.

        :raises ValueError: The prediction lacks a wanted array, or one is of another size than
            the image; nothing has been published then.
        """
        size = frame.image.shape[:2]
        results = Results(
            frame,
            labels=_checked('labels', prediction.labels, size, wanted.segmentation),
            depth=_checked('depth', prediction.depth, size, table.DEPTH in wanted.data),
            confidence=_checked('confidence', prediction.confidence, size, wanted.confidence),
            depth_confidence=_checked(
                'confidence of depth', prediction.depth_confidence, size, wanted.depth_confidence
            ),
            palette=self._palette,
            options=output_options(parameters),
            classes=self._classes,
            relative=_checked(
                'relative depth', prediction.relative, size, table.RELATIVE in wanted.data
            ),
        )
        for row in wanted.outputs:
            content = row.make(results)
            if content is not None:
                self._publishers[row.topic].publish(ros_message(content))

    def topics(self) -> frozenset[str]:
        """Return the names of all outputs, after remapping."""
        return self._topics

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._all:
            self._node.destroy_publisher(publisher)
        self._all.clear()

    def _add(self, kind: str, topic: str, qos: QoSProfile | int) -> Publisher[Any] | None:
        """Create a publisher; None where the package of its type is not installed."""
        message = message_class(kind)
        if message is None:
            return None
        publisher = self._node.create_publisher(message, f'{self._prefix}{topic}', qos)
        self._all.append(publisher)
        return publisher

    def _is_wanted(self, row: Output, parameters: Parameters) -> bool:
        publisher = self._publishers.get(row.topic)
        if publisher is None or (row.switch and not getattr(parameters, row.switch)):
            return False
        always = not parameters.lazy and not row.switch
        return always or publisher.get_subscription_count() > 0


def _checked(
    name: str, array: npt.NDArray[Any] | None, size: tuple[int, ...], wanted: bool
) -> npt.NDArray[Any] | None:
    if not wanted:
        return None
    if array is None or array.shape != size:
        found = 'nothing' if array is None else f'shape {array.shape}'
        raise ValueError(f'expected {name} of shape {size} from the network, got {found}')
    return array
