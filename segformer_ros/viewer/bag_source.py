# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag as frames of a scene: its own results and ground truth, or those of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
import heapq
from operator import attrgetter
from pathlib import Path
from typing import Any
import warnings

from segformer_ros import result_images
from segformer_ros.bags.cameras import Camera, choose
from segformer_ros.bags.rosbag import BagReader
from segformer_ros.bags.synced_frames import read_synced_frames, SyncedFrame
from segformer_ros.carla import tag_table, topics
from segformer_ros.frame_rules import CameraModel
from segformer_ros.labels import LabelClass
from segformer_ros.output_topics.contents import IMAGE, LABEL_CLASSES
from segformer_ros.viewer.predictor import Predictor
from segformer_ros.viewer.scene import ViewFrame
from segformer_ros.viewer.source import Source

_RESULTS = {
    'labels': 'label/image',
    'depth': 'depth/image',
    'relative': 'depth/relative/image',
    'depth_confidence': 'depth/confidence/image',
}
_STATS = 'segformer_ros/msg/FrameStats'
_STEPS = ('wait', 'preprocess', 'network', 'postprocess', 'publish', 'latency')
# Results without an image that wait for one.
_KEPT = 64
_DROPS = ('replaced', 'refused', 'failed')


@dataclass(frozen=True)
class BagView:
    """
    What of a bag is shown.

    :param cameras: Topics of the images; none takes the only ones.
    :param camera_infos: One per camera; none takes those next to the images.
    :param results: A bag with the results of this one; None: they are in it, if anywhere.
    :param role_name: Of the vehicle in the topics of the ground truth.
    :param label_sensor: Of the ground-truth labels.
    :param depth_sensor: Of the ground-truth depth.
    :param coding: Of the ground-truth labels, 'bridge' or 'native'.
    :param tag_table: Of the ground-truth labels; see carla.tag_table.
    """

    cameras: tuple[str, ...] = ()
    camera_infos: tuple[str, ...] = ()
    results: Path | None = None
    role_name: str = topics.ROLE_NAME
    label_sensor: str = topics.LABELS
    depth_sensor: str = topics.DEPTH
    coding: str = 'bridge'
    tag_table: str = 't3'

    def truth_topics(self, image: str, *, alone: bool) -> dict[str, str]:
        """
        Name the topics of the ground truth by the field of SyncedFrame that they fill.

        :param image: Topic of the images of the camera.
        :param alone: Whether it is the only one.
        """
        sensors = {'true_labels': self.label_sensor, 'true_depth': self.depth_sensor}
        found = {
            name: topics.truth_topic(image, self.role_name, sensor, alone=alone)
            for name, sensor in sensors.items()
        }
        return {name: topic for name, topic in found.items() if topic is not None}

    def all_truth(self, images: Iterable[str]) -> set[str]:
        """
        Return the topics that are the ground truth of a camera, whether they exist or not.

        :param images: All topics that may be a camera's.
        """
        return topics.all_truth(images, self.role_name, (self.label_sensor, self.depth_sensor))


def stats_of(message: Any) -> tuple[dict[str, float], dict[str, float]]:
    """
    Read a FrameStats message, of ROS or of a bag.

    :returns: Milliseconds by step, and dropped frames by reason.
    """
    times = {name: float(getattr(message, f'{name}_ms')) for name in _STEPS}
    return times, {name: float(getattr(message, name)) for name in _DROPS}


def of_bag(path: Path, view: BagView, predictor: Predictor) -> Source:
    """
    Read a bag.

    What it has no labels and no depth of goes through the network.

    :raises BagError: There is no camera in it, or the choice is not clear.
    """
    truth = tag_table(view.tag_table)
    with BagReader(path) as reader:
        ours = view.all_truth(item.name for item in reader.topics)
        cameras = choose(reader, view.cameras, view.camera_infos, ground_truth=ours)
        chosen = {item.topic for item in cameras}
        total = sum(item.count for item in reader.topics if item.name in chosen)
    alone = len(cameras) == 1
    parts = [_camera_source(path, item, view, predictor, alone=alone) for item in cameras]
    classes = next((part.classes for part in parts if part.classes), predictor.classes)
    frames = heapq.merge(*(part.frames for part in parts), key=attrgetter('at'))
    names = tuple(name for part in parts for name in part.cameras)
    return Source(classes, 'stamp', frames, true_classes=truth.classes, total=total, cameras=names)


def _camera_source(
    path: Path, camera: Camera, view: BagView, predictor: Predictor, *, alone: bool
) -> Source:
    """
    Read what a bag has of one camera.

    :param alone: Whether it is the only one that is shown.
    """
    with BagReader(path) as reader:
        found = {item.name: item.type for item in reader.topics if item.count}
        classes = _classes(reader, camera, found)
    fields = _fields(camera, view, found, alone=alone)
    name = '' if alone else camera.namespace.strip('/') or 'camera'
    if view.results is not None:
        with BagReader(view.results) as reader:
            theirs = {item.name: item.type for item in reader.topics if item.count}
            classes = classes or _classes(reader, camera, theirs)
        later = _results(camera, theirs, alone=alone)
        fields = {name: topic for name, topic in fields.items() if name not in later}
        synced = _joined(path, camera, fields, view, later, alone=alone)
    else:
        synced = _synced(path, camera, fields, view, alone=alone)
    frames = (replace(_frame(item, predictor), camera=name) for item in synced)
    return Source(classes, 'stamp', frames, cameras=(name,))


