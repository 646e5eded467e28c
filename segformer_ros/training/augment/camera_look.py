# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The look of an unknown camera: its tone curve, colours, blur, noise and compression."""

from __future__ import annotations

import statistics
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

GREY = np.array([0.299, 0.587, 0.114], np.float32)
_NORMAL = np.array(
    [statistics.NormalDist().inv_cdf((index + 0.5) / 256.0) for index in range(256)], np.float32
)


def as_bytes(image: Any) -> npt.NDArray[np.uint8]:
    """Return what OpenCV returned its type."""
    return np.asarray(image, np.uint8)


def saturation_matrix(saturation: float) -> npt.NDArray[np.float64]:
    """Return the (3, 3) matrix that blends RGB with its grey: 0 is grey, 1 changes nothing."""
    grey = np.tile(GREY, (3, 1))
    return np.asarray(grey + saturation * (np.eye(3) - grey), np.float64)


def add_noise(
    image: npt.NDArray[np.uint8], spread: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """
    Add normal noise, independent in every pixel and channel, cut off at 2.9 deviations.

    :param spread: Standard deviation in levels of 255.
    """
    # A table lookup of random bytes takes a tenth of the time of drawing normal numbers, and
    # OpenCV's own generator is shared by all that runs in the thread.
    dice = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape)
    noise = cv2.LUT(dice, np.round(_NORMAL * spread).astype(np.int16))
    return as_bytes(cv2.add(image, noise, dtype=cv2.CV_8U))


def _tone_table(rng: np.random.Generator, strength: float) -> npt.NDArray[np.uint8]:
    def around(spread: float, size: int | None = None) -> npt.NDArray[np.float64]:
        return np.exp(rng.uniform(-spread, spread, size) * strength)

    level = np.linspace(0.0, 1.0, 256)[:, None] * around(0.35) * around(0.13, 3)
    middle = rng.uniform(0.35, 0.6)
    level = (level - middle) * around(0.4) + middle + rng.uniform(-0.08, 0.08) * strength
    level = np.clip(level, 0.0, 1.0) ** around(0.35)
    return np.round(level * 255.0).astype(np.uint8)[None]


def _color_matrix(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float32]:
    saturation = max(0.0, 1.0 + rng.uniform(-0.8, 0.6) * strength)
    if rng.random() < 0.05 * strength:
        saturation = 0.0
    angle = rng.normal(0.0, 0.15) * strength
    # A turn about the grey axis (Rodrigues).
    turn = cv2.Rodrigues(np.full(3, 3.0**-0.5) * angle)[0]
    return np.asarray(saturation_matrix(saturation) @ turn, np.float32)


def recolor(
    image: npt.NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> npt.NDArray[np.uint8]:
    """
    Change brightness, contrast, gamma, white balance, saturation and hue; blur, noise, JPEG.

    :param image: (H, W, 3) RGB, not changed.
    :param strength: 0 (nothing) to 2.
    """
    if strength <= 0.0:
        return image
    if rng.random() < 0.8:
        image = as_bytes(cv2.transform(image, _color_matrix(rng, strength)))
    image = as_bytes(cv2.LUT(image, _tone_table(rng, strength)))
    if rng.random() < 0.25 * strength:
        image = as_bytes(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.3))))
    if rng.random() < 0.35 * strength:
        image = add_noise(image, rng.uniform(1.0, 12.0), rng)
    if rng.random() < 0.2 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        image = as_bytes(cv2.imdecode(cv2.imencode('.jpg', image, quality)[1], cv2.IMREAD_COLOR))
    return image
