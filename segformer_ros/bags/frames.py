# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The images of a bag one by one, with their camera and the way driven until then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.bags.cameras import Camera, latched_info
from segformer_ros.bags.infos import infos_first, read_info
from segformer_ros.bags.process import BagOptions
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.camera import Intrinsics
from segformer_ros.frame_rules import calibrate, CameraModel
from segformer_ros.image_encoding import decode_message
from segformer_ros.output_topics.contents import CAMERA_INFO
from segformer_ros.run_folder import Report

ODOMETRY = 'nav_msgs/msg/Odometry'


@dataclass(frozen=True)
class BagFrame:
    """
    One image of a bag.

    :param topic: Of the camera.
    :param stamp_ns: Of its header.
    :param image: (H, W, 3) RGB.
    :param intrinsics: As `segformer run` takes them; None: the camera is unknown.
    :param driven_m: Metres driven since the first odometry; None: there is no odometry yet.
    """

    topic: str
    stamp_ns: int
    image: npt.NDArray[np.uint8]
    intrinsics: Intrinsics | None
    driven_m: float | None


def odometry_topic(reader: BagReader, name: str = '') -> str:
    """
    Return the topic that says how far was driven: the one that was named, or the only one.

    :returns: Empty where there is none.
    :raises BagError: The topic that was named is not there.
    """
    found = [item.name for item in reader.topics if item.type == ODOMETRY and item.count]
    if name and name not in found:
        raise BagError(
            f'expected odometry on {name} in {reader.path}, found it on '
            f'{", ".join(found) or "no topic"}'
        )
    return name or (found[0] if len(found) == 1 else '')


def bag_frames(
    reader: BagReader,
    cameras: Sequence[Camera],
    options: BagOptions,
    report: Report,
    odometry: str = '',
) -> Iterator[BagFrame]:
    """
    Read the images of some cameras in the order of their receipt.

    An image that cannot be read is counted in the report.

    :param odometry: Topic; empty: how far was driven is unknown.
    :raises BagError: The bag is damaged further on.
    """
    by_topic = {camera.topic: camera for camera in cameras}
    infos = {camera.camera_info: latched_info(reader, camera.camera_info) for camera in cameras}
    way = _Way()
    wanted = [*by_topic, *infos, *([odometry] if odometry else [])]
    for connection, time_ns, raw in infos_first(reader.messages(wanted)):
        camera = by_topic.get(connection.topic)
        if connection.topic in infos and connection.msgtype == CAMERA_INFO:
            infos[connection.topic] = read_info(reader, connection, raw, report)
        elif connection.msgtype == ODOMETRY:
            way.add(reader, raw)
        elif camera is not None and connection.msgtype == camera.type:
            try:
                with report.timed('decode'):
                    message = reader.deserialize(raw, connection.msgtype)
                    image = decode_message(message)
            except ValueError as error:
                report.fail(f'{connection.topic} at {time_ns} ns', error)
                continue
            info = infos[camera.camera_info]
            known = calibrate(
                None if info is None else CameraModel.from_message(info),
                (image.shape[0], image.shape[1]),
                camera_fov_deg=options.camera_fov_deg,
                focal_px=options.focal_px,
                topic=camera.topic,
            )
            stamp = message.header.stamp
            stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
            yield BagFrame(camera.topic, stamp_ns, image, known.intrinsics, way.driven_m)


class _Way:
    """The sum of the distances between odometry messages."""

    def __init__(self) -> None:
        self.driven_m: float | None = None
        self._place: tuple[float, float, float] | None = None

    def add(self, reader: BagReader, raw: bytes) -> None:
        """Advance to the place of a message; one that cannot be read is left out."""
        try:
            point = reader.deserialize(raw, ODOMETRY).pose.pose.position
        except ValueError:
            return
        place = point.x, point.y, point.z
        if not all(map(math.isfinite, place)):
            return
        step = 0.0 if self._place is None else math.dist(self._place, place)
        self.driven_m = (self.driven_m or 0.0) + step
        self._place = place
