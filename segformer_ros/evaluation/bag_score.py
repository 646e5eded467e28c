# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The score of results and ground truth that were recorded together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segformer_ros.bags.recall import Recall
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.carla import topics
from segformer_ros.evaluation.drive import DriveEvaluation, DriveOptions

_IMAGE = 'sensor_msgs/msg/Image'


@dataclass(frozen=True)
class Sources:
    """
    Where a bag has results and truth.

    :param namespace: Of label/image and depth/image; None takes the only one in the bag.
    :param role_name: Of the vehicle in the topics of the truth.
    :param label_sensor: Of the ground-truth labels.
    :param depth_sensor: Of the ground-truth depth.
    """

    namespace: str | None = None
    role_name: str = topics.ROLE_NAME
    label_sensor: str = topics.LABELS
    depth_sensor: str = topics.DEPTH


def evaluate_bag(path: Path, sources: Sources, options: DriveOptions) -> DriveEvaluation:
    """
    Evaluate what a bag holds, as the evaluation node does while it happens.

    :returns: With all figures.
    :raises BagError: The bag is damaged, or has nothing that can be evaluated.
    """
    drive = DriveEvaluation(options)
    with BagReader(path) as reader, Recall(path) as recall:
        streams = find_streams(reader, sources)
        for connection, time_ns, raw in reader.messages(streams):
            try:
                message = reader.deserialize(raw, connection.msgtype)
            except ValueError as error:
                drive.refused[str(error)] += 1
                continue
            again = partial(recall.message, connection.topic, time_ns, message.header)
            drive.add(streams[connection.topic], message, again)
    drive.finish()
    if not drive.scores.evaluated:
        raise BagError(
            f'expected results and ground truth of equal stamps in {path}, evaluated none: '
            + _reasons(drive)
        )
    return drive


def _reasons(drive: DriveEvaluation) -> str:
    texts = [
        f'{count} {kind} of {name} without a partner'
        for name, counts in drive.unpaired.items()
        for kind, count in counts.items()
        if count
    ]
    texts += [f'{reason} ({count})' for reason, count in drive.refused.most_common(3)]
    return '; '.join(texts) or 'no messages'


def find_streams(reader: BagReader, sources: Sources) -> dict[str, str]:
    """
    Find the topics to evaluate.

    :returns: Streams of DriveEvaluation by topic, those of labels, those of depth, or both.
    :raises BagError: There is no result together with its truth, or several cameras have some.
    """
    found = {item.name for item in reader.topics if item.type == _IMAGE and item.count}
    namespace = _namespace(reader.path, found) if sources.namespace is None else sources.namespace
    streams: dict[str, str] = {}
    for name, sensor in (('label', sources.label_sensor), ('depth', sources.depth_sensor)):
        result = f'{namespace}/{name}/image'
        truth = topics.sensor_topic(sources.role_name, sensor, 'image')
        if {result, truth} <= found:
            stream = 'labels' if name == 'label' else 'depth'
            streams |= {result: stream, truth: f'true_{stream}'}
    if not streams:
        raise BagError(
            'expected label/image or depth/image with its ground truth under '
            f'/carla/{sources.role_name} in {reader.path}, found images on: '
            f'{", ".join(sorted(found)) or "no topic"}'
        )
    return streams


def _namespace(path: Path, found: set[str]) -> str:
    ends = ('/label/image', '/depth/image')
    known = {name.removesuffix(end) for name in found for end in ends if name.endswith(end)}
    if len(known) > 1:
        names = ', '.join(sorted(known))
        raise BagError(f'{path} holds results of several cameras, choose a namespace: {names}')
    return next(iter(known), '')
