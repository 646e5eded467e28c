# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One transform for image, labels, depth and intrinsics: window, resize, mirror, padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import Sample
from segformer_ros.labels import VOID
from segformer_ros.training.augment.camera_look import as_bytes
from segformer_ros.training.augment.config import CropConfig, ResizeConfig

PADDING_RGB = (124, 116, 104)
SPARSE_SHARE = 0.5
"""Depth with a lesser share of known pixels is moved point by point."""

# The images of a sample that follow its camera image, and their value where nothing is known.
_UNKNOWN = {'labels': VOID, 'depth': np.nan, 'confidence': 0, 'soft_labels': 0}

Known = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Geometry:
    """
    Where the pixels of the result come from.

    A window of whole pixels becomes a picture of whole pixels, so its proportions may change by
    the rounding; the two focal lengths follow exactly.

    :param top: First row of the window, and left its first column, in the original.
    :param high: Rows of the window, and wide its columns.
    :param resized: (height, width) that the window becomes.
    :param mirrored: Left and right change places.
    """

    top: int
    left: int
    high: int
    wide: int
    resized: tuple[int, int]
    mirrored: bool = False


def resized_hw(
    hw: tuple[int, ...], config: ResizeConfig, rng: np.random.Generator
) -> tuple[float, float]:
    """Draw the height and width that a whole image of size hw is resized to."""
    if config.kind == 'none':
        return float(hw[0]), float(hw[1])
    factor = 1.0
    if config.kind == 'values':
        factor = config.values[int(rng.integers(len(config.values)))]
    elif config.kind == 'ratio' and config.logarithmic:
        factor = float(np.exp(rng.uniform(*np.log(config.ratio))))
    elif config.kind == 'ratio':
        factor = float(rng.uniform(*config.ratio))
    height, width = (factor * side for side in config.base or hw)
    if not config.keep_aspect:
        return height, width
    fitting = min(max(height, width) / max(hw), min(height, width) / min(hw))
    return hw[0] * fitting, hw[1] * fitting


def _span(length: int, scale: float, size: int) -> tuple[int, int]:
    """Return how many pixels of the original a window of a size takes, and what they become."""
    wanted = max(1, round(size / scale))
    if wanted <= length:
        return wanted, size
    return length, min(size, max(1, round(length * scale)))


def _start(center: int | None, window: int, length: int, rng: np.random.Generator) -> int:
    free = length - window
    if free <= 0:
        return 0
    if center is None:
        return int(rng.integers(0, free + 1))
    return int(np.clip(round(center - window * rng.uniform(0.2, 0.8)), 0, free))


def _rare_pixel(
    labels: npt.NDArray[np.uint8], classes: Known, rng: np.random.Generator
) -> tuple[int, int] | tuple[None, None]:
    thin = np.ascontiguousarray(labels[::2, ::2])
    present = np.flatnonzero((_counts(thin) > 0) & classes)
    if not present.size:
        return None, None
    places = np.flatnonzero(thin == rng.choice(present))
    row, column = divmod(int(places[rng.integers(places.size)]), thin.shape[1])
    return 2 * row, 2 * column


