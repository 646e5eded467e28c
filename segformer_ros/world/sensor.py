# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's sensor: wet reflections, bloom, lens, exposure, noise, rain, 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled, Number
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.texture import hash01

LEVELS = 4096
STEPS = 1600.0


@dataclass(frozen=True)
class Sensor:
    """How a camera turns light into numbers; balance is the gain of red and of blue."""

    exposure: float = 1.0
    balance: tuple[float, float] = (1.0, 1.0)
    gamma: float = 2.2
    contrast: float = 0.0
    saturation: float = 1.0
    noise: float = 0.008
    blur: float = 0.12
    vignette: float = 0.15

    def vector(self) -> npt.NDArray[np.float64]:
        """Return the values that the compiled code takes."""
        return np.array(
            [
                self.exposure,
                self.balance[0],
                self.balance[1],
                self.saturation,
                self.noise,
                self.blur,
                self.vignette,
            ]
        )

    def curve(self) -> npt.NDArray[np.float32]:
        """Return the tone curve: (LEVELS,) to 0..255, by the root of the light times STEPS."""
        light = 1.0 - np.exp(-(((np.arange(LEVELS) + 0.5) / STEPS) ** 2))
        y = light ** (1.0 / self.gamma)
        y = y + self.contrast * (y * y * (3.0 - 2.0 * y) - y)
        curve: npt.NDArray[np.float32] = (255.0 * y).astype(np.float32)
        return curve


def random_sensor(rng: RandomSource, *, amount: float) -> Sensor:
    """Make a sensor; amount 0 gives the plain one, 1 a widely varied one."""
    a = amount
    return Sensor(
        exposure=2.0 ** (a * rng.uniform(-0.9, 0.8)),
        balance=(1.0 + a * rng.uniform(-0.15, 0.15), 1.0 + a * rng.uniform(-0.18, 0.18)),
        gamma=2.2 + a * rng.uniform(-0.35, 0.35),
        contrast=0.25 + a * rng.uniform(-0.35, 0.6),
        saturation=1.0 + a * rng.uniform(-0.45, 0.45),
        noise=0.005 + a * 0.02 * rng.uniform(0.0, 1.0) ** 2,
        blur=0.10 + a * 0.15 * rng.uniform(-0.6, 1.0),
        vignette=0.1 + a * rng.uniform(-0.1, 0.35),
    )


@compiled
def reflect(rgb: Array, share: Array, horizon: Number, seed: Number) -> None:
    """
    Mirror the view in wet ground.

    :param share: (H, W) minus the reflectance of wet pixels; other values are left alone.
    :param horizon: Row of the horizon.
    """
    height, width = share.shape
    for v in range(height - 1, -1, -1):
        for u in range(width):
            k = -share[v, u]
            if k <= 0.0:
                continue
            spread = 0.12 * (v - horizon) * (hash01(u, v, seed) - 0.5)
            m = int(2.0 * horizon - v + spread)
            m = min(max(m, 0), v)
            for c in range(3):
                rgb[v, u, c] += k * (rgb[m, u, c] - rgb[v, u, c])


@compiled
def bloom(rgb: Array, glow: Array, strength: Number) -> None:
    """Spread the light of lamps over their neighbourhood."""
    height, width = glow.shape
    cell = max(width // 128, 2)
    rows, columns = height // cell, width // cell
    small = np.zeros((rows, columns, 3), np.float32)
    for j in range(rows):
        for i in range(columns):
            for v in range(j * cell, (j + 1) * cell):
                for u in range(i * cell, (i + 1) * cell):
                    if glow[v, u] > 0.9:
                        for c in range(3):
                            small[j, i, c] += min(rgb[v, u, c], 3.0) / (cell * cell)
    wide = np.zeros((rows, columns, 3), np.float32)
    for j in range(rows):
        for i in range(columns):
            if small[j, i, 0] + small[j, i, 1] + small[j, i, 2] == 0.0:
                continue
            for dj in range(-4, 5):
                for di in range(-4, 5):
                    y, x = j + dj, i + di
                    if 0 <= y < rows and 0 <= x < columns:
                        k = np.exp(-0.22 * (dj * dj + di * di)) * 0.07
                        for c in range(3):
                            wide[y, x, c] += k * small[j, i, c]
    for v in range(height):
        fv = min(max((v + 0.5) / cell - 0.5, 0.0), rows - 1.001)
        j = int(fv)
        fv -= j
        for u in range(width):
            fu = min(max((u + 0.5) / cell - 0.5, 0.0), columns - 1.001)
            i = int(fu)
            fu -= i
            for c in range(3):
                low = wide[j, i, c] + (wide[j, i + 1, c] - wide[j, i, c]) * fu
                high = wide[j + 1, i, c] + (wide[j + 1, i + 1, c] - wide[j + 1, i, c]) * fu
                rgb[v, u, c] += strength * (low + (high - low) * fv)


@compiled
def rain(rgb: Array, bright: Number, seed: Number) -> None:
    """Draw the streaks of falling drops."""
    height, width = rgb.shape[:2]
    for n in range(width * height // 900):
        u = int(hash01(n, 1, seed) * width)
        v = int(hash01(n, 2, seed) * height)
        length = int((0.02 + 0.07 * hash01(n, 3, seed)) * height)
        k = 0.10 + 0.15 * hash01(n, 4, seed)
        for y in range(v, min(v + length, height)):
            for c in range(3):
                rgb[y, u, c] += k * (bright - 0.6 * rgb[y, u, c])


@compiled
def develop(rgb: Array, sensor: Array, curve: Array, seed: Number, out: Array) -> None:
    """
    Make the 8 bit image.

    :param rgb: (H, W, 3) linear light.
    :param out: (H, W, 3) uint8 is filled.
    """
    height, width = rgb.shape[:2]
    blur, saturation = sensor[5], sensor[3]
    gain = (sensor[1], 1.0, sensor[2])
    grain = 255.0 * sensor[4]
    limit = LEVELS - 1
    p = np.empty(3, np.float64)
    for v in range(height):
        above, below = max(v - 1, 0), min(v + 1, height - 1)
        y = (v - 0.5 * height) / (0.5 * width)
        for u in range(width):
            left, right = max(u - 1, 0), min(u + 1, width - 1)
            x = (u - 0.5 * width) / (0.5 * width)
            dark = sensor[0] * (1.0 - sensor[6] * 0.6 * (x * x + y * y))
            for c in range(3):
                q = rgb[above, u, c] + rgb[below, u, c] + rgb[v, left, c] + rgb[v, right, c]
                p[c] = (rgb[v, u, c] + blur * (q - 4.0 * rgb[v, u, c])) * dark * gain[c]
            gray = 0.3 * p[0] + 0.59 * p[1] + 0.11 * p[2]
            # Two hashes give six numbers of ten bits: brightness (a bell) and three colours.
            h = np.uint32(hash01(v * width + u, 1, seed) * 4294967295.0)
            common = 0.0018 * ((h & 1023) + ((h >> 10) & 1023) + ((h >> 20) & 1023) - 1534.5)
            h = np.uint32(hash01(v * width + u, 2, seed) * 4294967295.0)
            for c in range(3):
                q = max(gray + saturation * (p[c] - gray), 0.0)
                i = min(int(np.sqrt(q) * STEPS), limit)
                n = common + 0.0018 * (((h >> (10 * c)) & 1023) - 511.5)
                out[v, u, c] = min(max(curve[i] + grain * n + 0.5, 0.0), 255.0)
