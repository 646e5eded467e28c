# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of a recorded drive: camera image, results and ground truth, matched by stamp."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from rosbags.interfaces import Connection
from segformer_ros import result_images
from segformer_ros.bags.infos import InfoInForce, infos_first
from segformer_ros.bags.recall import Recall
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.image_encoding import decode_message

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

# Takes topic, stamp in nanoseconds if it is known, and the reason.
Refused: TypeAlias = 'Callable[[str, int | None, ValueError], None]'

# Stamps whose messages are kept in memory; those of older ones are read again.
_KEPT = 64

_READERS: Mapping[str, Callable[[Any], Any]] = {
    'image': decode_message,
    'labels': result_images.labels_from_message,
    'depth': result_images.depth_from_message,
    'true_labels': lambda message: result_images.true_labels_from_message(message).labels,
    'true_depth': result_images.true_depth_from_message,
    'stats': lambda message: message,
    'relative': result_images.depth_from_message,
    'depth_confidence': result_images.confidence_from_message,
    'info': lambda message: message,
}


@dataclass(frozen=True)
class SyncedFrame:
    """
    What is known of one stamp; None for what the recording was not asked for.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids.
    :param depth: (H, W) metres, NaN where unknown.
    :param true_labels: (H, W) class ids, 255 where unknown.
    :param true_depth: (H, W) metres, +inf for the sky.
    :param stats: The message of frame_stats.
    :param relative: (H, W) depth of unknown scale.
    :param depth_confidence: (H, W) probability times 255.
    :param info: The camera_info that held when the image was received.
    """

    stamp_ns: int
    image: Image | None = None
    labels: Image | None = None
    depth: Depth | None = None
    true_labels: Image | None = None
    true_depth: Depth | None = None
    stats: Any = None
    relative: Depth | None = None
    depth_confidence: Image | None = None
    info: Any = None


@dataclass(frozen=True)
class _Held:
    """A message that waits for the others of its stamp; without it, what reads it again."""

    again: Callable[[], Any]
    message: Any = None


def read_synced_frames(
    bag: Path,
    topics: Mapping[str, str],
    stamps_ns: frozenset[int] | None = None,
    *,
    needed: Collection[str] | None = None,
    readers: Mapping[str, Callable[[Any], Any]] | None = None,
    only: Mapping[str, Callable[[Any], bool]] | None = None,
    camera_info: str = '',
    refused: Refused | None = None,
) -> Iterator[SyncedFrame]:
    """
    Read the stamps of which all topics have an image, in the order they became complete.

    :param topics: Topic by the name of the field of SyncedFrame that it fills.
    :param stamps_ns: Only these; None reads all.
    :param needed: Fields without which a stamp is left out; one that lacks others comes when
        nothing of it can be expected any more. None needs all.
    :param readers: What makes the value of a field of its message, where that is not as usual.
    :param only: Whether a message counts, by the name of the field; of others all do.
    :param camera_info: Topic; empty: the frames have no camera_info.
    :param refused: Is told of messages that cannot be read, which are left out; None raises.
    :raises BagError: The bag is damaged.
    :raises ValueError: A message cannot be read, or an image is not of the kind that its field
        needs, and `refused` is None.
    """
    fields = {topic: name for name, topic in topics.items()}
    waiting: dict[int, dict[str, _Held]] = {}
    large: dict[int, None] = {}
    reading = _Reading({**_READERS, **(readers or {})}, topics, needed, refused)
    with BagReader(bag) as reader, Recall(bag) as recall:
        info = InfoInForce(reader, camera_info)
        for connection, time_ns, raw in infos_first(reader.messages([*fields, *info.topics])):
            if info.takes(connection, raw):
                continue
            field, message = fields[connection.topic], reading.message(reader, connection, raw)
            if message is None:
                continue
            stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
            if stamps_ns is not None and stamp_ns not in stamps_ns:
                continue
            counts = (only or {}).get(field)
            if counts is not None and not counts(message):
                continue
            found = waiting.setdefault(stamp_ns, {})
            again = partial(recall.message, connection.topic, time_ns, message.header)
            found[field] = _Held(again, message)
            if field == 'image' and info.message is not None:
                found['info'] = _Held(partial(_same, info.message), info.message)
            large[stamp_ns] = None
            if all(name in found for name in topics):
                del waiting[stamp_ns], large[stamp_ns]
                yield from reading.frame(stamp_ns, found)
            elif len(large) > _KEPT:
                stamp_ns = next(iter(large))
                del large[stamp_ns]
                if needed is None:
                    found = waiting[stamp_ns]
                    found.update({name: _Held(item.again) for name, item in found.items()})
                else:
                    yield from reading.frame(stamp_ns, waiting.pop(stamp_ns))
    for stamp_ns, found in waiting.items():
        if needed is not None:
            yield from reading.frame(stamp_ns, found)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class _Reading:
    """
    What messages become, and who is told of those that cannot be read.

    :param readers: Make the value of a field of its message.
    """

    readers: Mapping[str, Callable[[Any], Any]]
    topics: Mapping[str, str]
    needed: Collection[str] | None
    refused: Refused | None

    def message(self, reader: BagReader, connection: Connection, raw: bytes) -> Any:
        """Read a message; None where it is damaged."""
        try:
            return reader.deserialize(raw, connection.msgtype)
        except ValueError as error:
            if self.refused is None:
                raise
            self.refused(connection.topic, None, error)
            return None

    def frame(self, stamp_ns: int, found: Mapping[str, _Held]) -> Iterator[SyncedFrame]:
        """Read what was found of a stamp; nothing where something is missing that is needed."""
        needed = self.topics if self.needed is None else self.needed
        if not all(name in found for name in needed):
            return
        read = {}
        for name, item in found.items():
            try:
                read[name] = self.readers[name](item.message or item.again())
            except BagError:
                raise
            except ValueError as error:
                if self.refused is None:
                    raise
                self.refused(self.topics[name], stamp_ns, error)
                if name in needed:
                    return
        yield SyncedFrame(stamp_ns, **read)
