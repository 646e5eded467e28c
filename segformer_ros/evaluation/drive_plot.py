# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a drive as a picture: curves over time and a bar for every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.drive_scores import FrameKey

Image = npt.NDArray[np.uint8]
Color = tuple[int, int, int]
Rows = Mapping[FrameKey, Mapping[str, float]]

_WIDTH, _CURVE_HEIGHT, _BAR = 960, 200, 18
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 34, 30
_PAPER, _INK, _GRID = (255, 255, 255), (40, 40, 40), (222, 222, 222)
_BLUE, _ORANGE, _GREEN, _GREY = (31, 96, 168), (214, 108, 20), (44, 140, 76), (150, 150, 150)
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


def draw_report(summary: Mapping[str, Any], rows: Rows) -> Image:
    """
    Draw all that is known of a drive.

    :param summary: With 'segmentation' and 'depth', as of DriveEvaluation.summary().
    :param rows: The figures of single frames, as of DriveScores; lives follow each other.
    :returns: (H, W, 3) RGB.
    """
    labels, depth = summary['segmentation'], summary['depth']
    panels = [
        _curves(
            f'mIoU of every frame   (all {labels["frames"]} frames together: '
            f'{_text(labels["miou"])}, boundary F {_text(labels["boundary_f"])}, '
            f'flicker {_text(labels["flicker"])})',
            rows,
            {'miou': _BLUE, 'boundary_f': _GREEN},
            top=1.0,
        ),
        _curves(
            f'AbsRel and delta1 of every frame   (all {depth["frames"]} frames together: '
            f'{_text(depth["abs_rel"])} and {_text(depth["delta1"])}, '
            f'SILog (KITTI) {_text(depth["silog_kitti"])})',
            rows,
            {'abs_rel': _ORANGE, 'delta1': _BLUE},
            top=1.0,
        ),
        _bars('intersection over union of every class', labels['iou'], labels['miou']),
    ]
    return np.asarray(cv2.vconcat(panels), np.uint8)


def _text(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f}'


def _write(picture: Image, text: str, x: int, y: int, color: Color = _INK) -> None:
    cv2.putText(picture, text, (x, y), _FONT, _SCALE, color, 1, cv2.LINE_AA)


def _paper(height: int, title: str) -> Image:
    picture = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    _write(picture, title, _LEFT, 20)
    return picture


def _curves(title: str, rows: Rows, colors: Mapping[str, Color], *, top: float) -> Image:
    """Draw figures over time between 0 and top; what is larger is drawn at the top."""
    picture = _paper(_CURVE_HEIGHT, title)
    bottom, right = _CURVE_HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for step in range(5):
        y = round(bottom - step / 4 * (bottom - _TOP))
        cv2.line(picture, (_LEFT, y), (right, y), _GRID, 1)
        _write(picture, f'{step / 4 * top:.2f}', 26, y + 4)
    times = _seconds(rows)
    span = max(times.values(), default=0.0)
    for step in range(5):
        x = round(_LEFT + step / 4 * (right - _LEFT))
        text = f'{step / 4 * span:.1f}{" s" if step == 4 else ""}'
        _write(picture, text, x - (24 if step == 4 else 10), bottom + 18)
    for place, (name, color) in enumerate(colors.items()):
        _write(picture, name, right - 80 * (place + 1), 20, color)
        points = [
            (
                _LEFT + (right - _LEFT) * (seconds / span if span else 0.5),
                bottom - (bottom - _TOP) * min(rows[key][name] / top, 1.0),
            )
            for key, seconds in times.items()
            if not math.isnan(rows[key].get(name, math.nan))
        ]
        _line(picture, points, color)
    return picture


def _seconds(rows: Rows) -> dict[FrameKey, float]:
    """Return the time since the first frame, in its order; jumps back take none."""
    elapsed_ns, before, times = 0, None, {}
    for life, stamp_ns in sorted(rows):
        if before is not None and before[0] == life:
            elapsed_ns += stamp_ns - before[1]
        before = (life, stamp_ns)
        times[before] = elapsed_ns / 1e9
    return times


def _line(picture: Image, points: Sequence[tuple[float, float]], color: Color) -> None:
    if len(points) == 1:
        x, y = points[0]
        cv2.circle(picture, (round(x), round(y)), 2, color, -1, cv2.LINE_AA)
    elif points:
        corners = np.rint(np.array(points)).astype(np.int32)
        cv2.polylines(picture, [corners], False, color, 1, cv2.LINE_AA)


def _bars(title: str, iou: Mapping[str, float], miou: float | None) -> Image:
    """Draw a bar for every class, best first, and a line at the mean."""
    height = _TOP + _BAR * max(len(iou), 1) + _BOTTOM
    picture = _paper(height, title)
    left, right = 190, _WIDTH - 70
    for row, (name, value) in enumerate(sorted(iou.items(), key=lambda item: -item[1])):
        y = _TOP + row * _BAR
        end = round(left + value * (right - left))
        cv2.rectangle(picture, (left, y + 3), (max(end, left), y + _BAR - 4), _BLUE, -1)
        (width, _), _ = cv2.getTextSize(name, _FONT, _SCALE, 1)
        _write(picture, name, left - 8 - width, y + 13)
        _write(picture, f'{value:.3f}', end + 6, y + 13)
    if miou is not None:
        x, end = round(left + miou * (right - left)), _TOP + _BAR * len(iou)
        cv2.line(picture, (x, _TOP - 4), (x, end), _ORANGE, 1, cv2.LINE_AA)
        _write(picture, f'mIoU {miou:.3f}', x - 20, end + 16, _ORANGE)
    if not iou:
        _write(picture, 'no labels were evaluated', left, _TOP + 13, _GREY)
    return picture
