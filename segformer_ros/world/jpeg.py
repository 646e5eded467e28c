# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loss of JPEG (ITU-T T.81): cosines of blocks, rounded; colours at half the resolution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled

# Annex K.1 of T.81, for quality 50 in the scale of the Independent JPEG Group.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)


def _table(base: tuple[tuple[int, ...], ...], quality: int) -> npt.NDArray[np.float32]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = np.clip((np.array(base) * scale + 50) // 100, 1, 255)
    return table.astype(np.float32)


def _cosines() -> npt.NDArray[np.float32]:
    """Return the matrix of the cosine transform of eight numbers."""
    k, n = np.mgrid[0:8, 0:8]
    basis = 0.5 * np.cos((2 * n + 1) * k * np.pi / 16.0)
    basis[0] *= np.sqrt(0.5)
    matrix: npt.NDArray[np.float32] = basis.astype(np.float32)
    return matrix


def compress(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """
    Return an image as it is after JPEG with colours at half the resolution.

    :param image: (H, W, 3).
    :param quality: 1 to 100.
    """
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 16), (0, -width % 16), (0, 0)), mode='edge')
    rgb = padded.astype(np.float32)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    cosines = _cosines()
    round_blocks(luma, _table(_LUMA, quality), cosines)
    chroma = []
    for other, scale in ((blue, 0.564), (red, 0.713)):
        # The difference to the true luma, at half the resolution.
        own = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
        plane = np.float32(scale) * (other - own)
        small = 0.25 * (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2])
        small = small.astype(np.float32)
        round_blocks(small, _table(_CHROMA, quality), cosines)
        chroma.append(small.repeat(2, axis=0).repeat(2, axis=1))
    out = np.empty_like(rgb)
    out[..., 0] = luma + np.float32(1.402) * chroma[1]
    out[..., 1] = luma - np.float32(0.344) * chroma[0] - np.float32(0.714) * chroma[1]
    out[..., 2] = luma + np.float32(1.772) * chroma[0]
    lossy: npt.NDArray[np.uint8] = np.clip(out + 0.5, 0.0, 255.0).astype(np.uint8)
    return lossy[:height, :width]


@compiled
def round_blocks(plane: Array, table: Array, cosines: Array) -> None:
    """
    Round the cosine transform of each block of 8x8 to multiples of a table, in place.

    :param plane: (H, W) float32, both multiples of 8.
    """
    across = np.ascontiguousarray(cosines.T)
    block = np.empty((8, 8), np.float32)
    half = np.empty((8, 8), np.float32)
    for top in range(0, plane.shape[0], 8):
        for left in range(0, plane.shape[1], 8):
            half[:] = 0.0
            block[:] = 0.0
            for i in range(8):
                for n in range(8):
                    for j in range(8):
                        half[i, j] += cosines[i, n] * plane[top + n, left + j]
            for i in range(8):
                for n in range(8):
                    for j in range(8):
                        block[i, j] += half[i, n] * across[n, j]
            for i in range(8):
                for j in range(8):
                    block[i, j] = np.rint(block[i, j] / table[i, j]) * table[i, j]
            half[:] = 0.0
            for i in range(8):
                for n in range(8):
                    for j in range(8):
                        half[i, j] += across[i, n] * block[n, j]
            for i in range(8):
                for j in range(8):
                    plane[top + i, left + j] = 0.0
                for n in range(8):
                    for j in range(8):
                        plane[top + i, left + j] += half[i, n] * cosines[n, j]
