# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The score of results and ground truth that were recorded together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from segformer_ros.bags.recall import Recall
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.carla import topics
from segformer_ros.judge.drive import DriveJudge, JudgeOptions

_IMAGE = 'sensor_msgs/msg/Image'


@dataclass(frozen=True)
class Sources:
    """
    Where a bag has results and truth.

    :param namespace: Of label/image and depth/image; None takes the only one in the bag.
    :param role_name: Of the vehicle in the topics of the truth.
    :param label_sensor: Of the true labels.
    :param depth_sensor: Of the true depth.
    """

    namespace: str | None = None
    role_name: str = topics.ROLE_NAME
    label_sensor: str = topics.LABELS
    depth_sensor: str = topics.DEPTH


def judge_bag(path: Path, sources: Sources, options: JudgeOptions) -> DriveJudge:
    """
    Judge what a bag holds, as the evaluation node does while it happens.

    :returns: With all figures.
    :raises BagError: The bag is damaged, has no results or no truth, or nothing could be judged.
    """
    judge = DriveJudge(options)
    with BagReader(path) as reader, Recall(path) as recall:
        streams = find_streams(reader, sources)
        for connection, time_ns, raw in reader.messages(streams):
            try:
                message = reader.deserialize(raw, connection.msgtype)
            except ValueError as error:
                judge.refused[str(error)] += 1
                continue
            again = partial(recall.message, connection.topic, time_ns, message.header)
            judge.add(streams[connection.topic], message, again)
    judge.finish()
    if not judge.scores.judged:
        raise BagError(
            f'expected results and ground truth of equal stamps in {path}, evaluated none: '
            + _reasons(judge)
        )
    return judge


def _reasons(judge: DriveJudge) -> str:
    texts = [
        f'{count} {kind} of {name} without a partner'
        for name, counts in judge.unpaired.items()
        for kind, count in counts.items()
        if count
    ]
    texts += [f'{reason} ({count})' for reason, count in judge.refused.most_common(3)]
    return '; '.join(texts) or 'no messages'


def find_streams(reader: BagReader, sources: Sources) -> dict[str, str]:
    """
    Find the topics to judge.

    :returns: Streams of DriveJudge by topic, those of labels, those of depth, or both.
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


def figures(judge: DriveJudge) -> Mapping[str, Any]:
    """Give the rows of a table: mean figures by name, then the classes."""
    summary = judge.summary()
    labels, depth = summary['segmentation'], summary['depth']
    rows = dict(labels['iou'])
    for name in ('miou', 'accuracy', 'boundary_f', 'flicker'):
        rows[name] = labels[name]
    for name in (
        'abs_rel', 'rmse', 'silog_eigen', 'silog_kitti', 'silog_glpn', 'delta1', 'delta2',
        'delta3', 'coverage',
    ):  # fmt: skip
        rows[name] = depth[name]
    return rows
