# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small bags for tests, written with rosbags alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.interfaces import Qos
from segformer_ros.bags.message_types import make_store
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.bags.writer import BagWriter
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE

STORE = make_store()
_TYPES: dict[str, Any] = dict(STORE.types)


class Message(NamedTuple):
    """One message on its way into, or out of, a bag."""

    topic: str
    type: str
    time_ns: int
    message: Any


def header(stamp_ns: int, frame_id: str = 'camera_optical') -> Any:
    """Make a std_msgs/Header."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    stamp = _TYPES['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    return _TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id=frame_id)


def image(pixels: np.ndarray, encoding: str, stamp_ns: int = 0, *, padding: int = 0) -> Any:
    """Make an image; pixels are (H, W, C) or (H, W) as they lie in memory."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return _TYPES[IMAGE](
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1],
        data=rows.reshape(-1),
    )


def compressed(data: bytes, kind: str, stamp_ns: int = 0) -> Any:
    """Make a compressed image."""
    content = np.frombuffer(data, np.uint8)
    return _TYPES[COMPRESSED_IMAGE](header=header(stamp_ns), format=kind, data=content)


def camera_info(
    height: int, width: int, focal_px: float, stamp_ns: int = 0, *, p: Any = None
) -> Any:
    """Make a camera_info with some distortion; P is K unless it is given."""
    region = _TYPES['sensor_msgs/msg/RegionOfInterest']
    k = [focal_px, 0.0, width / 2, 0.0, focal_px, height / 2, 0.0, 0.0, 1.0]
    return _TYPES[CAMERA_INFO](
        header=header(stamp_ns),
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.array([0.1, -0.2, 0.0, 0.0, 0.05]),
        k=np.array(k),
        r=np.eye(3).reshape(-1),
        p=np.array([*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0] if p is None else p, np.float64),
        binning_x=0,
        binning_y=0,
        roi=region(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )


def drive(
    count: int,
    *,
    size: tuple[int, int] = (48, 96),
    encoding: str = 'bgr8',
    period_ns: int = 100_000_000,
    namespace: str = '/front',
    focal_px: float = 80.0,
) -> list[Message]:
    """Make the messages of one camera: pictures of noise, each with its camera_info before it."""
    random = np.random.default_rng(0)
    channels = {'bgr8': 3, 'rgb8': 3, 'bgra8': 4, 'mono8': 1}[encoding]
    messages = []
    for index in range(count):
        stamp = 5_000_000_000 + index * period_ns
        received = stamp + 1_700_000_000_000_000_000
        pixels = random.integers(0, 256, (size[0] // 4, size[1] // 4, channels), np.uint8)
        pixels = pixels.repeat(4, axis=0).repeat(4, axis=1)
        info = camera_info(*size, focal_px, stamp)
        messages += [
            Message(f'{namespace}/camera_info', CAMERA_INFO, received, info),
            Message(f'{namespace}/image', IMAGE, received + 7, image(pixels, encoding, stamp)),
        ]
    return messages


def write_bag(
    path: Path,
    messages: Iterable[Message],
    storage: str = 'sqlite3',
    offered: dict[str, Qos] | None = None,
) -> Path:
    """Write a bag; offered gives the QoS by topic."""
    with BagWriter(path, storage, STORE) as writer:
        topics: dict[str, Any] = {}
        for item in messages:
            if item.topic not in topics:
                qos = (offered or {}).get(item.topic)
                topics[item.topic] = writer.add_topic(item.topic, item.type, qos)
            writer.write_message(topics[item.topic], item.time_ns, item.message)
    return path


def read_bag(path: Path) -> dict[str, list[Message]]:
    """Read a bag by topic."""
    found: dict[str, list[Message]] = {}
    with BagReader(path) as reader:
        for connection, time_ns, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            item = Message(connection.topic, connection.msgtype, time_ns, message)
            found.setdefault(connection.topic, []).append(item)
    return found
