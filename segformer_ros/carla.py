# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the CARLA ROS bridge codes ground truth in images, and back."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import CARLA_0914, LabelSet, VOID

SKY_DEPTH_M: float = 1000.0


def encode_labels(
    labels: npt.NDArray[np.uint8], label_set: LabelSet = CARLA_0914
) -> npt.NDArray[np.uint8]:
    """
    Colour ground-truth labels as the bridge does, with the CityScapes palette of CARLA.

    :param labels: (H, W) class ids.
    :returns: (H, W, 4) BGRA with alpha 255; VOID and ids outside the label set are black.
    """
    return _bgra_palette(label_set)[labels]


def decode_labels(
    bgra: npt.NDArray[np.uint8], label_set: LabelSet = CARLA_0914
) -> tuple[npt.NDArray[np.uint8], int]:
    """
    Read the class ids back from the colours; a colour stands for exactly one class.

    :param bgra: (H, W, 4) BGRA or (H, W, 3) BGR.
    :returns: (H, W) class ids, VOID where the colour is none of the label set's, and the number
        of such pixels.
    :raises ValueError: The array has another shape.
    """
    if bgra.ndim != 3 or bgra.shape[2] not in {3, 4}:
        raise ValueError(f'expected an (H, W, 4) or (H, W, 3) image, got shape {bgra.shape}')
    codes = bgra[..., 2].astype(np.uint32) << 16
    codes |= bgra[..., 1].astype(np.uint32) << 8
    codes |= bgra[..., 0]
    ids = _ids_by_color(label_set)[codes]
    return ids, int(np.count_nonzero(ids == VOID))


def encode_depth(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """
    Give ground-truth depth as the bridge publishes it.

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


@functools.lru_cache(maxsize=4)
def _bgra_palette(label_set: LabelSet) -> npt.NDArray[np.uint8]:
    palette = np.full((256, 4), 255, np.uint8)
    palette[:, :3] = label_set.palette()[:, ::-1]
    return palette


@functools.lru_cache(maxsize=4)
def _ids_by_color(label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """Tabulate all 2^24 colours: one look-up per pixel, whatever the number of classes."""
    ids = np.full(1 << 24, VOID, np.uint8)
    for item in label_set.classes:
        red, green, blue = item.color
        ids[red << 16 | green << 8 | blue] = item.id
    return ids
