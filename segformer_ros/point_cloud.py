# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The coloured semantic cloud: depth, labels and colours as the points of a PointCloud2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import LabelClass, VOID
from segformer_ros.nearest import did_you_mean

Points = npt.NDArray[np.void]

# As PCL's PointXYZRGBL, read by name and type: rgb is 0x00RRGGBB in the bits of a float.
_FIELDS: tuple[tuple[str, str], ...] = (
    ('x', '<f4'),
    ('y', '<f4'),
    ('z', '<f4'),
    ('rgb', '<f4'),
    ('label', '<u4'),
)
_STEP, _STEP_WITH_CONFIDENCE = 20, 24
# Rows that are made at once, so that they stay in the cache of the CPU.
_ROWS = 32
# The bits of the numbers that a byte can hold, as uint32; a copy keeps them whatever they mean.
_BITS = np.arange(256, dtype='<u4').view('<f4')


@dataclass(frozen=True)
class CloudOptions:
    """
    Which points to make.

    :param stride: Every so many pixels, in both directions.
    :param voxel_m: Edge of the cubes of which each keeps one point; 0: all points.
    :param class_ids: Classes to keep; None: all of them.
    """

    stride: int = 1
    voxel_m: float = 0.0
    class_ids: frozenset[int] | None = None

    def __post_init__(self) -> None:
        """
        Check the values.

        :raises ValueError: The stride is below 1, or the voxel is negative or not finite.
        """
        if self.stride < 1 or not 0.0 <= self.voxel_m < np.inf:
            raise ValueError(
                f'expected a stride of at least 1 and a voxel of 0 m or more, got {self.stride} '
                f'and {self.voxel_m}'
            )

    @property
    def organized(self) -> bool:
        """Whether the points keep the rows and columns of the image."""
        return self.voxel_m == 0.0 and self.class_ids is None


def point_type(*, confidence: bool) -> np.dtype[np.void]:
    """
    Return the layout of one point: x, y, z, rgb, label and, where asked for, confidence.

    :returns: x, y and z are metres in the optical frame; rgb is packed as PCL does; label is a
        uint32 class id; confidence is a uint8, the probability of the class times 255.
    """
    names = [name for name, _ in _FIELDS] + ['confidence'] * confidence
    formats = [kind for _, kind in _FIELDS] + ['|u1'] * confidence
    size = _STEP_WITH_CONFIDENCE if confidence else _STEP
    offsets = [4 * index for index in range(len(names))]
    layout: Any = {'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': size}
    kind: np.dtype[np.void] = np.dtype(layout)
    return kind


def packed_palette(palette: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """
    Pack the colours of classes as PCL does.

    :param palette: (256, 3) RGB by class id.
    :returns: (256,) 0x00RRGGBB.
    """
    packed: npt.NDArray[np.uint32] = _packed(palette[np.newaxis])[0]
    return packed


def find_class_ids(
    classes: Sequence[LabelClass], names: Sequence[str]
) -> tuple[frozenset[int] | None, str]:
    """
    Find the ids of some classes by name.

    :param names: Empty ones do not count; without any other, all classes are meant.
    :returns: The ids, None for all classes, and what is wrong with the names; '' when nothing is.
    """
    wanted = [name for name in names if name]
    known = {item.name: item.id for item in classes}
    wrong = [name for name in wanted if name not in known]
    if wrong:
        near = did_you_mean(wrong[0], known)
        problem = f'the network has no class {wrong[0]!r}{near}; it has: {", ".join(known)}'
    else:
        problem = ''
    ids = frozenset(known[name] for name in wanted if name in known)
    return (ids if wanted else None), problem


def make_points(
    depth: npt.NDArray[np.float32],
    intrinsics: Intrinsics,
    *,
    labels: npt.NDArray[np.uint8] | None = None,
    colors: npt.NDArray[np.uint8] | npt.NDArray[np.uint32] | None = None,
    confidence: npt.NDArray[np.uint8] | None = None,
    options: CloudOptions | None = None,
) -> Points:
    """
    Make the points of a depth image in the optical frame (x right, y down, z forward).

    Pixel (row, column) looks through (column, row), as in camera.back_project.

    :param depth: (H, W) metres along the optical axis; where it is not finite there is no point.
    :param intrinsics: Of the camera that took the image.
    :param labels: (H, W) class ids; None makes all of them VOID.
    :param colors: (H, W, 3) RGB of the pixels, or the (256,) packed colours of the classes; None
        makes all points black.
    :param confidence: (H, W) probability of the class times 255; None: the points have none.
    :param options: Which points; without, all.
    :returns: Of point_type: (rows, columns) with NaN where there is no point where
        options.organized, else (N,) without such ones. Of each voxel the first point in the order
        of the image is kept as it is.
    :raises ValueError: Two arrays, or an array and the intrinsics, are of different sizes.
    """
    options = options or CloudOptions()
    size = (intrinsics.height, intrinsics.width)
    pixels = None if colors is None or colors.ndim == 1 else colors
    for name, array in (
        ('depth', depth), ('labels', labels), ('colors', pixels), ('confidence', confidence),
    ):  # fmt: skip
        if array is not None and array.shape[:2] != size:
            raise ValueError(f'expected {name} of {size}, got {array.shape[:2]}')
    step = options.stride
    depth = depth[::step, ::step]
    labels = None if labels is None else labels[::step, ::step]
    confidence = None if confidence is None else confidence[::step, ::step]
    pixels = None if pixels is None else pixels[::step, ::step]
    x = _directions(intrinsics.width, step, intrinsics.cx, intrinsics.fx)
    y = _directions(intrinsics.height, step, intrinsics.cy, intrinsics.fy)
    points = np.empty(depth.shape, point_type(confidence=confidence is not None))
    columns = points.view('<f4').reshape(*depth.shape, -1)
    for top in range(0, len(depth), _ROWS):
        band = slice(top, top + _ROWS)
        ids = None if labels is None else labels[band]
        found = [
            *_places(depth[band], x, y[band]),
            _colors(ids, colors if pixels is None else pixels[band], depth[band].shape),
            _numbers(ids, depth[band].shape),
        ]
        if confidence is not None:
            found.append(_numbers(confidence[band], depth[band].shape))
        cv2.merge(found, columns[band])
    return points if options.organized else _selected(points, options)


def _directions(count: int, step: int, center: float, focal: float) -> npt.NDArray[np.float32]:
    """Return the tangents of the lines of sight of every `step`-th row or column."""
    return ((np.arange(count, dtype=np.float32) - center) / focal)[::step].astype(np.float32)


def _places(
    depth: npt.NDArray[np.float32], x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], ...]:
    """Return x, y and z of some rows of points."""
    known = np.where(np.isfinite(depth), depth, np.float32(np.nan))
    return x * known, y[:, np.newaxis] * known, known


