# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The golden input of a bundle, and the file that keeps its expected outputs."""

from __future__ import annotations

from collections.abc import Mapping
import io
from pathlib import Path
from typing import Any
import zipfile

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle.errors import BundleError

FloatArray = npt.NDArray[np.float32]

_BLOCK_PX = 32
_NOISE = 24


def golden_image(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """
    Make the image that a bundle is checked with: smooth blobs of colour under noise.

    Only integer arithmetic, so every machine and every numpy gives the same bytes.

    :returns: (height, width, 3) RGB.
    :raises ValueError: A size is below one pixel or the seed is negative.
    """
    if height < 1 or width < 1 or seed < 0:
        raise ValueError(f'expected a size and a seed, got {height}x{width} and {seed}')
    rows, columns = np.arange(height, dtype=np.int64), np.arange(width, dtype=np.int64)
    grid = _hash(seed, -(-height // _BLOCK_PX) + 1, -(-width // _BLOCK_PX) + 1) >> np.uint64(56)
    corners = grid.astype(np.int64)
    top, left = rows // _BLOCK_PX, columns // _BLOCK_PX
    down, right = (rows % _BLOCK_PX)[:, None, None], (columns % _BLOCK_PX)[None, :, None]
    upper = corners[top][:, left] * (_BLOCK_PX - right) + corners[top][:, left + 1] * right
    lower = corners[top + 1][:, left] * (_BLOCK_PX - right) + corners[top + 1][:, left + 1] * right
    smooth = (upper * (_BLOCK_PX - down) + lower * down) // (_BLOCK_PX * _BLOCK_PX)
    noise = (_hash(seed + 1, height, width) % np.uint64(2 * _NOISE + 1)).astype(np.int64) - _NOISE
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def pack_golden(outputs: Mapping[str, FloatArray]) -> bytes:
    """
    Make the file of expected outputs.

    :param outputs: The raw outputs of the network for its golden image, by name: (1, C, h, w).
    """
    file = io.BytesIO()
    # numpy 1 would take allow_pickle for one more array; float32 is never pickled.
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(value, np.float32) for name, value in outputs.items()
    }
    np.savez(file, **arrays)
    return file.getvalue()


def unpack_golden(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """
    Read a file of expected outputs.

    :param shapes: The shape that each output must have.
    :raises BundleError: The file is damaged or does not hold these outputs.
    """
    do = 'export the network again'
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            outputs = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        found = f'a file that cannot be read ({type(error).__name__})'
        raise BundleError(path, expected='expected outputs', found=found, do=do) from error
    found_shapes = {name: value.shape for name, value in outputs.items()}
    if found_shapes != dict(shapes):
        expected, found = f'outputs of shapes {dict(shapes)}', str(found_shapes)
        raise BundleError(path, expected=expected, found=found, do=do)
    for name, value in outputs.items():
        if value.dtype != np.float32 or not np.isfinite(value).all():
            expected, found = f'finite float32 {name}', f'others of type {value.dtype}'
            raise BundleError(path, expected=expected, found=found, do=do)
    return outputs


def _hash(seed: int, height: int, width: int) -> npt.NDArray[np.uint64]:
    """Mix a counter as SplitMix64 does; (height, width, 3) random bits."""
    start = seed * 0x9E3779B97F4A7C15 % 2**64
    counter = np.arange(height * width * 3, dtype=np.uint64)
    value = (counter + np.uint64(start)) * np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (value ^ (value >> np.uint64(31))).reshape(height, width, 3)
