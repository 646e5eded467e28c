# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are camera images, and what belongs to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rosbags.interfaces import Connection, ConnectionExtRosbag2, QosDurability
from segformer_ros.bags.messages import compressed_encoding
from segformer_ros.bags.rosbag import BagError, BagReader, Topic
from segformer_ros.carla.topics import all_truth
from segformer_ros.image_encoding import depth_encoding, DEPTH_ENCODINGS
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE

_COMPRESSED = '/compressed'
# A camera_info comes with its image; a latched one may be hours older.
_FIRST_LOOK_NS = 2_000_000_000
# A mono image may be a camera, but may as well be labels or depth.
_COLOR_PREFIXES = ('rgb', 'bgr', '8UC3', '8UC4', 'yuv', 'uyvy', 'nv', 'bayer', 'jpeg')
_MONO = frozenset({'mono8', 'mono16', '8UC1'})


@dataclass(frozen=True)
class Camera:
    """
    One camera of a bag.

    :param topic: Its images.
    :param type: sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage.
    :param camera_info: The topic of its camera_info, by default that next to the images.
    :param namespace: Of the outputs: where those of a node would be that sits next to the images;
        empty or starting with a slash.
    """

    topic: str
    type: str
    camera_info: str
    namespace: str

    def output(self, name: str) -> str:
        """Return the full name of an output topic."""
        return f'{self.namespace}/{name}'


def choose(
    reader: BagReader,
    names: Sequence[str],
    infos: Sequence[str] = (),
    *,
    ground_truth: Collection[str] = (),
) -> tuple[Camera, ...]:
    """
    Take the image topics that the user named, or the one that can only be meant.

    :param names: Topics; empty leaves the choice to the bag.
    :param infos: Topics of camera_info, one for each camera; empty takes those next to the images.
    :param ground_truth: Topics with colours that are ground truth, which no choice is left to;
        besides those that CARLA and the built-in world name so.
    :raises BagError: A topic is not there, has no images, or the choice is not clear.
    """
    truth = all_truth(item.name for item in reader.topics).union(ground_truth)
    cameras = _choose(reader, names, truth)
    if not infos:
        return cameras
    if len(infos) != len(cameras):
        raise BagError(
            f'expected one topic of camera_info for each of {len(cameras)} cameras, got '
            f'{len(infos)}: {", ".join(infos)}'
        )
    known = [item.name for item in reader.topics if item.type == CAMERA_INFO and item.count]
    for name in infos:
        if name not in known:
            raise BagError(
                f'expected camera_info on {name} in {reader.path}, found it on '
                f'{", ".join(known) or "no topic"}'
            )
    return tuple(
        replace(camera, camera_info=info) for camera, info in zip(cameras, infos, strict=True)
    )


def latched_info(reader: BagReader, topic: str) -> Any:
    """
    Read the camera_info that a subscriber has had from the start: the first of a latched topic.

    A recorder may have received it after the first images.

    :returns: None where the topic is not latched, or its first message cannot be read.
    """
    if not any(_is_latched(item.ext) for item in reader.connections([topic])):
        return None
    for connection, _, raw in reader.messages([topic]):
        if connection.msgtype != CAMERA_INFO:
            continue
        try:
            return reader.deserialize(raw, connection.msgtype)
        except ValueError:
            return None
    return None


def last_message(
    reader: BagReader, topic: str, message_type: str, before_ns: int
) -> tuple[Connection, bytes] | None:
    """
    Find the latest message of a topic before a time.

    :returns: Connection and CDR bytes; None where there is no such message.
    """
    span_ns, start_ns = _FIRST_LOOK_NS, before_ns
    while start_ns > reader.start_ns:
        start_ns = max(reader.start_ns, before_ns - span_ns)
        found = None
        for connection, _, raw in reader.messages([topic], start_ns=start_ns, stop_ns=before_ns):
            if connection.msgtype == message_type:
                found = connection, raw
        if found is not None:
            return found
        span_ns *= 8
    return None


