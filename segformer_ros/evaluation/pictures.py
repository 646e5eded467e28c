# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a measurement: single frames next to their truth, and the confusion of classes."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.datasets import Sample
from segformer_ros.evaluation.evaluated_classes import EvaluatedClasses
from segformer_ros.evaluation.prediction import Predicted
from segformer_ros.labels import LabelSet

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

WORST_ERROR = 0.5
"""The relative error of depth that has the last colour."""

_SPARSE = 0.2
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CELL, _PAPER, _INK = 34, 255, (40, 40, 40)


def points_over(picture: Image, depth_m: Depth, max_m: float = 80.0) -> Image:
    """
    Paint sparse depth as dots, in the colours of draw.colorize_depth with a thin dark rim.

    Over a prediction painted with the same max_m, dots that cannot be told from what is around
    them are where the prediction is right.

    :param picture: (H, W, 3) RGB.
    :param depth_m: (H, W) metres, not finite where unknown.
    :returns: A new picture.
    """
    known = np.isfinite(depth_m) & (depth_m > 0.0)
    colors = draw.colorize_depth(np.where(known, depth_m, np.float32(1.0)), max_m)
    return _dots(picture, known, colors)


def _dots(picture: Image, known: npt.NDArray[np.bool_], colors: Image) -> Image:
    radius = max(1, round(picture.shape[1] / 640))
    result = picture.copy()
    rows, columns = np.nonzero(known)
    for size, dark in ((radius + 1, True), (radius, False)):
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            color = (0, 0, 0) if dark else colors[row, column].tolist()
            cv2.circle(result, (column, row), size, color, -1)
    return result


def depth_error(depth: Depth, truth: Depth) -> Image:
    """
    Paint |prediction - truth| / truth from blue (none) to red (WORST_ERROR and more).

    :param depth: (H, W) metres, NaN where unknown.
    :param truth: (H, W) metres, not finite where unknown. Sparse truth is dots.
    :returns: draw.UNKNOWN where one of them is unknown: the colour of no error is nearly black.
    """
    known = np.isfinite(truth) & (truth > 0.0) & np.isfinite(depth)
    with np.errstate(invalid='ignore', divide='ignore'):
        error = np.where(known, np.abs(depth - truth) / truth, np.float32(0.0))
    levels = np.rint(np.clip(error / WORST_ERROR, 0.0, 1.0) * 255.0).astype(np.uint8)
    colors = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    painted = np.asarray(colors, np.uint8)
    if known.mean() < _SPARSE:
        return _dots(np.full_like(painted, draw.UNKNOWN), known, painted)
    painted[~known] = draw.UNKNOWN
    return painted


def frame_picture(
    sample: Sample,
    found: Predicted,
    evaluated: EvaluatedClasses | None,
    *,
    max_m: float = 80.0,
    width: int = 480,
) -> Image:
    """
    Lay a frame out: labels in the first row, depth in the second, each truth, prediction, error.

    Depth that the network says of what it labels as sky is grey like the sky of the truth; its
    error is painted where the truth has a depth there.

    :param evaluated: The classes that labels are painted in; None leaves them out.
    :param width: Of one panel, pixels.
    """
    rows = []
    if evaluated is not None and sample.labels is not None and found.labels is not None:
        rows.append(_label_panels(sample.image, found.labels, sample.labels, evaluated, width))
    if sample.depth is not None and found.depth is not None:
        shown = _without_sky(found, found.depth, evaluated)
        error = depth_error(found.depth, sample.depth)
        rows.append(_depth_panels(sample.image, shown, sample.depth, error, max_m, width))
    if not rows:
        rows.append([('camera', sample.image)])
    panels = [draw.caption(_narrow(picture, width), text) for row in rows for text, picture in row]
    return draw.contact_sheet(panels, len(rows[0]))


Panels = list[tuple[str, Image]]


