# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of labels and depths for people; every picture is (H, W, 3) uint8 RGB."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.labels import LabelClass, LabelSet, VOID

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

NEAR_M, FAR_M = 1.0, 80.0
"""The ends of the depth scale of every picture, in metres."""

# Turbo has no grey.
UNKNOWN, NO_DEPTH = (128, 128, 128), 'no depth'
"""Colour and name of pixels without a depth: unknown, or the sky."""

_GAP_PX = 4
_BACKGROUND = (24, 24, 24)
_INK = (235, 235, 235)
# Height of a line over the scale of its font.
_ROW_PER_SCALE = 40.0
# Classes of fewer pixels have no place in a legend.
_RARE = 0.0005
_TURBO = np.rint(np.linspace(0, 255, 255)).astype(np.uint8)[:, None]
_DEPTH_COLORS = np.vstack(
    [
        np.array([UNKNOWN], np.uint8),
        cv2.applyColorMap(_TURBO, cv2.COLORMAP_TURBO)[:, 0, ::-1],
    ]
)


def colorize(labels: Image, palette: Image) -> Image:
    """
    Paint class ids.

    :param labels: (H, W) class ids.
    :param palette: (256, 3) RGB by id.
    """
    channels = [cv2.LUT(labels, np.ascontiguousarray(palette[:, index])) for index in range(3)]
    return np.asarray(cv2.merge(channels), np.uint8)


