# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of a recorded drive: camera image, results and ground truth, matched by stamp."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import result_images
from segformer_ros.bags.messages import rgb_from_message
from segformer_ros.bags.rosbag import BagReader

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

# Images of one stamp are recorded within a few frames of each other.
_KEPT = 64

_READERS: Mapping[str, Callable[[Any], Any]] = {
    'image': lambda message: rgb_from_message(message, message.__msgtype__),
    'labels': result_images.labels_from_message,
    'depth': result_images.depth_from_message,
    'true_labels': lambda message: result_images.true_labels_from_message(message).labels,
    'true_depth': result_images.true_depth_from_message,
    'stats': lambda message: message,
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
    """

    stamp_ns: int
    image: Image | None = None
    labels: Image | None = None
    depth: Depth | None = None
    true_labels: Image | None = None
    true_depth: Depth | None = None
    stats: Any = None


def read_synced_frames(
    bag: Path,
    topics: Mapping[str, str],
    stamps_ns: frozenset[int] | None = None,
    *,
    needed: Collection[str] | None = None,
    readers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Iterator[SyncedFrame]:
    """
    Read the stamps of which all topics have an image, in the order they became complete.

    :param topics: Topic by the name of the field of SyncedFrame that it fills.
    :param stamps_ns: Only these; None reads all.
    :param needed: Fields without which a stamp is left out; one that lacks others comes when
        nothing of it can be expected any more. None needs all.
    :param readers: What makes the value of a field of its message, where that is not as usual.
    :raises BagError: The bag is damaged.
    :raises ValueError: An image is not of the kind that its field needs.
    """
    fields = {topic: name for name, topic in topics.items()}
    waiting: OrderedDict[int, dict[str, Any]] = OrderedDict()
    chosen = {**_READERS, **(readers or {})}
    with BagReader(bag) as reader:
        for connection, _, raw in reader.messages(fields):
            message = reader.deserialize(raw, connection.msgtype)
            stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
            if stamps_ns is not None and stamp_ns not in stamps_ns:
                continue
            found = waiting.setdefault(stamp_ns, {})
            found[fields[connection.topic]] = message
            if len(found) == len(fields):
                del waiting[stamp_ns]
                yield _read(stamp_ns, found, chosen)
            elif len(waiting) > _KEPT:
                stamp_ns, found = waiting.popitem(last=False)
                if _suffices(found, needed):
                    yield _read(stamp_ns, found, chosen)
    for stamp_ns, found in waiting.items():
        if _suffices(found, needed):
            yield _read(stamp_ns, found, chosen)


def _suffices(found: Mapping[str, Any], needed: Collection[str] | None) -> bool:
    return needed is not None and all(name in found for name in needed)


def _read(
    stamp_ns: int, found: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]
) -> SyncedFrame:
    return SyncedFrame(stamp_ns, **{name: readers[name](item) for name, item in found.items()})
