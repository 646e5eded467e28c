# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour changes of MMSegmentation, torchvision and GLPDepth, on bytes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.training.augment.camera_look import as_bytes, GREY, saturation_matrix

Image = npt.NDArray[np.uint8]

# OpenCV's circle of hues in 8 bits.
HUES = 180
_LEVELS = np.arange(256, dtype=np.float64)


def _table(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.round(np.clip(levels, 0.0, 255.0)).astype(np.uint8)


def linear(image: Image, gain: float, offset: float = 0.0) -> Image:
    """Multiply and shift all levels, rounded and clipped to 0 to 255."""
    return as_bytes(cv2.LUT(image, _table(gain * _LEVELS + offset)))


def gamma(image: Image, power: float) -> Image:
    """Raise the levels, as shares of 255, to a power."""
    return as_bytes(cv2.LUT(image, _table(255.0 * (_LEVELS / 255.0) ** power)))


def hue_saturation_value(
    image: Image,
    *,
    hue: float = 0.0,
    saturation: tuple[float, float] = (1.0, 0.0),
    value: tuple[float, float] = (1.0, 0.0),
) -> Image:
    """
    Change an RGB image in HSV.

    :param hue: Turn, in 180ths of the circle, rounded.
    :param saturation: Gain and offset of levels of 255.
    :param value: Likewise.
    """
    turned = (np.arange(256) + round(hue)) % HUES
    tables = (
        turned.astype(np.uint8),
        _table(saturation[0] * _LEVELS + saturation[1]),
        _table(value[0] * _LEVELS + value[1]),
    )
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.stack(tables, axis=1)[None])
    return as_bytes(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def distort(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """
    Change brightness (by 32), contrast (by half), saturation (by half) and hue (by 18 of 180).

    Each happens in half of all cases, contrast before or after the other colours, as in SSD
    (arXiv:1512.02325) and MMSegmentation.
    """

    def around(spread: float) -> float:
        return float(rng.uniform(-spread, spread)) * strength

    if rng.random() < 0.5:
        image = linear(image, 1.0, around(32.0))
    contrast_first = rng.random() < 0.5
    contrast = max(0.0, 1.0 + around(0.5)) if rng.random() < 0.5 else None
    if contrast_first and contrast is not None:
        image = linear(image, contrast)
    saturation = max(0.0, 1.0 + around(0.5)) if rng.random() < 0.5 else 1.0
    hue = around(18.0) if rng.random() < 0.5 else 0.0
    if saturation != 1.0 or hue != 0.0:
        image = hue_saturation_value(image, hue=hue, saturation=(saturation, 0.0))
    if not contrast_first and contrast is not None:
        image = linear(image, contrast)
    return image


def contrast_about_mean(image: Image, factor: float) -> Image:
    """Move all levels away from the mean grey of the image, or towards it below 1."""
    mean = round(float(np.dot(cv2.mean(image)[:3], GREY)))
    return linear(image, factor, (1.0 - factor) * mean)


def saturate(image: Image, factor: float) -> Image:
    """Move all colours away from their grey, or towards it below 1."""
    return as_bytes(cv2.transform(image, saturation_matrix(factor)))


def jitter(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """Change brightness, contrast, saturation (by a quarter), hue (by a tenth), in any order."""
    factors = np.maximum(0.0, 1.0 + rng.uniform(-0.25, 0.25, 3) * strength)
    turn = float(rng.uniform(-0.1, 0.1)) * strength
    for step in rng.permutation(4):
        if step == 0:
            image = linear(image, float(factors[0]))
        elif step == 1:
            image = contrast_about_mean(image, float(factors[1]))
        elif step == 2:
            image = saturate(image, float(factors[2]))
        else:
            image = hue_saturation_value(image, hue=turn * HUES)
    return image


def vary_as_glp(image: Image, rng: np.random.Generator, strength: float = 1.0) -> Image:
    """
    Change brightness and contrast (by a fifth), gamma (by a fifth), hue, saturation and value.

    The last three move by 20 of 180, 30 and 20 of 255; each of the three changes happens in half
    of all cases.
    """

    def around(spread: float) -> float:
        return float(rng.uniform(-spread, spread)) * strength

    if rng.random() < 0.5:
        image = linear(image, 1.0 + around(0.2), 255.0 * around(0.2))
    if rng.random() < 0.5:
        image = gamma(image, 1.0 + around(0.2))
    if rng.random() < 0.5:
        hue, saturation, value = around(20.0), around(30.0), around(20.0)
        image = hue_saturation_value(
            image, hue=hue, saturation=(1.0, saturation), value=(1.0, value)
        )
    return image