def overlay(image: Image, labels: Image, palette: Image, opacity: float = 0.5) -> Image:
    """
    Paint class ids over the image they belong to.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids.
    :param opacity: 0 shows the image alone, 1 the labels alone.
    :raises ValueError: The sizes differ or the opacity is out of range.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(f'expected labels of size {image.shape[:2]}, got {labels.shape}')
    if not 0.0 <= opacity <= 1.0:
        raise ValueError(f'opacity must be between 0 and 1, not {opacity}')
    colors = colorize(labels, palette)
    return np.asarray(cv2.addWeighted(image, 1.0 - opacity, colors, opacity, 0.0), np.uint8)


def depth_levels(depth_m: Depth, max_m: float = FAR_M) -> Image:
    """
    Put depths on the scale of depth_palette(): logarithmic, near is high.

    :param depth_m: (H, W) metres; NaN, zero and below are unknown, +inf is the sky.
    :param max_m: The far end of the scale, more than one metre.
    :returns: (H, W), 255 for one metre and less, 1 for max_m and more; 0 is unknown or sky.
    :raises ValueError: max_m is too small.
    """
    if not max_m > NEAR_M:
        raise ValueError(f'max_m must be more than {NEAR_M}, not {max_m}')
    depth_m = np.ascontiguousarray(depth_m, np.float32)
    nearness = cv2.log(depth_m)
    scale = -254.0 / math.log(max_m)
    # Conversion to 8 bits ends the scale on both sides.
    levels = cv2.addWeighted(nearness, scale, nearness, 0.0, 255.0, dtype=cv2.CV_8U)
    known = np.multiply((depth_m > 0.0) & (depth_m < np.inf), 255, dtype=np.uint8)
    return np.asarray(cv2.bitwise_and(np.maximum(levels, 1), known), np.uint8)


def relative_levels(relative: Depth) -> Image:
    """
    Put depths of unknown scale on the levels of depth_palette(): large values are high.

    :param relative: (H, W), finite.
    :returns: (H, W), 1 for the 2nd percentile of the image and less, 255 for the 98th and more.
    """
    low, high = np.percentile(relative, (2.0, 98.0))
    span = max(float(high - low), float(np.finfo(np.float32).tiny))
    levels = 1.0 + 254.0 * np.clip((relative.astype(np.float64) - low) / span, 0.0, 1.0)
    return np.asarray(np.rint(levels), np.uint8)


def depth_palette() -> Image:
    """
    Return the colours of depth levels.

    :returns: (256, 3) RGB: UNKNOWN, and from far to near OpenCV's Turbo.
    """
    return _DEPTH_COLORS.copy()


def level_m(level: int, max_m: float = FAR_M) -> float:
    """Return the depth in metres that a level from 1 to 255 stands for."""
    return float(max_m ** ((255 - level) / 254.0))


def colorize_depth(depth_m: Depth, max_m: float = FAR_M) -> Image:
    """
    Paint depths with OpenCV's Turbo on a logarithmic scale: near is red, far is dark blue.

    :param depth_m: (H, W) metres. NaN, zero and below are unknown, +inf is the sky: both are
        grey. All beyond max_m has the colour of max_m, all nearer than one metre that of one.
    :param max_m: The far end of the scale, more than one metre.
    :raises ValueError: max_m is too small.
    """
    return colorize(depth_levels(depth_m, max_m), _DEPTH_COLORS)


def caption(image: Image, text: str) -> Image:
    """
    Write a line into the upper left corner of a copy.

    :param text: Printable ASCII.
    """
    result = np.array(image, np.uint8, order='C')
    _put_caption(result, text)
    return result


def _put_caption(result: Image, text: str) -> None:
    scale = max(0.35, min(result.shape[:2]) / 640.0)
    thickness = max(1, round(scale * 1.6))
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), base = cv2.getTextSize(text, font, scale, thickness)
    margin = max(3, round(8 * scale))
    box = result[: height + base + 2 * margin, : width + 2 * margin]
    box[:] = box // 3
    origin = (margin, margin + height)
    cv2.putText(result, text, origin, font, scale, (255, 255, 255), thickness, cv2.LINE_AA)


def side_by_side(
    image: Image,
    labels: Image | None,
    depth: Depth | None,
    classes: Sequence[LabelClass],
    relative: Depth | None = None,
) -> Image:
    """
    Put image, labels over the image with a legend, and depth with its scale next to each other.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids; None leaves the panel out.
    :param depth: (H, W) metres, NaN where unknown; None leaves the panel out.
    :param classes: Those of the labels.
    :param relative: (H, W) depth of unknown scale; None leaves the panel out.
    :returns: (H, n W, 3) for n panels.
    """
    panels = [caption(image, 'camera')]
    if labels is not None:
        palette = LabelSet('', tuple(classes)).palette()
        panels.append(
            labels_panel('labels', overlay(image, labels, palette, 0.65), labels, classes)
        )
    if depth is not None:
        panels.append(depth_panel('depth', depth))
    if relative is not None:
        picture = colorize(relative_levels(relative), _DEPTH_COLORS)
        panels.append(caption(picture, 'relative depth'))
    return np.asarray(cv2.hconcat(panels), np.uint8)


def labels_panel(text: str, picture: Image, labels: Image, classes: Sequence[LabelClass]) -> Image:
    """Return a picture of labels with a caption and, below, the names of the classes in it."""
    result = caption(picture, text)
    put_legend(result, labels, classes)
    return result


def depth_panel(text: str, depth: Depth) -> Image:
    """Return depth in colours with a caption and, below, its scale."""
    result = colorize_depth(depth)
    _put_caption(result, text)
    put_depth_scale(result)
    return result


def put_legend(picture: Image, labels: Image, classes: Sequence[LabelClass]) -> None:
    """
    Name the classes that occur, and pixels without a label, at the lower edge of a picture.

    :param picture: (H, W, 3) RGB, written on; one too small for words stays as it is.
    :param labels: (H, W) class ids, VOID where unlabelled.
    """
    row = _row_px(picture)
    if not row:
        return
    # (256, 1) of OpenCV 4, (256,) of OpenCV 5.
    counts = cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel()
    enough = _RARE * labels.size
    known = (*classes, LabelClass(VOID, 'unlabelled', (0, 0, 0)))
    present = [item for item in known if counts[item.id] > enough]
    places, top = _flow([item.name for item in present], row, picture.shape)
    _darken(picture[top:])
    for item, (x, y) in zip(present, places, strict=False):
        picture[y + 3 : y + row - 3, x : x + row - 6] = item.color
        _write(picture, item.name, (x + row - 2, y + row - 5), row)


def legend(classes: Sequence[LabelClass], *, width: int = 160, row: int = 18) -> Image:
    """
    List the names of classes next to their colours, from top to bottom.

    :param width: Width of the picture in pixels.
    :param row: Height of one class in pixels.
    :returns: (H, width, 3) RGB.
    """
    picture = np.full((max(1, len(classes)) * row, width, 3), 24, np.uint8)
    for index, item in enumerate(classes):
        top = index * row
        picture[top + 2 : top + row - 2, 4 : 4 + row] = item.color
        _write(picture, item.name, (row + 10, top + row - 5), row)
    return picture


def put_depth_scale(picture: Image, max_m: float = FAR_M) -> None:
    """
    Draw the scale of depth_palette() with its metres at the lower edge of a picture.

    :param picture: (H, W, 3) RGB, written on; one too small for words stays as it is.
    """
    row = _row_px(picture)
    if not row:
        return
    height, width = picture.shape[:2]
    # The first number is centred below its mark, as all others are.
    top, left = height - 2 * row, max(row // 2, _text_px('1 m', row) // 2 + 3)
    right = width - _text_px(NO_DEPTH, row) - 2 * row
    _darken(picture[top:])
    levels = np.rint(np.linspace(255, 1, right - left)).astype(np.uint8)
    picture[top + 3 : top + row - 1, left:right] = _DEPTH_COLORS[levels]
    for metres in (1, 2, 5, 10, 20, 40, 80, 160, 320, 640):
        if metres > max_m:
            break
        share = math.log(metres) / math.log(max_m)
        x = left + round(share * (right - left - 1))
        picture[top + 3 : top + row + 2, x] = _INK
        text = f'{metres} m'
        start = min(max(3, x - _text_px(text, row) // 2), width - _text_px(text, row))
        _write(picture, text, (start, height - 5), row)
    picture[top + 3 : top + row - 1, right + row // 2 : right + row // 2 + row - 6] = UNKNOWN
    _write(picture, NO_DEPTH, (right + row // 2 + row - 2, top + row - 4), row)


def _row_px(picture: Image) -> int:
    """Return the height of a line of small text; 0 where there is no room for words."""
    height, width = picture.shape[:2]
    return 0 if height < 120 or width < 240 else max(14, round(min(height, width / 2) / 18))


def _text_px(text: str, row: int) -> int:
    size: int = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, row / _ROW_PER_SCALE, 1)[0][0]
    return size


def _flow(
    names: Sequence[str], row: int, shape: tuple[int, ...]
) -> tuple[list[tuple[int, int]], int]:
    """
    Put names in lines at the lower edge, in half of a picture at most.

    :returns: Left and top of those that have room, and the top of the first line.
    """
    lines: list[list[int]] = [[]]
    x = row // 2
    for name in names:
        width = _text_px(name, row) + 2 * row
        if x + width > shape[1] and lines[-1]:
            if (len(lines) + 1) * row > shape[0] // 2:
                break
            lines.append([])
            x = row // 2
        lines[-1].append(x)
        x += width
    top = shape[0] - len(lines) * row - 2 if names else shape[0]
    return [(x, top + 1 + index * row) for index, line in enumerate(lines) for x in line], top


def _darken(part: Image) -> None:
    part[:] = part // 4


def _write(picture: Image, text: str, origin: tuple[int, int], row: int) -> None:
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, row / _ROW_PER_SCALE
    cv2.putText(picture, text, origin, font, scale, _INK, 1, cv2.LINE_AA)


def fitted(picture: Image, width: int, height: int) -> Image:
    """Scale a picture so that it is as large as fits into WIDTH x HEIGHT pixels."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def contact_sheet(images: Sequence[Image], columns: int) -> Image:
    """
    Lay images out in rows, smaller ones centred in cells of the largest size.

    :param images: At least one (H, W, 3) RGB image.
    :param columns: Images in a row, at least one.
    :raises ValueError: There is no image or no column.
    """
    if not images or columns < 1:
        raise ValueError(f'expected images and columns, got {len(images)} and {columns}')
    cell_h = max(image.shape[0] for image in images) + _GAP_PX
    cell_w = max(image.shape[1] for image in images) + _GAP_PX
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.empty((rows * cell_h + _GAP_PX, columns * cell_w + _GAP_PX, 3), np.uint8)
    sheet[:] = _BACKGROUND
    for index, image in enumerate(images):
        height, width = image.shape[:2]
        top = _GAP_PX + (index // columns) * cell_h + (cell_h - _GAP_PX - height) // 2
        left = _GAP_PX + (index % columns) * cell_w + (cell_w - _GAP_PX - width) // 2
        sheet[top : top + height, left : left + width] = image
    return sheet