def _is_latched(ext: object) -> bool:
    return isinstance(ext, ConnectionExtRosbag2) and any(
        profile.durability is QosDurability.TRANSIENT_LOCAL for profile in ext.offered_qos_profiles
    )


def _choose(
    reader: BagReader, names: Sequence[str], ground_truth: Collection[str]
) -> tuple[Camera, ...]:
    images = [item for item in reader.topics if item.type in (IMAGE, COMPRESSED_IMAGE)]
    if names:
        found = {item.name: item for item in images}
        for name in names:
            if name not in found or not found[name].count:
                raise BagError(
                    f'expected images on {name} in {reader.path}, found {_listed(reader, images)}'
                )
            depth = _depth_encoding(reader, found[name])
            if depth:
                raise BagError(
                    f'expected camera images on {name} in {reader.path}, found depth ({depth}); '
                    f'image topics: {_listed(reader, images)}'
                )
        return _cameras([found[name] for name in dict.fromkeys(names)])
    candidates = _candidates(
        reader, [item for item in images if _base(item.name) not in ground_truth]
    )
    if len(candidates) == 1:
        return _cameras(candidates)
    if not candidates:
        raise BagError(
            f'expected camera images in {reader.path}, found image topics: '
            f'{_listed(reader, images)}'
        )
    listed = ' '.join(item.name for item in candidates)
    raise BagError(
        f'expected one camera in {reader.path}, found {len(candidates)} topics with colour '
        f'images: choose with --topic from {listed}'
    )


def _listed(reader: BagReader, images: Sequence[Topic]) -> str:
    """Name topics with what is on them, for a message."""
    texts = [f'{item.name} ({_encoding(reader, item)})' for item in images]
    return ', '.join(texts) or 'none'


def _candidates(reader: BagReader, images: Sequence[Topic]) -> list[Topic]:
    """Return the topics with colour images, or else all that may be a camera's."""
    raw = {item.name for item in images if item.type == IMAGE and item.count}
    encodings = {
        item: _encoding(reader, item)
        for item in images
        if item.count and not (item.type == COMPRESSED_IMAGE and _base(item.name) in raw)
    }
    found = [item for item, name in encodings.items() if name.startswith(_COLOR_PREFIXES)]
    return found or [item for item, name in encodings.items() if name in _MONO]


def _encoding(reader: BagReader, topic: Topic) -> str:
    """Return the encoding of the first image that can be read, or say why there is none."""
    if not topic.count:
        return 'no messages'
    message = _first_image(reader, topic)
    if message is None:
        return 'nothing that can be read'
    if topic.type == IMAGE:
        return str(message.encoding)
    return compressed_encoding(message.format, message.data)


def _depth_encoding(reader: BagReader, topic: Topic) -> str:
    """Return how the images of a topic that are depth by what they say are encoded, else ''."""
    message = _first_image(reader, topic)
    if message is None:
        return ''
    if topic.type == COMPRESSED_IMAGE:
        return depth_encoding(message.format)
    return message.encoding if message.encoding in DEPTH_ENCODINGS else ''


def _first_image(reader: BagReader, topic: Topic) -> Any:
    """Return the first message of a topic that can be read, None where there is none."""
    for connection, _, raw in reader.messages([topic.name]):
        if connection.msgtype != topic.type:
            continue
        try:
            return reader.deserialize(raw, connection.msgtype)
        except ValueError:
            continue
    return None


def _base(topic: str) -> str:
    return topic[: -len(_COMPRESSED)] if topic.endswith(_COMPRESSED) else topic


def _cameras(topics: Sequence[Topic]) -> tuple[Camera, ...]:
    # What keeps the outputs of two topics apart, from the shortest name to the longest.
    names = [_base(item.name).rpartition('/')[0] for item in topics]
    parents = list(names)
    for longer in (lambda name: _base(name), lambda name: name):
        shared = Counter(names)
        names = [
            name if shared[name] == 1 else longer(item.name)
            for item, name in zip(topics, names, strict=True)
        ]
    return tuple(
        Camera(item.name, item.type, f'{parent}/camera_info', name)
        for item, parent, name in zip(topics, parents, names, strict=True)
    )