def _numbers(values: npt.NDArray[np.uint8] | None, shape: tuple[int, ...]) -> cv2.typing.MatLike:
    """Return small numbers as the bits of uint32, in a float; without any all are VOID."""
    if values is None:
        return np.full(shape, _BITS[VOID])
    return cv2.LUT(np.ascontiguousarray(values), _BITS)


def _colors(
    labels: npt.NDArray[np.uint8] | None,
    colors: npt.NDArray[np.uint8] | npt.NDArray[np.uint32] | None,
    shape: tuple[int, ...],
) -> cv2.typing.MatLike:
    """Return the packed colours, in the bits of a float."""
    if colors is None or (colors.ndim == 1 and labels is None):
        return np.zeros(shape, np.float32)
    if colors.ndim == 1 and labels is not None:
        return cv2.LUT(np.ascontiguousarray(labels), colors.view('<f4'))
    return _packed(colors).view('<f4')


def _packed(rgb: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    blue_first = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA)
    packed: npt.NDArray[np.uint32] = blue_first.view('<u4')[..., 0] & np.uint32(0xFFFFFF)
    return packed


def _selected(points: Points, options: CloudOptions) -> Points:
    """Return the known points of the wanted classes, one of each voxel, in image order."""
    keep = ~np.isnan(points['z'])
    if options.class_ids is not None:
        wanted = np.zeros(256, np.bool_)
        wanted[list(options.class_ids)] = True
        keep &= wanted[points['label']]
    if options.voxel_m > 0.0:
        keep &= _first_of_voxels(points, keep, options.voxel_m)
    # As plain bytes: fields would be copied one by one, and nothing between them.
    whole = points.view(f'V{points.itemsize}')
    selected: Points = whole[keep].view(points.dtype)
    return selected


def _first_of_voxels(
    points: Points, keep: npt.NDArray[np.bool_], voxel_m: float
) -> npt.NDArray[np.bool_]:
    """Return which of the kept points are the first of their voxel."""
    key = np.zeros(points.shape, np.int64)
    for name in ('x', 'y', 'z'):
        # 21 bits each: exact to a million voxels from the camera.
        place = np.floor(np.where(keep, points[name], 0.0) / voxel_m).astype(np.int64)
        key = (key << 21) | (place & 0x1FFFFF)
    first = keep.copy()
    # Most pixels are in the voxel of their neighbour, which leaves few to be sorted.
    first[:, 1:] &= ~((key[:, 1:] == key[:, :-1]) & keep[:, :-1])
    first[1:] &= ~((key[1:] == key[:-1]) & keep[:-1])
    places = np.flatnonzero(first)
    _, index = np.unique(key.ravel()[places], return_index=True)
    result = np.zeros(key.size, np.bool_)
    result[places[index]] = True
    return result.reshape(key.shape)
