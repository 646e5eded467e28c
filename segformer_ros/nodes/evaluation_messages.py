# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a drive as messages."""

from __future__ import annotations

from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from segformer_ros.judge.drive import DriveJudge
from segformer_ros.judge.figures import Figures
from segformer_ros.judge.scores import DEPTH_COLUMNS
from segformer_ros.nodes import diagnostics, own_messages
from std_msgs.msg import Header

JUMPED = 'the simulated time has jumped back'


def evaluation_stats_message(
    judge: DriveJudge, figures: Figures, stamp_ns: int, *, window: int = 0
) -> Any:
    """
    Fill an EvaluationStats message; only where its type is not None.

    :param figures: Of all frames, or of the latest ones.
    :param stamp_ns: Of the latest frame.
    :param window: How many frames the figures are of at most; 0: all.
    """
    kind = own_messages.evaluation_stats_type()
    if kind is None:
        raise RuntimeError('the messages of segformer_ros are not built: colcon build or make')
    depth, iou = figures.depth.result(), figures.iou_by_name()
    stamp = Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
    return kind(
        header=Header(stamp=stamp),
        label_frames=figures.label_frames,
        depth_frames=figures.depth_frames,
        window=window,
        miou=figures.segmentation.miou(),
        miou_per_image=figures.segmentation.miou_per_image(),
        accuracy=figures.segmentation.accuracy(),
        boundary_f=figures.boundary.mean(),
        flicker=figures.flicker.share(),
        class_names=list(iou),
        class_iou=list(iou.values()),
        unpaired_results=sum(item['results'] for item in judge.unpaired.values()),
        unpaired_truths=sum(item['truths'] for item in judge.unpaired.values()),
        refused=judge.refused.total(),
        unknown_pixels=judge.unknown.total(),
        restarts=judge.restarts,
        **{name: depth[name] for name in DEPTH_COLUMNS},
    )


def evaluation_diagnostics(
    name: str,
    judge: DriveJudge,
    contradiction: str,
    *,
    jumped: bool = False,
    silent: str = '',
) -> DiagnosticArray:
    """
    Say whether results and truth fit together; without a stamp.

    :param name: Of the node.
    :param contradiction: Why labels cannot be judged; empty: they can.
    :param jumped: Whether simulated time has jumped back since this was last asked.
    :param silent: The topics on which nothing has come.
    """
    judged = judge.scores.judged
    lonely = {
        side: sum(item[side] for item in judge.unpaired.values()) for side in ('results', 'truths')
    }
    level, text = DiagnosticStatus.OK, f'{max(judged.values(), default=0)} frames evaluated'
    if contradiction:
        level, text = DiagnosticStatus.ERROR, contradiction
    elif jumped:
        level, text = DiagnosticStatus.WARN, f'{JUMPED}: what waited for its partner is dropped'
    elif judge.refused:
        reason, count = judge.refused.most_common(1)[0]
        level, text = (
            DiagnosticStatus.WARN,
            f'{judge.refused.total()} not evaluated: {reason} ({count})',
        )
    elif judge.unknown:
        what, count = judge.unknown.most_common(1)[0]
        level, text = (
            DiagnosticStatus.WARN,
            f'{judge.unknown.total()} ground-truth pixels have no class, most often {what} '
            f'({count}): set tag_table or coding',
        )
    elif not judged.total() and lonely['results'] and not lonely['truths']:
        level, text = (
            DiagnosticStatus.WARN,
            'results arrive, but no ground truth with their stamps',
        )
    elif not judged.total():
        text = 'waiting for results and their ground truth'
        if silent:
            level, text = DiagnosticStatus.WARN, f'{text}: nothing came on {silent}'
    values = {
        'label_frames': judged['labels'],
        'depth_frames': judged['depth'],
        'unpaired_results': lonely['results'],
        'unpaired_truths': lonely['truths'],
        'refused': judge.refused.total(),
        'unknown_pixels': judge.unknown.total(),
        'restarts': judge.restarts,
    }
    return DiagnosticArray(status=[diagnostics.status(f'{name}: evaluation', level, text, values)])
