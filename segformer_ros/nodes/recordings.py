# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings as a series of publications: bags, and videos in the place of a camera."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
import warnings

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import ConnectionExtRosbag2, QosDurability
from segformer_ros.bags.rosbag import BagReader, BagWarning, Topic
from segformer_ros.camera import Intrinsics
from segformer_ros.files.video import VideoReader
from segformer_ros.nodes.message_classes import message_class
from segformer_ros.nodes.messages import ros_message
from segformer_ros.output_topics import contents
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

_CLOCK = '/clock'


@dataclass(frozen=True)
class Publication:
    """Something to publish at a moment of the recording."""

    time_ns: int
    publish: Callable[[], object]


class Recording(Protocol):
    """A recording whose publishers exist."""

    @property
    def publishers(self) -> list[Publisher[Any]]:
        """All publishers."""

    @property
    def images(self) -> list[Publisher[Any]]:
        """Those of images."""

    @property
    def skipped(self) -> list[str]:
        """What is not played, and why."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the recording has lost, a sentence each."""

    @property
    def pause_s(self) -> float:
        """Seconds from the end to the beginning, when it is played in a loop."""

    def publications(self) -> Iterator[Publication]:
        """Go through the recording once; times never fall."""


class BagRecording:
    """
    A rosbag2: every message is published with the bytes that were recorded.

    Everything is offered reliably, whatever the recorded publisher did: every subscriber takes
    that. What was latched is latched.
    """

    def __init__(self, node: Node, path: Path, topics: Collection[str], *, clock: bool) -> None:
        """
        Create the publishers.

        :param topics: Those to play; empty plays all.
        :param clock: Whether the node publishes /clock; that of the bag is left out then.
        :raises BagError: The bag is missing or damaged, or has none of the topics.
        """
        self._path = path
        self._by_topic: dict[str, Publisher[Any]] = {}
        self._types: dict[str, str] = {}
        self.images: list[Publisher[Any]] = []
        self.skipped: list[str] = []
        self.pause_s = 0.0
        with _opened(path) as reader:
            self.notes = reader.notes
            wanted: dict[str, Topic] = {}
            for item in sorted(reader.topics, key=lambda item: -item.count):
                if wanted.setdefault(item.name, item) is not item:
                    self.skipped.append(f'{item.name}: {item.type} next to another type')
            lost = sorted(name for name in topics if name not in wanted or not wanted[name].count)
            if lost:
                known = ', '.join(
                    name if item.count else f'{name} (no messages)'
                    for name, item in sorted(wanted.items())
                )
                raise ValueError(
                    f'expected messages on {", ".join(lost)} in {path}, found {known or "none"}'
                )
            for name, topic in sorted(wanted.items()):
                if (topics and name not in topics) or (clock and name == _CLOCK):
                    continue
                kind = message_class(topic.type)
                if kind is None:
                    self.skipped.append(f'{name}: {topic.type} is not installed')
                    continue
                latched = any(_is_latched(item.ext) for item in reader.connections([name]))
                publisher = node.create_publisher(kind, name, _profile(latched=latched))
                self._by_topic[name] = publisher
                self._types[name] = topic.type
                if kind is Image or topic.type.endswith('/CompressedImage'):
                    self.images.append(publisher)
            if not self._most_messages(reader):
                reasons = '; '.join(self.skipped) or 'no message'
                raise ValueError(f'expected messages to play in {path}, found {reasons}')
            self.pause_s = reader.duration_s / max(1, self._most_messages(reader) - 1)

    @property
    def publishers(self) -> list[Publisher[Any]]:
        """All publishers."""
        return list(self._by_topic.values())

    def publications(self) -> Iterator[Publication]:
        """Go through the bag once; a time that falls is held."""
        last = 0
        with _opened(self._path) as reader:
            for connection, time_ns, raw in reader.messages(self._by_topic):
                if connection.msgtype != self._types[connection.topic]:
                    continue
                last = max(last, time_ns)
                publisher = self._by_topic[connection.topic]
                yield Publication(last, partial(publisher.publish, bytes(raw)))

    def _most_messages(self, reader: BagReader) -> int:
        return max(
            (item.count for item in reader.topics if item.name in self._by_topic), default=0
        )


class VideoRecording:
    """A video file as a camera: `image`, and `camera_info` where the field of view is known."""

    def __init__(
        self, node: Node, path: Path, *, encoding: str, frame_id: str, camera_fov_deg: float
    ) -> None:
        """
        Create the publishers.

        :param encoding: 'bgr8' or 'rgb8'.
        :param camera_fov_deg: Horizontal field of view; 0 leaves camera_info out.
        :raises ValueError: The file is no video.
        :raises OSError: The file cannot be read.
        """
        self._node = node
        self._path = path
        self._encoding = encoding
        self._frame_id = frame_id
        self._camera_fov_deg = camera_fov_deg
        with VideoReader(path) as reader:
            self.pause_s = float(1 / reader.rate)
        image = node.create_publisher(Image, 'image', _profile())
        self.images: list[Publisher[Any]] = [image]
        self.publishers: list[Publisher[Any]] = [image]
        if camera_fov_deg:
            self.publishers.append(node.create_publisher(CameraInfo, 'camera_info', _profile()))
        self.skipped: list[str] = []
        self.notes: tuple[str, ...] = ()

    def publications(self) -> Iterator[Publication]:
        """Go through the file once; frames that cannot be decoded are left out."""
        with VideoReader(self._path) as reader:
            for frame in reader:
                if frame.image is None:
                    self.skipped.append(f'frame {frame.index}: {frame.error}')
                    continue
                message = self._message(frame.image)
                yield Publication(round(frame.time_s * 1e9), partial(self._publish, message))

    def _message(self, rgb: Any) -> Image:
        """Make the message ahead of its time; only the stamp is missing."""
        pixels = rgb if self._encoding == 'rgb8' else rgb[..., ::-1]
        message = ros_message(contents.image(Header(frame_id=self._frame_id), pixels, 'rgb8'))
        message.encoding = self._encoding
        return message

    def _publish(self, message: Image) -> None:
        message.header.stamp = self._node.get_clock().now().to_msg()
        if self._camera_fov_deg:
            camera = Intrinsics.from_fov(message.width, message.height, self._camera_fov_deg)
            info = contents.camera_info(message.header, None, camera)
            self.publishers[1].publish(ros_message(info))
        self.images[0].publish(message)


def _opened(path: Path) -> BagReader:
    """Open a bag whose notes are logged, not warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', BagWarning)
        return BagReader(path)


def _profile(*, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        depth=10,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def _is_latched(ext: object) -> bool:
    return isinstance(ext, ConnectionExtRosbag2) and any(
        profile.durability is QosDurability.TRANSIENT_LOCAL for profile in ext.offered_qos_profiles
    )
