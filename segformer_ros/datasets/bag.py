# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A rosbag2 with camera images and ground truth, as the recorder of CARLA or the world leaves it.

The bag is read through once, to know when each image was received; a sample is then three
messages at known times, which the index of the bag finds without reading what lies before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import threading
from typing import Any

import numpy as np
from segformer_ros import result_images
from segformer_ros.bags.cameras import latched_info
from segformer_ros.bags.rosbag import BagError, BagReader, is_bag
from segformer_ros.carla.topics import sensor_topic
from segformer_ros.datasets.sample import Dataset, DatasetError, Sample
from segformer_ros.datasets.storage_images import check_sizes
from segformer_ros.drive_dataset.recording import Recording
from segformer_ros.frame_rules import calibrate, CameraModel
from segformer_ros.image_encoding import decode_message
from segformer_ros.labels import LabelSet
from segformer_ros.stamp_pairs import RestartWatch

__all__ = ['OPTIONS', 'SPLITS', 'BagDataset', 'open_dataset', 'recognises']

SPLITS = ('train', 'val', 'test')
OPTIONS: dict[str, str] = {
    'camera': f'id of the camera ({Recording.camera})',
    'label_sensor': f'id of the ground-truth label sensor ({Recording.label_sensor})',
    'depth_sensor': f'id of the ground-truth depth sensor ({Recording.depth_sensor})',
    'role_name': f'role name of the vehicle ({Recording.role_name})',
    'tag_table': f'tag table of the simulator: auto, t1, t2, t3 or t3_ue5 ({Recording.tag_table})',
    'coding': f'coding of the ground-truth labels: {" or ".join(result_images.CODINGS)} '
    f'({Recording.coding})',
    'camera_fov_deg': 'horizontal field of view in degrees, overriding camera_info (0: use '
    'camera_info)',
    'held_out': 'share at the end of the drive that is val and test instead of train (0: the '
    'whole bag is the requested split)',
}

_KINDS = ('image', 'labels', 'depth')


def recognises(root: Path) -> bool:
    """Return whether a path is a rosbag2 recording."""
    return is_bag(root)


def open_dataset(root: Path, split: str, *, held_out: float = 0.0, **options: Any) -> Dataset:
    """
    Find the frames of a bag.

    :param options: Of the Recording.
    :raises DatasetError: The bag is missing or damaged, or lacks a topic or any whole frame.
    """
    if not 0.0 <= held_out < 1.0:
        raise DatasetError(f'held_out must be 0 or more and below 1, not {held_out}')
    try:
        recording = Recording(**options)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    if recording.coding not in result_images.CODINGS:
        known = ', '.join(result_images.CODINGS)
        raise DatasetError(f'coding must be one of {known}, not {recording.coding!r}')
    try:
        classes = recording.label_set
        frames = sorted(_frames(root, recording), key=lambda frame: frame.stamp_ns)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    if not frames:
        raise DatasetError(
            f'expected frames of {", ".join(_topics(recording).values())} in {root}, found no '
            'stamp that all three have'
        )
    cut = len(frames) - round(held_out * len(frames)) if held_out else 0
    chosen = frames[:cut] if held_out and split == 'train' else frames[cut:]
    if not chosen:
        raise DatasetError(f'{root} has {len(frames)} frames: too few for held_out={held_out}')
    return BagDataset(root, recording, classes, chosen)


@dataclass(frozen=True)
class BagFrame:
    """
    Where a frame lies in a bag.

    :param received_ns: Times of receipt of image, labels and depth.
    :param camera: What the camera_info says that came last.
    """

    stamp_ns: int
    received_ns: tuple[int, ...]
    camera: CameraModel | None


def _topics(recording: Recording) -> dict[str, str]:
    sensors = (recording.camera, recording.label_sensor, recording.depth_sensor)
    return {
        kind: sensor_topic(recording.role_name, sensor, 'image')
        for kind, sensor in zip(_KINDS, sensors, strict=True)
    }


