# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Noise for procedural textures: two tiles that repeat without a seam."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, inlined, Number

SIZE = 256


def _lattice(cells: int, seed: int) -> npt.NDArray[np.float64]:
    rows, columns = np.mgrid[0:cells, 0:cells].astype(np.uint64)
    n = rows * np.uint64(374761393) + columns * np.uint64(668265263) + np.uint64(seed * 2654435761)
    n &= np.uint64(0xFFFFFFFF)
    for shift, factor in ((13, 1274126177), (16, 2246822519), (15, 3266489917)):
        n = ((n ^ (n >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    n ^= n >> np.uint64(16)
    values: npt.NDArray[np.float64] = n.astype(np.float64) / 4294967295.0
    return values


def _octave(cells: int, seed: int) -> npt.NDArray[np.float64]:
    corners = _lattice(cells, seed)
    at = np.arange(SIZE) * (cells / SIZE)
    low = np.floor(at).astype(np.int64)
    part = at - low
    part = part * part * (3.0 - 2.0 * part)
    high = (low + 1) % cells
    rows = corners[low] * (1.0 - part)[:, None] + corners[high] * part[:, None]
    values: npt.NDArray[np.float64] = rows[:, low] * (1.0 - part) + rows[:, high] * part
    return values


@lru_cache(maxsize=1)
def tiles() -> npt.NDArray[np.float32]:
    """
    Make the noise tiles.

    :returns: (2, 256, 256) in 0..1: smooth clouds of four octaves (16 cells wide), and grain.
    """
    cloud = np.zeros((SIZE, SIZE))
    for i in range(4):
        cloud += _octave(16 << i, 11 + i) * 0.5**i
    cloud = np.clip(0.5 + (cloud - cloud.mean()) / (5.0 * cloud.std()), 0.0, 1.0)
    return np.stack([cloud, _lattice(SIZE, 5)]).astype(np.float32)


@inlined
def noise(noises: Array, k: Number, u: Number, v: Number) -> Number:
    """Sample tile k at (u, v) texels, bilinearly."""
    iu = int(np.floor(u))
    iv = int(np.floor(v))
    fu = u - iu
    fv = v - iv
    a = iu & 255
    b = (iu + 1) & 255
    c = iv & 255
    d = (iv + 1) & 255
    low = noises[k, c, a] + (noises[k, c, b] - noises[k, c, a]) * fu
    high = noises[k, d, a] + (noises[k, d, b] - noises[k, d, a]) * fu
    return low + (high - low) * fv


@inlined
def hash01(a: Number, b: Number, c: Number) -> Number:
    """Hash three integers to a number in 0..1."""
    n = np.uint32(a) * np.uint32(374761393) + np.uint32(b) * np.uint32(668265263)
    n = np.uint32(n + np.uint32(c) * np.uint32(2246822519))
    n = np.uint32((n ^ (n >> np.uint32(15))) * np.uint32(1274126177))
    n = np.uint32((n ^ (n >> np.uint32(13))) * np.uint32(3266489917))
    n = np.uint32(n ^ (n >> np.uint32(16)))
    return n * 2.3283064365386963e-10