def _frame(item: SyncedFrame, predictor: Predictor) -> ViewFrame:
    assert item.image is not None
    model = None if item.info is None else CameraModel.from_message(item.info)
    if item.labels is None and item.depth is None and item.relative is None:
        frame = predictor.frame(item.stamp_ns, item.image, model)
    else:
        times, drops = ({}, {}) if item.stats is None else stats_of(item.stats)
        frame = ViewFrame(
            item.stamp_ns,
            item.image,
            item.labels,
            item.depth,
            intrinsics=predictor.camera(item.image, model),
            times_ms=times,
            drops=drops,
            relative=item.relative,
            depth_confidence=item.depth_confidence,
        )
    return replace(frame, true_labels=item.true_labels, true_depth=item.true_depth)


def _fields(
    camera: Camera, view: BagView, found: Mapping[str, str], *, alone: bool
) -> dict[str, str]:
    """Return the topic of every field of SyncedFrame that the bag has."""
    fields = {'image': camera.topic, **_results(camera, found, alone=alone)}
    for name, topic in view.truth_topics(camera.topic, alone=alone).items():
        if found.get(topic) == IMAGE:
            fields[name] = topic
    return fields


def _results(camera: Camera, found: Mapping[str, str], *, alone: bool) -> dict[str, str]:
    """Find labels, depth and statistics of a camera, of the only one also without a namespace."""
    fields = {}
    for name, topic in _RESULTS.items():
        places = (camera.output(topic), *([f'/{topic}'] if alone else []))
        place = next((place for place in places if found.get(place) == IMAGE), None)
        if place is not None and place != camera.topic:
            fields[name] = place
    stats = [name for name, kind in found.items() if kind == _STATS]
    around = [name for name in stats if _name_in(name, fields) is not None]
    if around:
        fields['stats'] = max(around, key=len)
    elif alone and len(stats) == 1 and fields:
        fields['stats'] = stats[0]
    return fields


def _name_in(stats: str, fields: Mapping[str, str]) -> str | None:
    """
    Name a camera as the node does whose statistics are on a topic.

    :param fields: Topics of its results.
    :returns: '' for the only camera; None where the results are not in the node's namespace.
    """
    place = next(
        (fields[name].removesuffix(f'/{end}') for name, end in _RESULTS.items() if name in fields),
        None,
    )
    around = stats.rsplit('/', 2)[0]
    if place is None or not f'{place}/'.startswith(f'{around}/'):
        return None
    return place.removeprefix(around).strip('/')


def _of_camera(fields: Mapping[str, str], *, alone: bool) -> dict[str, Callable[[Any], bool]]:
    """Choose the statistics of one camera from those of all cameras, which are on one topic."""
    if 'stats' not in fields:
        return {}
    names = {_name_in(fields['stats'], fields), '' if alone else None}
    return {'stats': lambda message: message.camera.strip('/') in names}


def _synced(
    path: Path, camera: Camera, fields: Mapping[str, str], view: BagView, *, alone: bool
) -> Iterator[SyncedFrame]:
    table = tag_table(view.tag_table)
    read = partial(result_images.true_labels_from_message, label_set=table, coding=view.coding)
    readers: dict[str, Callable[[Any], Any]] = {
        'true_labels': lambda message: read(message).labels
    }
    only = _of_camera(fields, alone=alone)
    return read_synced_frames(
        path,
        fields,
        needed=('image',),
        readers=readers,
        only=only,
        camera_info=camera.camera_info,
        refused=_warn,
    )


def _warn(topic: str, stamp_ns: int | None, error: ValueError) -> None:
    at = '' if stamp_ns is None else f' at {stamp_ns} ns'
    warnings.warn(f'{topic}{at}: {error}', stacklevel=2)


def _joined(
    path: Path,
    camera: Camera,
    fields: Mapping[str, str],
    view: BagView,
    later: Mapping[str, str],
    *,
    alone: bool,
) -> Iterator[SyncedFrame]:
    """Bring the frames of a bag together with the results that another one has, by stamp."""
    assert view.results is not None
    only = _of_camera(later, alone=alone)
    others = read_synced_frames(view.results, later, needed=(), only=only, refused=_warn)
    waiting: dict[int, SyncedFrame] = {}
    for item in _synced(path, camera, fields, view, alone=alone):
        while item.stamp_ns not in waiting and (other := next(others, None)) is not None:
            waiting[other.stamp_ns] = other
            if len(waiting) > _KEPT:
                del waiting[next(iter(waiting))]
        known = waiting.pop(item.stamp_ns, None)
        if known is None:
            yield item
        else:
            theirs: dict[str, Any] = {name: getattr(known, name) for name in {*_RESULTS, *later}}
            yield replace(item, **theirs)


def _classes(
    reader: BagReader, camera: Camera, found: Mapping[str, str]
) -> tuple[LabelClass, ...]:
    """Read label/classes, empty where the bag has none."""
    places = (camera.output('label/classes'), '/label/classes')
    place = next((item for item in places if found.get(item) == LABEL_CLASSES), None)
    if place is None:
        return ()
    for connection, _, raw in reader.messages([place]):
        return classes_of(reader.deserialize(raw, connection.msgtype).class_map)
    return ()


def classes_of(class_map: Sequence[Any]) -> tuple[LabelClass, ...]:
    """Read the class_map of a LabelClasses message, of ROS or of a bag."""
    return tuple(
        LabelClass(item.class_id, item.class_name, (item.red, item.green, item.blue))
        for item in class_map
    )
