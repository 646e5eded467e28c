# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What real cameras add: veil, flare, defocus, bands of exposure, mosaic, sharpening, JPEG.

All of it is done to the image alone, after labels and depth are known.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled, Number
from segformer_ros.world.jpeg import compress
from segformer_ros.world.random_source import RandomSource

Image = npt.NDArray[np.uint8]
Light = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Faults:
    """
    Faults of a camera; those that are 0 are absent.

    :param veil: Light that dust on a windscreen adds, as a share of the mean.
    :param flare: Strength of the sun's ghosts.
    :param blur: Defocus: share that a pixel takes of the next one, below 1.
    :param bands: Amplitude of bands that a flickering light and a rolling shutter leave.
    :param mosaic: Whether colours come from a Bayer pattern.
    :param quality: Of JPEG, 1 to 100, 0 for none.
    """

    veil: float = 0.0
    flare: float = 0.0
    blur: float = 0.0
    bands: float = 0.0
    mosaic: bool = False
    quality: int = 0


NO_FAULTS = Faults()


def random_faults(rng: RandomSource) -> Faults:
    """Choose a camera; one with a mosaic has a filter before it, which blurs."""
    mosaic = rng.chance(0.25)
    blur = rng.uniform(0.1, 0.5) if rng.chance(0.3) else 0.0
    return Faults(
        veil=rng.uniform(0.0, 0.35) if rng.chance(0.3) else 0.0,
        flare=rng.uniform(0.2, 1.0) if rng.chance(0.6) else 0.0,
        blur=max(blur, 0.22) if mosaic else blur,
        bands=rng.uniform(0.02, 0.12) if rng.chance(0.08) else 0.0,
        mosaic=mosaic,
        quality=rng.integer(25, 92) if rng.chance(0.4) else 0,
    )


def add_to_light(
    rgb: Light, faults: Faults, sun: tuple[float, float] | None, color: npt.NDArray[np.float64]
) -> None:
    """
    Add what happens before the sensor, in place.

    :param rgb: (H, W, 3) linear light.
    :param sun: Column and row of the sun in the picture or outside; None: hidden or behind.
    :param color: (3,) of its light.
    """
    if faults.veil:
        rgb += np.float32(faults.veil) * rgb[::8, ::8].mean(axis=(0, 1))
    if faults.flare and sun is not None:
        _flare(rgb, sun[0], sun[1], 0.16 * faults.flare * color)
    if faults.bands:
        rows = np.arange(rgb.shape[0]) * (2.0 * math.pi * 3.0 / rgb.shape[0])
        wave = 1.0 + faults.bands * np.sin(rows + 40.0 * faults.bands)
        rgb *= wave.astype(np.float32)[:, None, None]
    if faults.blur:
        _smear(rgb, faults.blur)


def add_to_image(image: Image, faults: Faults) -> Image:
    """Return an 8 bit image with what happens from the sensor on."""
    if faults.mosaic:
        image = demosaic(image)
    return compress(image, faults.quality) if faults.quality else image


@compiled
def _smear(rgb: Array, share: Number) -> None:
    """Blur across and down, in place: each pixel takes a share of what the last one has."""
    height, width = rgb.shape[:2]
    for v in range(height):
        for c in range(3):
            for u in range(1, width):
                rgb[v, u, c] += share * (rgb[v, u - 1, c] - rgb[v, u, c])
            for u in range(width - 2, -1, -1):
                rgb[v, u, c] += share * (rgb[v, u + 1, c] - rgb[v, u, c])
    for v in range(1, height):
        for u in range(width):
            for c in range(3):
                rgb[v, u, c] += 0.7 * share * (rgb[v - 1, u, c] - rgb[v, u, c])
    for v in range(height - 2, -1, -1):
        for u in range(width):
            for c in range(3):
                rgb[v, u, c] += 0.7 * share * (rgb[v + 1, u, c] - rgb[v, u, c])


@compiled
def _flare(rgb: Array, u: Number, v: Number, color: Array) -> None:
    """Add the glare around the sun and its ghosts along the line through the middle."""
    height, width = rgb.shape[:2]
    cx, cy = 0.5 * width, 0.5 * height
    for j in range(height):
        for i in range(width):
            dx, dy = (i - u) / width, (j - v) / width
            k = 0.35 / (1.0 + 60.0 * (dx * dx + dy * dy))
            for g in range(3):
                part = (-0.6, -1.1, 0.45)[g]
                size = (0.05, 0.11, 0.03)[g]
                x = (i - cx - part * (u - cx)) / width
                y = (j - cy - part * (v - cy)) / width
                if x * x + y * y < size * size:
                    k += (0.12, 0.05, 0.2)[g]
            for c in range(3):
                rgb[j, i, c] += k * color[c]


@compiled
def demosaic(image: Array) -> Array:
    """
    Keep one colour of each pixel (RGGB) and guess the others from the neighbours, bilinearly.

    :param image: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    out = np.empty_like(image)
    for v in range(height):
        up, down = abs(v - 1), min(v + 1, 2 * height - v - 3)
        for u in range(width):
            left, right = abs(u - 1), min(u + 1, 2 * width - u - 3)
            site = (v & 1) + (u & 1)
            if site == 1:
                # Red is next to green in even rows, blue in odd ones.
                beside, above = (0, 2) if v & 1 == 0 else (2, 0)
                out[v, u, beside] = (
                    int(image[v, left, beside]) + image[v, right, beside] + 1
                ) >> 1
                out[v, u, 1] = image[v, u, 1]
                out[v, u, above] = (int(image[up, u, above]) + image[down, u, above] + 1) >> 1
                continue
            total = int(image[v, left, 1]) + image[v, right, 1] + image[up, u, 1]
            out[v, u, site] = image[v, u, site]
            out[v, u, 1] = (total + image[down, u, 1] + 2) >> 2
            other = 2 - site
            total = int(image[up, left, other]) + image[up, right, other]
            total += int(image[down, left, other]) + image[down, right, other]
            out[v, u, other] = (total + 2) >> 2
    return out
