# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vary a frame: scale, crop, flip and colours, with depth and focal length kept true."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID
from segformer_ros.training.config import AugmentConfig, PhaseConfig
from segformer_ros.training.frames import Sample

PADDING_RGB = (124, 116, 104)
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


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
    return Sample(image, labels, depth, sample.focal_px * size[0] / source_w)


def flip(sample: Sample) -> Sample:
    """Mirror a frame left to right."""
    return Sample(
        np.ascontiguousarray(sample.image[:, ::-1]),
        np.ascontiguousarray(sample.labels[:, ::-1]),
        np.ascontiguousarray(sample.depth[:, ::-1]),
        sample.focal_px,
    )


def _bytes(image: Any) -> npt.NDArray[np.uint8]:
    return np.asarray(image, np.uint8)


def _tone_table(rng: np.random.Generator, strength: float) -> npt.NDArray[np.uint8]:
    def around(spread: float, size: int | None = None) -> npt.NDArray[np.float64]:
        return np.exp(rng.uniform(-spread, spread, size) * strength)

    level = np.linspace(0.0, 1.0, 256)[:, None] * around(0.35) * around(0.13, 3)
    middle = rng.uniform(0.35, 0.6)
    level = (level - middle) * around(0.4) + middle + rng.uniform(-0.08, 0.08) * strength
    level = np.clip(level, 0.0, 1.0) ** around(0.35)
    return np.round(level * 255.0).astype(np.uint8)[None]


def _color_matrix(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float32]:
    saturation = 1.0 + rng.uniform(-0.8, 0.6) * strength
    if rng.random() < 0.05 * strength:
        saturation = 0.0
    angle = rng.normal(0.0, 0.15) * strength
    # A turn about the grey axis (Rodrigues).
    axis = np.full(3, 3.0**-0.5)
    turn = cv2.Rodrigues(axis * angle)[0]
    grey = np.tile(_GREY, (3, 1))
    matrix = (grey + saturation * (np.eye(3) - grey)) @ turn
    return np.asarray(matrix, np.float32)


def recolor(
    image: npt.NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> npt.NDArray[np.uint8]:
    """
    Change brightness, contrast, gamma, white balance, saturation and hue; blur, noise, JPEG.

    :param image: (H, W, 3) RGB, not changed.
    :param strength: 0 (nothing) to 1.
    """
    if strength <= 0.0:
        return image
    if rng.random() < 0.8:
        image = _bytes(cv2.transform(image, _color_matrix(rng, strength)))
    image = _bytes(cv2.LUT(image, _tone_table(rng, strength)))
    if rng.random() < 0.25 * strength:
        image = _bytes(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.3))))
    if rng.random() < 0.35 * strength:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, np.zeros(3), np.full(3, rng.uniform(1.0, 12.0)))
        image = _bytes(cv2.add(image, noise, dtype=cv2.CV_8U))
    if rng.random() < 0.2 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        image = _bytes(cv2.imdecode(cv2.imencode('.jpg', image, quality)[1], cv2.IMREAD_COLOR))
    return image


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
    image = recolor(sample.image, rng, phase.photometric)
    return Sample(image, sample.labels, sample.depth, sample.focal_px)
