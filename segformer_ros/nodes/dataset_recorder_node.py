# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records camera images with their ground truth into a dataset while a simulator runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
import functools
from pathlib import Path
import queue
import sys
import threading
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from segformer_ros.carla.topics import DEPTH, LABELS, RGB
from segformer_ros.drive_dataset.folder import DatasetError, DatasetFolder, Route
from segformer_ros.drive_dataset.recording import (
    DriveFrame,
    FrameAssembler,
    Losses,
    Recording,
    topics,
)
from segformer_ros.nodes import executable
from segformer_ros.nodes.bridge_messages import QUEUE_DEPTH
from segformer_ros.nodes.fixed_parameters import parameter, take
from segformer_ros.nodes.message_classes import message_class
from segformer_ros.nodes.subscriptions import LatchedSubscription, SilentTopics
from sensor_msgs.msg import CameraInfo, Image

_LOG_PERIOD_S = 5.0
_LOOK_PERIOD_S = 0.1


@dataclass(frozen=True)
class DatasetRecorderParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    dataset: str = parameter(
        '', 'Folder of the dataset, a new one or one that already has routes.'
    )
    split: str = parameter('train', 'Split that the route becomes part of: train, val or test.')
    route: str = parameter('', 'Name of the route; empty = date and time.')
    camera: str = parameter(RGB, 'Id of the camera.')
    label_sensor: str = parameter(LABELS, 'Id of the ground-truth label sensor.')
    depth_sensor: str = parameter(DEPTH, 'Id of the ground-truth depth sensor.')
    role_name: str = parameter('ego_vehicle', 'Role name of the vehicle in the topics.')
    coding: str = parameter(
        'bridge', 'Coding of the ground-truth labels: bridge (colours) or native (tags).'
    )
    tag_table: str = parameter('t3', 'Tag table of the simulator: t1, t2, t3, t3_ue5 or auto.')
    camera_fov_deg: float = parameter(
        0.0,
        'Horizontal field of view in degrees, overriding camera_info, which is wrong in '
        'the native topics of CARLA up to 0.9.16; 0 = use camera_info.',
        between=(0.0, 179.0),
    )
    every: int = parameter(
        1, 'Keep every n-th frame only; neighbouring frames are alike.', between=(1, 10000)
    )
    max_frames: int = parameter(0, 'Exit after this many frames; 0 = never.', between=(0, 1 << 31))
    queue: int = parameter(
        16, 'Maximum number of frames waiting to be written.', between=(1, 1000)
    )

    def __post_init__(self) -> None:
        if not self.dataset:
            raise ValueError('expected a folder in dataset, got nothing')
        if self.coding not in {'bridge', 'native'}:
            raise ValueError(f'coding must be bridge or native, not {self.coding!r}')

    def recording(self) -> Recording:
        """Return where the frames are."""
        return Recording(
            camera=self.camera,
            label_sensor=self.label_sensor,
            depth_sensor=self.depth_sensor,
            role_name=self.role_name,
            tag_table=self.tag_table,
            coding=self.coding,
            camera_fov_deg=self.camera_fov_deg,
        )


