# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which camera_info holds for an image of a bag, and why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rosbags.interfaces import Connection
from segformer_ros.bags.cameras import Camera, last_message, latched_info
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.output_topics.contents import CAMERA_INFO
from segformer_ros.run_folder import Report


def recall_infos(
    reader: BagReader, infos: dict[str, Any], missing: dict[str, str], start_ns: int
) -> None:
    """Put in what an earlier part of the bag has received of each camera_info."""
    for topic in infos:
        found = last_message(reader, topic, CAMERA_INFO, start_ns)
        if found is not None:
            # What is damaged was counted there.
            infos[topic] = read_info(reader, *found, Report())
            if infos[topic] is None:
                missing[topic] = damaged_info(topic)


def damaged_info(topic: str) -> str:
    """Describe why there is no camera_info that holds."""
    return f'the camera_info on {topic} is damaged'


def infos_first(
    messages: Iterator[tuple[Connection, int, bytes]],
) -> Iterator[tuple[Connection, int, bytes]]:
    """Put a camera_info before the image that was received in the same nanosecond."""
    for _, group in groupby(messages, key=lambda item: item[1]):
        yield from sorted(group, key=lambda item: item[0].msgtype != CAMERA_INFO)


def read_info(reader: BagReader, connection: Connection, raw: bytes, report: Report) -> Any:
    """Read a camera_info, None when it is damaged."""
    try:
        return reader.deserialize(raw, connection.msgtype)
    except ValueError:
        # It is no frame: those that need it are counted as of an unknown camera.
        report.count('camera_infos_not_read')
        return None


def missing_info(reader: BagReader, camera: Camera) -> str:
    """Warn that a camera has no camera_info, and name those that the bag has."""
    topics = {item.name for item in reader.topics if item.type == CAMERA_INFO and item.count}
    text = f'no camera_info on {camera.camera_info}'
    if camera.camera_info in topics:
        return f'{text} yet'
    if topics:
        text += f', but on {", ".join(sorted(topics))}: choose with --camera-info'
    return text


class InfoInForce:
    """
    The camera_info that holds while the messages of a bag go by, as for a node that listens.

    :param topic: Empty, or a topic that the bag does not have: there never is one.
    """

    def __init__(self, reader: BagReader, topic: str) -> None:
        self._reader, self._topic = reader, topic
        self.topics: tuple[str, ...] = (topic,) if topic else ()
        self.message: Any = latched_info(reader, topic) if topic else None

    def takes(self, connection: Connection, raw: bytes) -> bool:
        """Look at a message; return whether it is of this topic, damaged or not."""
        if connection.topic != self._topic or connection.msgtype != CAMERA_INFO:
            return False
        self.message = read_info(self._reader, connection, raw, Report())
        return True
