# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One camera of the node: its subscriptions, its outputs and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from segformer_ros.bundle import TASKS
from segformer_ros.frame_rules import calibrate, Calibration, CameraModel
from segformer_ros.labels import LabelClass
from segformer_ros.nodes import messages
from segformer_ros.nodes.frame_statistics import FrameStatistics
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.nodes.publishers import Outputs
from segformer_ros.nodes.subscriptions import (
    ANOTHER_TYPE,
    compressed_name,
    elsewhere,
    LatchedSubscription,
    NOBODY,
    publisher_fault,
    rivals,
    SequenceGaps,
)
from segformer_ros.output_topics.frame import Frame
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

_CONSEQUENCE = 'depth is not scaled to this camera and there are no points'
# How often publishers are looked for: at first, and after so many times.
_LOOK_PERIOD_S, _FIRST_LOOKS, _LATER_PERIOD_S = 0.2, 25, 1.0


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
        results: Sequence[str] = TASKS,
        source: str = '',
    ) -> None:
        """
        Create the outputs.

        :param name: Namespace of all topics of the camera, may be empty.
        :param classes: Of the label image.
        :param results: See Manifest.results.
        :param source: See Manifest.source_of_labels.
        """
        self.name = name
        prefix = f'{name}/' if name else ''
        compressed = parameters.transport == 'compressed'
        self._message_type = CompressedImage if compressed else Image
        image = f'{prefix}image'
        self._image_name = compressed_name(node, image) if compressed else image
        self._info_name = parameters.camera_info_topic(name) or f'{prefix}camera_info'
        self.topic = node.resolve_topic_name(self._image_name)
        self._info_topic = node.resolve_topic_name(self._info_name)
        self.outputs = Outputs(node, name, classes, results, source)
        self.statistics = FrameStatistics(steady, parameters.latency_window)
        self._node = node
        self._steady = steady
        self._camera_info: CameraInfo | None = None
        self._warned = False
        self._told_faults: set[str] = set()
        self._info_fault = ''
        self._images: Subscription[Any] | None = None
        self._infos: LatchedSubscription | None = None
        self._looker: Timer | None = None
        self._looks = 0

    def start(self, parameters: Parameters, on_image: Callable[[Arrival], None]) -> None:
        """
        Subscribe, with all numbers at zero.

        :param on_image: Called with every image in the thread of the executor.
        """
        self.statistics = FrameStatistics(self._steady, parameters.latency_window)
        self._camera_info = None

        gaps = SequenceGaps(lambda: self._node.count_publishers(self.topic) == 1)

        def receive(message: Image | CompressedImage, info: Mapping[str, Any]) -> None:
            stamp, missed = message.header.stamp, gaps.add(info)
            self.statistics.received(stamp.sec * 1_000_000_000 + stamp.nanosec, missed=missed)
            on_image(Arrival(message, self._steady(), self._camera_info))

        # Jazzy knows its type with one argument alone.
        callback: Callable[..., None] = receive
        # The executor serves in this order: a camera_info comes before its image.
        self._infos = LatchedSubscription(
            self._node, CameraInfo, self._info_name, self._remember, _qos()
        )
        self._images = self._node.create_subscription(
            self._message_type,
            self._image_name,
            callback,
            _qos(),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._looks = 0
        self._looker = self._node.create_timer(_LOOK_PERIOD_S, self._look, clock=clock)

    def stop(self) -> None:
        """Unsubscribe."""
        if self._looker is not None:
            self._node.destroy_timer(self._looker)
            self._looker = None
        if self._images is not None:
            self._node.destroy_subscription(self._images)
            self._images = None
        if self._infos is not None:
            self._infos.close()
            self._infos = None

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
        model = None if info is None else CameraModel.from_message(info)
        found = calibrate(model, size, camera_fov_deg=parameters.camera_fov_deg, topic=self.topic)
        self._note(found, model, parameters.camera_fov_deg)
        return Frame.of(header, image, found, info, replaced=bool(parameters.camera_fov_deg))

    def _note(self, found: Calibration, model: CameraModel | None, camera_fov_deg: float) -> None:
        """Keep what is known of the camera for the diagnostics, and log once what is wrong."""
        problem, text = found.problem, found.text
        if model is None and problem:
            fault = f' ({self._info_fault})' if self._info_fault else ''
            problem = text = f'{problem} on {self._info_topic}{fault}'
        self.statistics.camera(f'{problem}: {_CONSEQUENCE}' if problem else '', text)
        if self._warned or model is None or not found.fits:
            return
        wrong, advice = found.problem or found.doubt, ''
        if camera_fov_deg:
            wrong = calibrate(model, model.image_hw).wrong
            advice = f'; using camera_fov_deg ({camera_fov_deg:g})'
        elif found.problem:
            advice = f'; set camera_fov_deg: {_CONSEQUENCE}'
        if wrong:
            self._warned = True
            wrong = wrong.replace('camera_info', self._info_topic, 1)
            self._node.get_logger().warning(f'{wrong}{advice}')

    def _look(self) -> None:
        """Follow the publishers, and report where none of them can be received."""
        self._looks += 1
        if self._looks == _FIRST_LOOKS and self._looker is not None:
            # A look keeps the executor for 1 ms: next to the frames that is much.
            self._looker.timer_period_ns = round(_LATER_PERIOD_S * 1e9)
        if self._infos is not None:
            self._infos.look()
        fault = self._fault(self._image_name, self._message_type)
        self.statistics.image_fault(fault)
        self._info_fault = self._fault(self._info_name, CameraInfo)
        for topic, text in ((self.topic, fault), (self._info_topic, self._info_fault)):
            if text.startswith(ANOTHER_TYPE):
                self._tell_once(f'nothing arrives on {topic}: {text}')
        topics = ((self._image_name, self._message_type), (self._info_name, CameraInfo))
        mixed = [text for text in (rivals(self._node, *topic) for topic in topics) if text]
        self.statistics.mixed('; '.join(mixed))
        for text in mixed:
            self._tell_once(text)

    def _fault(self, name: str, kind: Any) -> str:
        fault = publisher_fault(self._node, name, kind)
        if fault == NOBODY:
            fault += elsewhere(self._node, kind, self.outputs.topics())
        return fault

    def _tell_once(self, text: str) -> None:
        if text not in self._told_faults:
            self._told_faults.add(text)
            self._node.get_logger().warning(text)

    def _remember(self, message: CameraInfo) -> None:
        self._camera_info = message


def _qos() -> QoSProfile:
    """Make the profile again: rclpy writes the overrides of the user into it."""
    return QoSProfile(
        depth=1,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )
