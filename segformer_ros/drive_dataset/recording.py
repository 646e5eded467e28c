# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of a recorded drive: image, ground-truth labels and depth of one stamp."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import result_images
from segformer_ros.bags.cameras import latched_info
from segformer_ros.bags.recall import Recall
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.carla import tag_table
from segformer_ros.carla.topics import DEPTH, LABELS, RGB, ROLE_NAME, sensor_topic
from segformer_ros.frame_rules import calibrate, CameraModel
from segformer_ros.image_encoding import decode_message
from segformer_ros.labels import LabelSet
from segformer_ros.stamp_pairs import RestartWatch, Waiting

# Images of one stamp are recorded within a few frames of each other.
_KEPT = 64

Pose = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Recording:
    """
    Where a bag has its frames.

    :param tag_table: Of the ground-truth labels: auto, t1, t2, t3 or t3_ue5.
    :param coding: Of the ground-truth labels: 'bridge' or 'native'.
    :param camera_fov_deg: Horizontal field of view that replaces camera_info; 0 does not.
    :raises ValueError: There is no such field of view.
    """

    camera: str = RGB
    label_sensor: str = LABELS
    depth_sensor: str = DEPTH
    role_name: str = ROLE_NAME
    tag_table: str = 't3'
    coding: str = 'bridge'
    camera_fov_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.camera_fov_deg < 180.0:
            raise ValueError(f'camera_fov_deg must be 0 or up to 180, not {self.camera_fov_deg:g}')

    @property
    def label_set(self) -> LabelSet:
        """Return the classes of the ground-truth labels."""
        return tag_table(self.tag_table)


@dataclass(frozen=True)
class DriveFrame:
    """
    One frame.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) ids of the recording's label set, 255 where unknown.
    :param depth: (H, W) metres, +inf for the sky.
    :param k: The 9 numbers of the camera matrix; None where the camera is not known.
    :param pose: x, y, z in metres and quaternion x, y, z, w of the odometry of this stamp, or
        None.
    """

    stamp_ns: int
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    k: tuple[float, ...] | None
    pose: Pose | None


@dataclass
class Losses:
    """
    What did not become a frame.

    :param incomplete: Stamps of which an image is missing.
    :param refused: Stamps that could not be read, by reason.
    :param unknown: Pixels of the truth that are no class, by what stands there.
    :param uncalibrated: Frames without intrinsics because camera_info is wrong, by reason.
    """

    incomplete: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    uncalibrated: Counter[str] = field(default_factory=Counter)


STREAMS = ('image', 'labels', 'depth', 'camera_info', 'odometry')


def topics(recording: Recording) -> dict[str, str]:
    """Return the streams by topic; the first three make a frame."""
    role = recording.role_name
    return {
        sensor_topic(role, recording.camera, 'image'): 'image',
        sensor_topic(role, recording.label_sensor, 'image'): 'labels',
        sensor_topic(role, recording.depth_sensor, 'image'): 'depth',
        sensor_topic(role, recording.camera, 'camera_info'): 'camera_info',
        f'/carla/{role}/odometry': 'odometry',
    }