def _counts(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    counted = cv2.calcHist([labels], [0], None, [256], [0, 256])
    return np.asarray(counted, np.float32).ravel()


def _mixed(labels: npt.NDArray[np.uint8], classes: Known, max_share: float) -> bool:
    """Return whether a window holds two classes, none of them with too large a share."""
    counts = _counts(labels)[classes]
    return np.count_nonzero(counts) > 1 and bool(counts.max() < max_share * counts.sum())


def draw_geometry(
    sample: Sample,
    whole_hw: tuple[float, float],
    size: tuple[int, int] | None,
    config: CropConfig,
    classes: Known,
    rng: np.random.Generator,
) -> Geometry:
    """
    Draw the window of a sample that is not mirrored.

    :param whole_hw: Height and width that the whole image is resized to.
    :param size: (height, width) of the window after resizing; None: the whole image.
    :param classes: (256,) the ids that count as classes.
    """
    rows, columns = sample.image.shape[:2]
    if size is None:
        height, width = (max(1, round(side)) for side in whole_hw)
        return Geometry(0, 0, rows, columns, (height, width))
    high, height = _span(rows, whole_hw[0] / rows, size[0])
    wide, width = _span(columns, whole_hw[1] / columns, size[1])
    labels = sample.labels
    top = left = 0
    for _ in range(config.tries):
        row: int | None = None
        column: int | None = None
        if labels is not None and config.rare_share and rng.random() < config.rare_share:
            row, column = _rare_pixel(labels, classes, rng)
        top, left = _start(row, high, rows, rng), _start(column, wide, columns, rng)
        if labels is None or config.max_class_share >= 1.0:
            break
        if _mixed(labels[top : top + high, left : left + wide], classes, config.max_class_share):
            break
    return Geometry(top, left, high, wide, (height, width))


def transform(sample: Sample, geometry: Geometry) -> Sample:
    """
    Move the whole sample: depth keeps its metres, intrinsics follow the pixels.

    The image is averaged where it shrinks and interpolated where it grows; labels and depth are
    those of the nearest pixel. Where less than half of the depth is known, as from LiDAR, each of
    its points goes to the one pixel that it falls into, and the nearest stays.

    :returns: May share memory with the sample.
    """
    shrinks = geometry.resized[0] < geometry.high or geometry.resized[1] < geometry.wide
    image = _moved(sample.image, geometry, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    intrinsics = sample.intrinsics
    return replace(
        sample,
        image=image,
        intrinsics=None if intrinsics is None else move(intrinsics, geometry),
        **{
            name: _moved(values, geometry, cv2.INTER_NEAREST_EXACT)
            for name in _UNKNOWN
            if (values := getattr(sample, name)) is not None
        },
    )


def _moved(picture: Any, geometry: Geometry, interpolation: int) -> Any:
    rows = slice(geometry.top, geometry.top + geometry.high)
    picture = picture[rows, geometry.left : geometry.left + geometry.wide]
    if picture.shape[:2] != geometry.resized:
        if picture.dtype == np.float32 and _sparse(picture):
            picture = splat(picture, geometry.resized)
        else:
            picture = cv2.resize(picture, geometry.resized[::-1], interpolation=interpolation)
    return cv2.flip(picture, 1) if geometry.mirrored else picture


def _sparse(depth: npt.NDArray[np.float32]) -> bool:
    return np.count_nonzero(np.isnan(depth)) > (1.0 - SPARSE_SHARE) * depth.size


def splat(depth: npt.NDArray[np.float32], hw: tuple[int, int]) -> npt.NDArray[np.float32]:
    """
    Resize sparse depth without losing or repeating a point, except behind a nearer one.

    :param depth: (H, W) metres, NaN where unknown.
    :returns: (hw) metres, NaN where no point falls.
    """
    if depth.shape == hw:
        return depth
    row, column = np.nonzero(~np.isnan(depth))
    down = ((row + 0.5) * (hw[0] / depth.shape[0])).astype(np.intp)
    right = ((column + 0.5) * (hw[1] / depth.shape[1])).astype(np.intp)
    place = down * hw[1] + right
    result = np.full(hw[0] * hw[1], np.inf, np.float32)
    np.minimum.at(result, place, depth[row, column])
    empty = np.ones(result.size, np.bool_)
    empty[place] = False
    result[empty] = np.nan
    return result.reshape(hw)


def move(intrinsics: Intrinsics, geometry: Geometry) -> Intrinsics:
    """Return the intrinsics of the picture; the middle of pixel (0, 0) is at (0, 0)."""
    height, width = geometry.resized
    x, y = width / geometry.wide, height / geometry.high
    cx = (intrinsics.cx - geometry.left + 0.5) * x - 0.5
    cy = (intrinsics.cy - geometry.top + 0.5) * y - 0.5
    if geometry.mirrored:
        cx = width - 1 - cx
    return Intrinsics(intrinsics.fx * x, intrinsics.fy * y, cx, cy, width, height)


def pad(sample: Sample, size: tuple[int, int]) -> Sample:
    """
    Fill up on the right and at the bottom, as the run time pads.

    The image gets the mean colour of ImageNet, labels and depth become unknown.

    :param size: (height, width), not smaller than the sample.
    """
    height, width = sample.image.shape[:2]
    if (height, width) == size:
        return sample
    down, right = size[0] - height, size[1] - width
    border = (0, down, 0, right, cv2.BORDER_CONSTANT)
    intrinsics = sample.intrinsics
    if intrinsics is not None:
        intrinsics = replace(intrinsics, height=size[0], width=size[1])
    filled: dict[str, Any] = {
        name: np.pad(values, ((0, down), (0, right), (0, 0))[: values.ndim], constant_values=fill)
        for name, fill in _UNKNOWN.items()
        if (values := getattr(sample, name)) is not None
    }
    return replace(
        sample,
        image=as_bytes(cv2.copyMakeBorder(sample.image, *border, value=PADDING_RGB)),
        intrinsics=intrinsics,
        **filled,
    )
