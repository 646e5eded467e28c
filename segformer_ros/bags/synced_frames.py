# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of a recorded drive: camera image, results and ground truth, matched by stamp."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import result_images
from segformer_ros.bags.recall import Recall
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.image_encoding import decode_message

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

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
) -> Iterator[SyncedFrame]:
    """
    Read the stamps of which all topics have an image, in the order they became complete.

    :param topics: Topic by the name of the field of SyncedFrame that it fills.
    :param stamps_ns: Only these; None reads all.
    :param needed: Fields without which a stamp is left out; one that lacks others comes when
        nothing of it can be expected any more. None needs all.
    :param readers: What makes the value of a field of its message, where that is not as usual.
    :param only: Whether a message counts, by the name of the field; of others all do.
    :raises BagError: The bag is damaged.
    :raises ValueError: An image is not of the kind that its field needs.
    """
    fields = {topic: name for name, topic in topics.items()}
    waiting: dict[int, dict[str, _Held]] = {}
    large: dict[int, None] = {}
    chosen = {**_READERS, **(readers or {})}
    with BagReader(bag) as reader, Recall(bag) as recall:
        for connection, time_ns, raw in reader.messages(fields):
            message = reader.deserialize(raw, connection.msgtype)
            stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
            if stamps_ns is not None and stamp_ns not in stamps_ns:
                continue
            counts = (only or {}).get(fields[connection.topic])
            if counts is not None and not counts(message):
                continue
            found = waiting.setdefault(stamp_ns, {})
            again = partial(recall.message, connection.topic, time_ns, message.header)
            found[fields[connection.topic]] = _Held(again, message)
            large[stamp_ns] = None
            if len(found) == len(fields):
                del waiting[stamp_ns], large[stamp_ns]
                yield _read(stamp_ns, found, chosen)
            elif len(large) > _KEPT:
                stamp_ns = next(iter(large))
                del large[stamp_ns]
                if needed is None:
                    found = waiting[stamp_ns]
                    found.update({name: _Held(item.again) for name, item in found.items()})
                else:
                    found = waiting.pop(stamp_ns)
                    if _suffices(found, needed):
                        yield _read(stamp_ns, found, chosen)
    for stamp_ns, found in waiting.items():
        if _suffices(found, needed):
            yield _read(stamp_ns, found, chosen)


def _suffices(found: Mapping[str, Any], needed: Collection[str] | None) -> bool:
    return needed is not None and all(name in found for name in needed)


def _read(
    stamp_ns: int, found: Mapping[str, _Held], readers: Mapping[str, Callable[[Any], Any]]
) -> SyncedFrame:
    read = {name: readers[name](item.message or item.again()) for name, item in found.items()}
    return SyncedFrame(stamp_ns, **read)