class FrameAssembler:
    """Puts the messages of one stamp together, whatever their order."""

    def __init__(self, recording: Recording, losses: Losses) -> None:
        """
        Start with nothing.

        :param losses: Counts what is left out.
        """
        self._recording, self._losses = recording, losses
        self._waiting: dict[int, dict[str, Waiting[Any]]] = {}
        self._large: OrderedDict[int, None] = OrderedDict()
        self._poses: OrderedDict[int, Pose] = OrderedDict()
        self._info: Any = None
        self._watch = RestartWatch(len(STREAMS))

    def add(
        self, stream: str, message: Any, again: Callable[[], Any] | None = None
    ) -> DriveFrame | None:
        """
        Take one message.

        :param stream: One of STREAMS.
        :param message: Of rclpy or of rosbags.
        :param again: Reads it again, at any time later; where it is given, no message gives way
            to newer ones.
        :returns: The frame that it completes, if it does and if that can be read.
        """
        if stream == 'camera_info':
            self._info = message
            return None
        stamp = message.header.stamp
        stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        self._forget_former(stream, stamp_ns)
        if stream == 'odometry':
            self._poses[stamp_ns] = _pose(message)
            if again is None and len(self._poses) > _KEPT:
                self._poses.popitem(last=False)
            return None
        found = self._waiting.setdefault(stamp_ns, {})
        found[stream] = Waiting(message, again)
        self._large[stamp_ns] = None
        if len(found) == 3:
            del self._waiting[stamp_ns], self._large[stamp_ns]
            pose = self._poses.get(stamp_ns)
            read = {name: item.read() for name, item in found.items()}
            return _frame(stamp_ns, read, self._info, pose, self._recording, self._losses)
        if len(self._large) > _KEPT:
            self._shrink(self._large.popitem(last=False)[0])
        return None

    def _shrink(self, stamp_ns: int) -> None:
        """Keep what can be read again of a stamp, and count it where that is not all."""
        found = self._waiting[stamp_ns]
        kept = [item.shrink() for item in found.values()]
        if not all(kept):
            del self._waiting[stamp_ns]
            self._losses.incomplete += 1

    def _forget_former(self, stream: str, stamp_ns: int) -> None:
        """Drop what came before the world was reloaded: its stamps come again."""
        for index in self._watch.add(STREAMS.index(stream), stamp_ns):
            former = STREAMS[index]
            if former == 'odometry':
                self._poses.clear()
            for waiting in [key for key, item in self._waiting.items() if former in item]:
                del self._waiting[waiting][former]
                if not self._waiting[waiting]:
                    del self._waiting[waiting]
                    self._large.pop(waiting, None)
                    self._losses.incomplete += 1

    def finish(self) -> None:
        """Count what still waits as incomplete."""
        self._losses.incomplete += len(self._waiting)
        self._waiting.clear()
        self._large.clear()


def read_frames(path: Path, recording: Recording, losses: Losses) -> Iterator[DriveFrame]:
    """
    Read the frames of a bag in the order in which they became complete.

    :param losses: Counts what is left out.
    :raises BagError: The bag is damaged or lacks a topic.
    """
    streams = topics(recording)
    assembler = FrameAssembler(recording, losses)
    with BagReader(path) as reader, Recall(path) as recall:
        needed = {name for name, stream in streams.items() if stream in STREAMS[:3]}
        missing = needed - {item.name for item in reader.topics if item.count}
        if missing:
            raise BagError(f'expected {", ".join(sorted(missing))} in {path}, found no message')
        for topic, stream in streams.items():
            if stream == 'camera_info':
                assembler.add(stream, latched_info(reader, topic))
        for connection, time_ns, raw in reader.messages(streams):
            try:
                message = reader.deserialize(raw, connection.msgtype)
            except ValueError as error:
                losses.refused[str(error)] += 1
                continue
            again = partial(recall.message, connection.topic, time_ns, message.header)
            frame = assembler.add(streams[connection.topic], message, again)
            if frame is not None:
                yield frame
    assembler.finish()


def _frame(
    stamp_ns: int,
    found: dict[str, Any],
    info: Any,
    pose: Pose | None,
    recording: Recording,
    losses: Losses,
) -> DriveFrame | None:
    """Read the three images; None where that fails."""
    try:
        image = decode_message(found['image'])
        truth = result_images.true_labels_from_message(
            found['labels'], recording.label_set, coding=recording.coding
        )
        depth = result_images.true_depth_from_message(found['depth'])
        if not image.shape[:2] == truth.labels.shape == depth.shape:
            raise ValueError(
                f'expected image and ground truth of one size, got {image.shape[:2]}, '
                f'{truth.labels.shape} and {depth.shape}'
            )
        if not np.all(depth >= 0.0):
            raise ValueError('expected true depths of 0 m or more, got a negative one or NaN')
    except ValueError as error:
        losses.refused[str(error)] += 1
        return None
    losses.unknown.update(truth.unknown)
    k = _camera_matrix(info, depth.shape, recording.camera_fov_deg, losses)
    return DriveFrame(stamp_ns, image, truth.labels, depth, k, pose)


def _camera_matrix(
    info: Any, size: tuple[int, ...], camera_fov_deg: float, losses: Losses
) -> tuple[float, ...] | None:
    """Return the camera matrix that the live node takes; None where that is not known."""
    height, width = size
    model = None if info is None else CameraModel.from_message(info)
    found = calibrate(model, (height, width), camera_fov_deg=camera_fov_deg)
    known = found.intrinsics
    if known is None:
        if found.fits:
            losses.uncalibrated[found.problem] += 1
        return None
    return (known.fx, 0.0, known.cx, 0.0, known.fy, known.cy, 0.0, 0.0, 1.0)


def _pose(message: Any) -> Pose:
    place, turn = message.pose.pose.position, message.pose.pose.orientation
    return place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w
