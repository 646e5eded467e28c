# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a drive as a message."""

from __future__ import annotations

from typing import Any

from builtin_interfaces.msg import Time
from segformer_ros.judge.drive import DriveJudge
from segformer_ros.judge.scores import DEPTH_COLUMNS
from segformer_ros.nodes import own_messages
from std_msgs.msg import Header


def evaluation_stats_message(judge: DriveJudge, stamp_ns: int) -> Any:
    """
    Fill an EvaluationStats message; only where its type is not None.

    :param stamp_ns: Of the latest frame.
    """
    kind = own_messages.evaluation_stats_type()
    if kind is None:
        raise RuntimeError('the messages of segformer_ros are not built: colcon build or make')
    scores = judge.scores
    depth, iou = scores.depth.result(), scores.iou_by_name()
    stamp = Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
    return kind(
        header=Header(stamp=stamp),
        label_frames=scores.judged['labels'],
        depth_frames=scores.judged['depth'],
        window=scores.window,
        miou=scores.segmentation.miou(),
        miou_per_image=scores.segmentation.miou_per_image(),
        miou_window=scores.window_miou(),
        accuracy=scores.segmentation.accuracy(),
        boundary_f=scores.boundary.mean(),
        flicker=scores.flicker.mean(),
        class_names=list(iou),
        class_iou=list(iou.values()),
        abs_rel_window=scores.window_depth()['abs_rel'],
        unpaired_results=sum(item['results'] for item in judge.unpaired.values()),
        unpaired_truths=sum(item['truths'] for item in judge.unpaired.values()),
        refused=judge.refused.total(),
        unknown_pixels=judge.unknown.total(),
        restarts=judge.restarts,
        **{name: depth[name] for name in DEPTH_COLUMNS},
    )