def _frames(path: Path, recording: Recording) -> Iterator[BagFrame]:
    """Read all stamps; only a camera_info is looked into any further."""
    topics = {topic: kind for kind, topic in _topics(recording).items()}
    info = sensor_topic(recording.role_name, recording.camera, 'camera_info')
    waiting: dict[int, dict[str, int]] = {}
    watch = RestartWatch(len(_KINDS))
    with BagReader(path) as reader:
        missing = topics.keys() - {item.name for item in reader.topics if item.count}
        if missing:
            raise BagError(f'expected {", ".join(sorted(missing))} in {path}, found no message')
        first = latched_info(reader, info)
        camera = None if first is None else CameraModel.from_message(first)
        for connection, received_ns, raw in reader.messages({*topics, info}):
            if connection.topic == info:
                message = reader.deserialize(raw, connection.msgtype)
                camera = CameraModel.from_message(message)
                continue
            stamp_ns, kind = _stamp_ns(raw), topics[connection.topic]
            # Where the world was reloaded, stamps come again for other places.
            for former in watch.add(_KINDS.index(kind), stamp_ns):
                for found in waiting.values():
                    found.pop(_KINDS[former], None)
            found = waiting.setdefault(stamp_ns, {})
            found[kind] = received_ns
            if len(found) == len(_KINDS):
                del waiting[stamp_ns]
                yield BagFrame(stamp_ns, tuple(found[kind] for kind in _KINDS), camera)


def _stamp_ns(raw: bytes) -> int:
    """Read the stamp that every message with a header begins with, behind 4 bytes about CDR."""
    order = '<i4' if raw[1] & 1 else '>i4'
    seconds, nanoseconds = np.frombuffer(raw, order, 2, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


class _OpenBag:
    """A reader that is closed with the thread that it belongs to."""

    def __init__(self, path: Path) -> None:
        self.process = os.getpid()
        self.reader = BagReader(path)

    def __del__(self) -> None:
        if hasattr(self, 'reader'):
            self.reader.close()


class BagDataset:
    """The frames of a bag that have image, labels and depth of one stamp, in the order of time."""

    def __init__(
        self, path: Path, recording: Recording, classes: LabelSet, frames: Sequence[BagFrame]
    ) -> None:
        """Take the frames of a bag that are known."""
        self._path, self._recording, self._classes = path, recording, classes
        self._frames = tuple(frames)
        self._readers = threading.local()

    @property
    def label_set(self) -> LabelSet | None:
        """Return the classes of the simulator that was recorded."""
        return self._classes

    def __len__(self) -> int:
        return len(self._frames)

    def name(self, index: int) -> str:
        """Name a sample: bag and stamp in nanoseconds."""
        return f'{self._path.name}/{self._frames[index].stamp_ns}'

    def __getitem__(self, index: int) -> Sample:
        """
        Read a sample.

        :raises DatasetError: An image cannot be read or is not of the size of the others.
        """
        frame = self._frames[index]
        try:
            topics = _topics(self._recording)
            image, labels, depth = (
                self._message(topics[kind], received_ns, frame.stamp_ns)
                for kind, received_ns in zip(_KINDS, frame.received_ns, strict=True)
            )
            rgb = decode_message(image)
            truth = result_images.true_labels_from_message(
                labels, self._classes, coding=self._recording.coding
            )
            metres = result_images.true_depth_from_message(depth)
        except ValueError as error:
            raise DatasetError(f'{self.name(index)} of {self._path}: {error}') from error
        height, width = rgb.shape[:2]
        intrinsics = calibrate(
            frame.camera, (height, width), camera_fov_deg=self._recording.camera_fov_deg
        ).intrinsics
        sample = Sample(rgb, truth.labels, metres, intrinsics, self.name(index))
        return check_sizes(sample)

    def _message(self, topic: str, received_ns: int, stamp_ns: int) -> Any:
        reader = self._reader()
        found = reader.messages([topic], start_ns=received_ns, stop_ns=received_ns + 1)
        for connection, _, raw in found:
            if _stamp_ns(raw) == stamp_ns:
                return reader.deserialize(raw, connection.msgtype)
        raise BagError(f'expected {topic} at {received_ns} ns, found nothing: was it replaced?')

    def _reader(self) -> BagReader:
        """Return the reader of this thread of this process; neither kind of bag can be shared."""
        opened: _OpenBag | None = getattr(self._readers, 'opened', None)
        if opened is None or opened.process != os.getpid():
            opened = self._readers.opened = _OpenBag(self._path)
        return opened.reader

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != '_readers'}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _readers=threading.local())
