# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vary a frame of the store: scale, crop, flip and colours; focal length kept true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID
from segformer_ros.training.augment.camera_look import recolor
from segformer_ros.training.augment.geometry import PADDING_RGB

if TYPE_CHECKING:
    # The recipe imports this package.
    from segformer_ros.training.config import AugmentConfig, PhaseConfig
    from segformer_ros.training.frames import Sample


def _start(center: float | None, window: int, length: int, rng: np.random.Generator) -> int:
    free = length - window
    if free <= 0:
        return 0
    if center is None:
        return int(rng.integers(0, free + 1))
    place = center - window * rng.uniform(0.2, 0.8)
    return int(np.clip(round(place), 0, free))


def _rare_center(
    labels: npt.NDArray[np.uint8], rng: np.random.Generator
) -> tuple[float | None, float | None]:
    thin = labels[::2, ::2]
    present = np.flatnonzero(np.bincount(thin.ravel(), minlength=256)[:VOID])
    if not present.size:
        return None, None
    rows, columns = np.nonzero(thin == rng.choice(present))
    pick = int(rng.integers(rows.size))
    return 2.0 * rows[pick], 2.0 * columns[pick]


def scale_and_crop(
    sample: Sample,
    height: int,
    width: int,
    scale: float,
    rng: np.random.Generator,
    *,
    rare_share: float = 0.0,
) -> Sample:
    """
    Resize a frame by a factor and cut out a window.

    The focal length grows with the factor, the metres of the depth stay what they are. A window
    larger than the resized frame is filled on the right and at the bottom with the mean colour
    of the padding, unknown labels and unknown depth, as the run time pads its input.

    :param height: Of the window, pixels; width likewise.
    """
    rows, columns = sample.labels.shape
    row, column = _rare_center(sample.labels, rng) if rng.random() < rare_share else (None, None)
    high, wide = (max(1, round(value / scale)) for value in (height, width))
    top, left = _start(row, high, rows, rng), _start(column, wide, columns, rng)
    cut = np.s_[top : top + high, left : left + wide]
    source_h, source_w = min(high, rows), min(wide, columns)
    size = (min(width, round(source_w * scale)), min(height, round(source_h * scale)))
    smooth = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    image = np.full((height, width, 3), PADDING_RGB, np.uint8)
    labels = np.full((height, width), VOID, np.uint8)
    depth = np.full((height, width), np.nan, np.float32)
    used = np.s_[: size[1], : size[0]]
    nearest = cv2.INTER_NEAREST_EXACT
    image[used] = cv2.resize(sample.image[cut], size, interpolation=smooth)
    labels[used] = cv2.resize(sample.labels[cut], size, interpolation=nearest)
    depth[used] = cv2.resize(sample.depth[cut], size, interpolation=nearest)
    focal_px = sample.focal_px * size[0] / source_w
    return replace(sample, image=image, labels=labels, depth=depth, focal_px=focal_px)


def flip(sample: Sample) -> Sample:
    """Mirror a frame left to right."""
    return replace(
        sample,
        image=np.ascontiguousarray(sample.image[:, ::-1]),
        labels=np.ascontiguousarray(sample.labels[:, ::-1]),
        depth=np.ascontiguousarray(sample.depth[:, ::-1]),
    )


def augment(
    sample: Sample,
    size: tuple[int, int],
    phase: PhaseConfig,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Sample:
    """
    Make one training sample of a frame.

    :param size: (height, width) of the result.
    :param phase: Gives the range of the scale and the strength of the colour changes.
    """
    scale = float(np.exp(rng.uniform(*np.log(phase.scale))))
    sample = scale_and_crop(sample, *size, scale, rng, rare_share=config.rare_share)
    if config.flip and rng.random() < 0.5:
        sample = flip(sample)
    return replace(sample, image=recolor(sample.image, rng, phase.photometric))
