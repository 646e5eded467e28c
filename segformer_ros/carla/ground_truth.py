# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How CARLA codes ground truth in images, and back.

The ROS bridge publishes labels as colours and depth as 32FC1 metres. The simulator's own ROS 2
topics carry raw images: the tag in the red channel, depth in 24 bits of blue, green and red.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import functools

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import CARLA_0914, LabelSet, VOID

SKY_DEPTH_M: float = 1000.0
"""The far plane, which also stands for the sky."""

_DEPTH_CODES = (1 << 24) - 1
_MOST_UNKNOWN = 16


@dataclass(frozen=True)
class Decoded:
    """
    Ground-truth labels as they were read.

    :param labels: (H, W) class ids of the label set, VOID where the pixel is none of them.
    :param unknown: Pixels by what stands there instead, such as 'color 0 0 70' or 'tag 41'; only
        the most frequent ones are named, the rest is 'other'.
    """

    labels: npt.NDArray[np.uint8]
    unknown: Mapping[str, int] = field(default_factory=dict)


def encode_labels(
    labels: npt.NDArray[np.uint8], label_set: LabelSet = CARLA_0914
) -> npt.NDArray[np.uint8]:
    """
    Colour ground-truth labels as the bridge does, with the CityScapes palette of CARLA.

    :param labels: (H, W) class ids.
    :returns: (H, W, 4) BGRA with alpha 255; VOID and ids outside the label set are black.
    """
    return _bgra_palette(label_set)[labels]


def decode_labels(bgra: npt.NDArray[np.uint8], label_set: LabelSet = CARLA_0914) -> Decoded:
    """
    Read the class ids back from the colours; a colour stands for exactly one class.

    :param bgra: (H, W, 4) BGRA or (H, W, 3) BGR.
    :raises ValueError: The array has another shape, or two classes share a colour.
    """
    _check_channels(bgra)
    codes = _codes(bgra)
    ids = _ids_by_color(label_set)[codes]
    strangers = codes[ids == VOID]
    names = _most_frequent(
        strangers, lambda code: f'color {code >> 16} {code >> 8 & 255} {code & 255}'
    )
    return Decoded(ids, names)


def encode_tags(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """
    Return labels as the simulator itself publishes them: the tag in the red channel.

    :param labels: (H, W) tags.
    :returns: (H, W, 4) BGRA with alpha 255.
    """
    bgra = np.zeros((*labels.shape, 4), np.uint8)
    bgra[..., 2] = labels
    bgra[..., 3] = 255
    return bgra


def decode_tags(bgra: npt.NDArray[np.uint8], label_set: LabelSet = CARLA_0914) -> Decoded:
    """
    Undo encode_tags.

    :param bgra: (H, W, 4) BGRA or (H, W, 3) BGR; blue and green carry nothing.
    :raises ValueError: The array has another shape.
    """
    _check_channels(bgra)
    tags = bgra[..., 2]
    known = np.zeros(256, np.bool_)
    known[list(label_set.ids)] = True
    ids = np.where(known[tags], tags, np.uint8(VOID))
    return Decoded(ids, _most_frequent(tags[~known[tags]], lambda tag: f'tag {tag}'))


def encode_depth(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """
    Return ground-truth depth as the bridge publishes it.

    :param depth: (H, W) metres along the optical axis, +inf for the sky.
    :returns: (H, W) metres, at most SKY_DEPTH_M, which also stands for the sky.
    """
    return np.minimum(depth, np.float32(SKY_DEPTH_M))


def decode_depth(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """
    Undo encode_depth.

    :returns: (H, W) metres, +inf for the sky and for everything as far as SKY_DEPTH_M.
    """
    return np.where(depth >= np.float32(SKY_DEPTH_M), np.float32(np.inf), depth)


def encode_depth_code(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """
    Return depth as the simulator itself publishes it: 24 bits, the lowest eight in red.

    :param depth: (H, W) metres along the optical axis, +inf for the sky; NaN is refused.
    :returns: (H, W, 4) BGRA with alpha 255; one step is 1000 m / (2^24 - 1), about 0.06 mm.
    :raises ValueError: A depth is negative or NaN.
    """
    if not np.all(depth >= 0.0):
        raise ValueError('expected depths of 0 m or more, got a negative one or NaN')
    share = np.minimum(depth.astype(np.float64) / SKY_DEPTH_M, 1.0)
    codes = np.rint(share * _DEPTH_CODES).astype(np.uint32)
    channels = [codes >> 16, codes >> 8 & 255, codes & 255, np.full_like(codes, 255)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def decode_depth_code(bgra: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """
    Undo encode_depth_code.

    :param bgra: (H, W, 4) BGRA or (H, W, 3) BGR.
    :returns: (H, W) metres along the optical axis, +inf at the far plane.
    :raises ValueError: The array has another shape.
    """
    _check_channels(bgra)
    codes = _codes(bgra[..., 2::-1])
    depth = (codes * (SKY_DEPTH_M / _DEPTH_CODES)).astype(np.float32)
    depth[codes == _DEPTH_CODES] = np.inf
    return depth


def _check_channels(bgra: npt.NDArray[np.uint8]) -> None:
    if bgra.ndim != 3 or bgra.shape[2] not in {3, 4}:
        raise ValueError(f'expected an (H, W, 4) or (H, W, 3) image, got shape {bgra.shape}')


def _codes(bgra: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Put the third channel above the second above the first."""
    codes = bgra[..., 2].astype(np.uint32) << np.uint32(16)
    codes |= bgra[..., 1].astype(np.uint32) << np.uint32(8)
    codes |= bgra[..., 0]
    return codes


def _most_frequent(
    strangers: npt.NDArray[np.unsignedinteger], name: Callable[[int], str]
) -> Mapping[str, int]:
    if not strangers.size:
        return {}
    values, counts = np.unique(strangers, return_counts=True)
    order = np.argsort(-counts, kind='stable')
    named = {name(int(values[index])): int(counts[index]) for index in order[:_MOST_UNKNOWN]}
    if len(order) > _MOST_UNKNOWN:
        named['other'] = int(counts[order[_MOST_UNKNOWN:]].sum())
    return named


@functools.lru_cache(maxsize=4)
def _bgra_palette(label_set: LabelSet) -> npt.NDArray[np.uint8]:
    palette = np.full((256, 4), 255, np.uint8)
    palette[:, :3] = label_set.palette()[:, ::-1]
    return palette


@functools.lru_cache(maxsize=4)
def _ids_by_color(label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """Tabulate all 2^24 colours: one look-up per pixel, whatever the number of classes."""
    if len({item.color for item in label_set.classes}) < len(label_set.classes):
        raise ValueError(
            f'classes of label set {label_set.name} share a colour: coloured images of it '
            'cannot be read back'
        )
    ids = np.full(1 << 24, VOID, np.uint8)
    for item in label_set.classes:
        red, green, blue = item.color
        ids[red << 16 | green << 8 | blue] = item.id
    return ids
