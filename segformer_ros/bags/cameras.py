# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are camera images, and what belongs to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from segformer_ros.bags.messages import COMPRESSED_IMAGE, IMAGE
from segformer_ros.bags.rosbag import BagError, BagReader, Topic

_COMPRESSED = '/compressed'
# A mono image may be a camera, but may as well be labels or depth.
_COLOR_PREFIXES = ('rgb', 'bgr', '8UC3', '8UC4', 'yuv', 'uyvy', 'nv', 'bayer')


@dataclass(frozen=True)
class Camera:
    """
    One camera of a bag.

    :param topic: Its images.
    :param type: sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage.
    :param camera_info: The topic beside the images.
    :param namespace: Of the outputs: where those of a node would be that sits beside the images;
        empty or starting with a slash.
    """

    topic: str
    type: str
    camera_info: str
    namespace: str

    def output(self, name: str) -> str:
        """Give the full name of an output topic."""
        return f'{self.namespace}/{name}'


def choose(reader: BagReader, names: Sequence[str]) -> tuple[Camera, ...]:
    """
    Take the image topics that the user named, or the one that can only be meant.

    :param names: Topics; empty leaves the choice to the bag.
    :raises BagError: A topic is not there, has no images, or the choice is not clear.
    """
    images = [item for item in reader.topics if item.type in (IMAGE, COMPRESSED_IMAGE)]
    known = ', '.join(item.name for item in images) or 'none'
    if names:
        found = {item.name: item for item in images}
        for name in names:
            if name not in found:
                raise BagError(f'expected images on {name} in {reader.path}, found {known}')
        return _cameras([found[name] for name in dict.fromkeys(names)])
    candidates = _candidates(reader, images)
    if len(candidates) == 1:
        return _cameras(candidates)
    if not candidates:
        raise BagError(f'expected camera images in {reader.path}, found image topics: {known}')
    listed = ' '.join(item.name for item in candidates)
    raise BagError(
        f'expected one camera in {reader.path}, found {len(candidates)} topics with colour '
        f'images: choose with --topic from {listed}'
    )


def _candidates(reader: BagReader, images: Sequence[Topic]) -> list[Topic]:
    """Give the topics with colour images, or else all that may be a camera's."""
    raw = {item.name for item in images if item.type == IMAGE}
    found = []
    for item in images:
        if item.type == COMPRESSED_IMAGE:
            if _base(item.name) not in raw and item.count:
                found.append(item)
        elif _encoding(reader, item.name).startswith(_COLOR_PREFIXES):
            found.append(item)
    if found:
        return found
    return [item for item in images if _encoding(reader, item.name) in {'mono8', 'mono16'}]


def _encoding(reader: BagReader, topic: str) -> str:
    """Give the encoding of the first image that can be read, empty when there is none."""
    for connection, _, raw in reader.messages([topic]):
        try:
            return str(reader.deserialize(raw, connection.msgtype).encoding)
        except (AttributeError, ValueError):
            continue
    return ''


def _base(topic: str) -> str:
    return topic[: -len(_COMPRESSED)] if topic.endswith(_COMPRESSED) else topic


def _cameras(topics: Sequence[Topic]) -> tuple[Camera, ...]:
    parents = [_base(item.name).rpartition('/')[0] for item in topics]
    shared = Counter(parents)
    return tuple(
        Camera(
            item.name,
            item.type,
            f'{parent}/camera_info',
            parent if shared[parent] == 1 else _base(item.name),
        )
        for item, parent in zip(topics, parents, strict=True)
    )