class DatasetRecorderNode(Node):
    """
    Assembles frames by stamp and writes them in a thread of its own.

    The route appears in the dataset when the node ends. `written` counts what is in it, `lost`
    the frames that found the queue full, `losses` what could not become a frame.
    """

    def __init__(self) -> None:
        """
        Take the parameters, open the dataset and subscribe.

        :raises ValueError: A parameter has no sense, or the dataset cannot take the route.
        """
        # What it says at its end comes when ROS is down already.
        super().__init__('dataset_recorder_node', enable_rosout=False)
        self.parameters = take(self, DatasetRecorderParameters)
        recording = self.parameters.recording()
        self.losses = Losses()
        self.written = self.lost = 0
        self.failed = False
        self._seen = 0
        self._assembler = FrameAssembler(recording, self.losses)
        self._dataset = DatasetFolder(
            Path(self.parameters.dataset).expanduser(), recording.label_set
        )
        self._route = self.parameters.route or f'{datetime.now():%Y-%m-%d_%H-%M-%S}'
        self._dataset.check(self.parameters.split, self._route)
        self._queue: queue.Queue[DriveFrame | None] = queue.Queue(self.parameters.queue)
        self._thread = threading.Thread(target=self._write, name='dataset-writer', daemon=True)
        self._ended = threading.Event()
        self._subscribe(recording)
        # A steady clock: simulated time may begin late or never.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_PERIOD_S, self._look, clock=clock)
        # Last: no one would end it for a node that a signal kept from being made.
        self._thread.start()

    def destroy_node(self) -> None:
        """Finish the route; it is in its place afterwards."""
        self._assembler.finish()
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.1)
            except queue.Full:
                continue
            self._thread.join()
        super().destroy_node()

    def _subscribe(self, recording: Recording) -> None:
        # CARLA itself publishes reliably or not, by version; its bridge always reliably.
        qos = QoSProfile(depth=QUEUE_DEPTH)
        if self.parameters.coding == 'native':
            qos = QoSProfile(depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        kinds: dict[str, Any] = {
            'camera_info': CameraInfo,
            # Not installed with this package: without it the frames have no pose.
            'odometry': message_class('nav_msgs/msg/Odometry'),
        }
        # The executor serves in this order: camera_info and pose come before their images.
        streams = sorted(topics(recording).items(), key=lambda item: item[1] not in kinds)
        wanted = {name: Image for name, stream in streams if stream not in kinds}
        self._silent = SilentTopics(self, wanted)
        for topic, stream in streams:
            kind = kinds.get(stream, Image)
            if kind is not None:
                callback = functools.partial(self._take, topic, stream)
                if stream == 'camera_info':
                    self._infos = LatchedSubscription(self, kind, topic, callback, qos)
                else:
                    self.create_subscription(kind, topic, callback, qos)

    def _take(self, topic: str, stream: str, message: Any) -> None:
        self._silent.heard(topic)
        frame = self._assembler.add(stream, message)
        if self.losses.uncalibrated:
            why = next(iter(self.losses.uncalibrated))
            self.get_logger().warning(
                f'frames are recorded without intrinsics: {why}; set camera_fov_deg', once=True
            )
        if frame is None or self.failed:
            return
        self._seen += 1
        if (self._seen - 1) % self.parameters.every:
            return
        try:
            self._queue.put_nowait(frame)
        except queue.Full:
            self.lost += 1
            self.get_logger().warning(
                f'the disk is too slow, {self.lost} frames lost so far: record fewer with every',
                throttle_duration_sec=_LOG_PERIOD_S,
            )

    def _look(self) -> None:
        """Follow the publishers; end when the thread has, which cannot wait for itself."""
        self._infos.look()
        self._silent.look()
        if self._ended.is_set():
            self.context.try_shutdown()

    def _frames(self) -> Iterator[DriveFrame]:
        """Yield the frames that were put into the queue until None comes or there are enough."""
        while (frame := self._queue.get()) is not None:
            yield frame
            self.written += 1
            if self.parameters.max_frames and self.written >= self.parameters.max_frames:
                self._ended.set()
                return

    def _write(self) -> None:
        try:
            route = self._dataset.add(self.parameters.split, self._route, self._frames())
        except (DatasetError, OSError) as error:
            self.failed = True
            silent = f'; nothing came on {self._silent}' if f'{self._silent}' else ''
            self.get_logger().error(f'{error}{silent}')
            self._ended.set()
        else:
            self._say(route)

    def _say(self, route: Route) -> None:
        if self._dataset.left is not None:
            self.get_logger().warning(
                f'an earlier recording of this route did not end: it is in {self._dataset.left}'
            )
        words = [f'{route.frames} frames']
        if self.lost:
            words.append(f'{self.lost} lost')
        if self.losses.incomplete:
            words.append(f'{self.losses.incomplete} incomplete')
        if self.losses.refused:
            reason, count = self.losses.refused.most_common(1)[0]
            words.append(f'{self.losses.refused.total()} refused: {reason} ({count})')
        place = self._dataset.folder / route.split / route.name
        self.get_logger().info(f'recorded {", ".join(words)} -> {place}')


def main(args: Sequence[str] | None = None) -> int:
    """Record until the node is told to end or has enough frames."""
    nodes: list[DatasetRecorderNode] = []

    def make_node() -> DatasetRecorderNode:
        nodes.append(DatasetRecorderNode())
        return nodes[-1]

    return executable.run(make_node, args) or int(any(node.failed for node in nodes))


if __name__ == '__main__':
    sys.exit(main())
