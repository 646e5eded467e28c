# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of labels and depths for people; every picture is (H, W, 3) uint8 RGB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.labels import LabelClass

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

NEAR_M, FAR_M = 1.0, 80.0
"""The ends of the depth scale of every picture, in metres."""

_GAP_PX = 4
_BACKGROUND = (24, 24, 24)
# Turbo has no grey.
_UNKNOWN = (128, 128, 128)
_TURBO = np.rint(np.linspace(0, 255, 255)).astype(np.uint8)
_DEPTH_COLORS = np.vstack(
    [
        np.array([_UNKNOWN], np.uint8),
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

    :param depth_m: (H, W) metres; NaN, zero and below are unknown.
    :param max_m: The far end of the scale, more than one metre.
    :returns: (H, W), 255 for one metre and less, 1 for max_m and more, +inf too; 0 is unknown.
    :raises ValueError: max_m is too small.
    """
    if not max_m > NEAR_M:
        raise ValueError(f'max_m must be more than {NEAR_M}, not {max_m}')
    depth_m = np.ascontiguousarray(depth_m, np.float32)
    nearness = cv2.log(depth_m)
    scale = -254.0 / math.log(max_m)
    # Conversion to 8 bits ends the scale on both sides.
    levels = cv2.addWeighted(nearness, scale, nearness, 0.0, 254.0, dtype=cv2.CV_8U)
    known = np.multiply(depth_m > 0.0, 255, dtype=np.uint8)
    return np.asarray(cv2.bitwise_and(cv2.add(levels, 1.0), known), np.uint8)


def depth_palette() -> Image:
    """
    Give the colours of depth levels.

    :returns: (256, 3) RGB: unknown is grey, and from far to near OpenCV's Turbo.
    """
    return _DEPTH_COLORS.copy()


def level_m(level: int, max_m: float = FAR_M) -> float:
    """Give the depth in metres that a level from 1 to 255 stands for."""
    return float(max_m ** ((255 - level) / 254.0))


def colorize_depth(depth_m: Depth, max_m: float = FAR_M) -> Image:
    """
    Paint depths with OpenCV's Turbo on a logarithmic scale: near is red, far is dark blue.

    :param depth_m: (H, W) metres. NaN, zero and below are unknown and painted grey; +inf and
        all beyond max_m have the colour of max_m, all nearer than one metre that of one metre.
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
    scale = max(0.35, min(result.shape[:2]) / 640.0)
    thickness = max(1, round(scale * 1.6))
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), base = cv2.getTextSize(text, font, scale, thickness)
    margin = max(3, round(8 * scale))
    box = result[: height + base + 2 * margin, : width + 2 * margin]
    box[:] = box // 3
    origin = (margin, margin + height)
    cv2.putText(result, text, origin, font, scale, (255, 255, 255), thickness, cv2.LINE_AA)
    return result


def side_by_side(
    image: Image,
    labels: Image | None,
    depth: Depth | None,
    palette: Image,
    *,
    max_m: float = FAR_M,
) -> Image:
    """
    Put image, labels over the image, and depth beside each other with captions.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids; None leaves the panel out.
    :param depth: (H, W) metres, NaN where unknown; None leaves the panel out.
    :returns: (H, n W, 3) for n panels.
    """
    panels = [caption(image, 'camera')]
    if labels is not None:
        panels.append(caption(overlay(image, labels, palette, 0.65), 'labels'))
    if depth is not None:
        panels.append(caption(colorize_depth(depth, max_m), f'depth, 1 to {max_m:g} m'))
    return np.asarray(cv2.hconcat(panels), np.uint8)


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


def legend(classes: Iterable[LabelClass], *, width: int = 160, row: int = 18) -> Image:
    """
    List the names of classes beside their colours.

    :param width: Width of the picture in pixels.
    :param row: Height of one class in pixels.
    """
    items = tuple(classes)
    picture = np.empty((max(1, len(items)) * row, width, 3), np.uint8)
    picture[:] = _BACKGROUND
    for index, item in enumerate(items):
        top = index * row
        picture[top + 2 : top + row - 2, 4 : 4 + row] = item.color
        origin = (row + 10, top + row - 5)
        color = (235, 235, 235)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, item.name, origin, font, row / 42.0, color, 1, cv2.LINE_AA)
    return picture
