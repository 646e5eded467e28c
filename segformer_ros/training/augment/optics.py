# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What lenses and sensors take from a picture: corners, sharpness, detail."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.training.augment.camera_look import as_bytes

Image = npt.NDArray[np.uint8]


def darken_corners(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """Darken with the fourth power of the cosine of the angle to the axis, up to 42 degrees."""
    height, width = image.shape[:2]
    reach = strength * float(rng.uniform(0.3, 0.9)) / (0.5 * np.hypot(height, width))
    y, x = np.ogrid[:height, :width]
    square = (x - 0.5 * (width - 1)) ** 2 + (y - 0.5 * (height - 1)) ** 2
    gain = (255.0 / (1.0 + square.astype(np.float32) * np.float32(reach**2)) ** 2).round()
    return as_bytes(cv2.multiply(image, cv2.merge([gain.astype(np.uint8)] * 3), scale=1.0 / 255.0))


def motion_blur(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """Blur along a line of up to an eightieth of the width, more often level than upright."""
    length = strength * float(rng.uniform(2.0, max(3.0, image.shape[1] / 80.0)))
    angle = float(rng.normal(0.0, 0.5))
    kernel = _line(0.5 * length * np.cos(angle), 0.5 * length * np.sin(angle))
    return as_bytes(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT))


def _line(x: float, y: float) -> npt.NDArray[np.float32]:
    """Return the filter that moves a point from (-x, -y) to (x, y) in even time."""
    reach = int(np.ceil(max(abs(x), abs(y)))) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    parts = np.linspace(-1.0, 1.0, 8 * reach)
    left, top = np.floor(parts * x).astype(int), np.floor(parts * y).astype(int)
    for right in (0, 1):
        for down in (0, 1):
            weight = np.abs(1 - right - parts * x + left) * np.abs(1 - down - parts * y + top)
            np.add.at(kernel, (reach + top + down, reach + left + right), weight)
    return kernel / np.float32(parts.size)


def lose_resolution(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """Shrink to 30 to 90 % of the size and enlarge again."""
    height, width = image.shape[:2]
    share = 1.0 - strength * float(rng.uniform(0.1, 0.7))
    small = (max(1, round(width * share)), max(1, round(height * share)))
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    smooth = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return as_bytes(cv2.resize(shrunk, (width, height), interpolation=smooth))


def convolve(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """
    Filter with random 3 x 3 weights that keep the mean, blended with the picture.

    Changes textures and keeps shapes: Xu et al. 2021, arXiv:2007.13003.
    """
    weights = rng.normal(0.0, 0.4, (3, 3))
    weights += (1.0 - weights.sum()) / 9.0
    share = strength * float(rng.uniform(0.2, 0.9))
    kernel = share * weights
    kernel[1, 1] += 1.0 - share
    return as_bytes(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT))