def _label_panels(
    image: Image, labels: Image, truth: Image, evaluated: EvaluatedClasses, width: int
) -> Panels:
    palette = LabelSet('', evaluated.classes).palette()
    known = np.isin(evaluated.truth[truth], evaluated.ids)
    true = np.where(known, evaluated.truth[truth], np.uint8(255)).astype(np.uint8)
    said = evaluated.prediction[labels]
    wrong = image // 4
    wrong[known & (said != true)] = (255, 60, 40)
    wrong[~known] = 0
    panels = []
    for text, ids in (('ground truth', true), ('labels', said)):
        picture = _narrow(draw.overlay(image, ids, palette, 0.7), width).copy()
        draw.put_legend(picture, ids, evaluated.classes)
        panels.append((text, picture))
    return [
        ('camera', image),
        *panels,
        ('wrong (red), ignored (black)', wrong),
    ]


def _without_sky(found: Predicted, depth: Depth, evaluated: EvaluatedClasses | None) -> Depth:
    if evaluated is None or found.labels is None:
        return depth
    sky = [item.id for item in evaluated.classes if item.name == 'sky']
    return np.where(np.isin(evaluated.prediction[found.labels], sky), np.float32(np.inf), depth)


def _depth_panels(
    image: Image, depth: Depth, truth: Depth, error: Image, max_m: float, width: int
) -> Panels:
    sparse = bool((np.isfinite(truth)).mean() < _SPARSE)
    predicted = draw.colorize_depth(depth, max_m)
    true = points_over(image // 3, truth, max_m) if sparse else draw.colorize_depth(truth, max_m)
    over = points_over(predicted, truth, max_m) if sparse else predicted
    true, over = (_narrow(picture, width).copy() for picture in (true, over))
    for picture in (true, over):
        draw.put_depth_scale(picture, max_m)
    return [
        ('camera', image),
        ('ground-truth depth', true),
        ('depth with the true points' if sparse else 'depth', over),
        (f'relative error, 0 to {WORST_ERROR:g}, unknown (grey)', error),
    ]


def _narrow(picture: Image, width: int) -> Image:
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def confusion_picture(counts: npt.NDArray[np.int64], names: Sequence[str]) -> Image:
    """
    Draw which classes are taken for which: every row is the pixels of one true class.

    :param counts: (n, n) pixels, row: truth, column: prediction.
    :param names: Of the n classes, printable ASCII.
    """
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    left = 16 + max((_text_width(name) for name in names), default=0)
    size = _CELL * len(names)
    picture = np.full((left + size + 28, left + size + 8, 3), _PAPER, np.uint8)
    for row, name in enumerate(names):
        y = left + row * _CELL
        _write(picture, name, left - 8 - _text_width(name), y + _CELL // 2 + 4)
        for column in range(len(names)):
            cell = (left + column * _CELL, y)
            _draw_cell(picture, cell, float(shares[row, column]), bool(total[row, 0]))
    # The names of the columns are written as a row of their own and turned.
    strip = np.full((size, left, 3), _PAPER, np.uint8)
    for row, name in enumerate(reversed(names)):
        y = row * _CELL + _CELL // 2 + 4
        _write(strip, name, left - 8 - _text_width(name), y)
    picture[:left, left : left + size] = cv2.rotate(strip, cv2.ROTATE_90_CLOCKWISE)
    note = 'rows: true class, columns: predicted class, % of the true pixels'
    _write(picture, note, 8, left + size + 18)
    return picture


def _draw_cell(picture: Image, corner: tuple[int, int], share: float, known: bool) -> None:
    x, y = corner
    strength = math.sqrt(share)
    color = tuple(round(255 - strength * (255 - end)) for end in (31, 96, 168))
    end = (x + _CELL - 2, y + _CELL - 2)
    cv2.rectangle(picture, corner, end, color if known else (235, 235, 235), -1)
    if share >= 0.005:
        text = f'{100.0 * share:.0f}'
        ink = (255, 255, 255) if strength > 0.6 else _INK
        _write(picture, text, x + (_CELL - 2 - _text_width(text)) // 2, y + _CELL // 2 + 3, ink)


def _text_width(text: str) -> int:
    return int(cv2.getTextSize(text, _FONT, 0.42, 1)[0][0])


def _write(picture: Image, text: str, x: int, y: int, color: tuple[int, int, int] = _INK) -> None:
    cv2.putText(picture, text, (x, y), _FONT, 0.42, color, 1, cv2.LINE_AA)
