# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a drive as messages."""

from __future__ import annotations

from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from segformer_ros.evaluation.drive import DriveEvaluation
from segformer_ros.evaluation.drive_scores import DEPTH_COLUMNS
from segformer_ros.evaluation.figures import Figures
from segformer_ros.nodes import diagnostics, own_messages
from std_msgs.msg import Header

JUMPED = 'the simulated time has jumped back'


def evaluation_stats_message(
    drive: DriveEvaluation, figures: Figures, stamp_ns: int, *, window: int = 0
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
    means, depth, iou = figures.labels.means(), figures.depth.result(), figures.iou_by_name()
    stamp = Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
    return kind(
        header=Header(stamp=stamp),
        label_frames=figures.label_frames,
        depth_frames=figures.depth_frames,
        window=window,
        miou=means['miou'],
        miou_per_image=figures.labels.segmentation.miou_per_image(),
        accuracy=means['accuracy'],
        boundary_f=means['boundary_f'],
        flicker=figures.flicker.share(),
        class_names=list(iou),
        class_iou=list(iou.values()),
        unpaired_results=sum(item['results'] for item in drive.unpaired.values()),
        unpaired_truths=sum(item['truths'] for item in drive.unpaired.values()),
        refused=drive.refused.total(),
        unknown_pixels=drive.unknown.total(),
        restarts=drive.restarts,
        **{name: depth[name] for name in DEPTH_COLUMNS},
    )


def evaluation_diagnostics(
    name: str,
    drive: DriveEvaluation,
    contradiction: str,
    *,
    jumped: bool = False,
    silent: str = '',
) -> DiagnosticArray:
    """
    Return whether results and truth fit together; without a stamp.

    :param name: Of the node.
    :param contradiction: Why labels cannot be evaluated; empty: they can.
    :param jumped: Whether simulated time has jumped back since this was last asked.
    :param silent: The topics on which nothing has come.
    """
    evaluated = drive.scores.evaluated
    lonely = {
        side: sum(item[side] for item in drive.unpaired.values()) for side in ('results', 'truths')
    }
    level, text = DiagnosticStatus.OK, f'{max(evaluated.values(), default=0)} frames evaluated'
    if contradiction:
        level, text = DiagnosticStatus.ERROR, contradiction
    elif jumped:
        level, text = DiagnosticStatus.WARN, f'{JUMPED}: what waited for its partner is dropped'
    elif drive.refused:
        reason, count = drive.refused.most_common(1)[0]
        level, text = (
            DiagnosticStatus.WARN,
            f'{drive.refused.total()} not evaluated: {reason} ({count})',
        )
    elif drive.unknown:
        what, count = drive.unknown.most_common(1)[0]
        level, text = (
            DiagnosticStatus.WARN,
            f'{drive.unknown.total()} ground-truth pixels have no class, most often {what} '
            f'({count}): set tag_table or coding',
        )
    elif not evaluated.total() and lonely['results'] and not lonely['truths']:
        level, text = (
            DiagnosticStatus.WARN,
            'results arrive, but no ground truth with their stamps',
        )
    elif not evaluated.total():
        text = 'waiting for results and their ground truth'
        if silent:
            level, text = DiagnosticStatus.WARN, f'{text}: nothing came on {silent}'
    values = {
        'label_frames': evaluated['labels'],
        'depth_frames': evaluated['depth'],
        'unpaired_results': lonely['results'],
        'unpaired_truths': lonely['truths'],
        'refused': drive.refused.total(),
        'unknown_pixels': drive.unknown.total(),
        'restarts': drive.restarts,
    }
    return DiagnosticArray(status=[diagnostics.status(f'{name}: evaluation', level, text, values)])
