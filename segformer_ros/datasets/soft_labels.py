# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Several classes of each pixel with their probabilities, as one grey image that any tool reads.

The image has 2 k times the height: k images of class ids, the most probable first, then k images
of their probabilities times 255, each below the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.sample import DatasetError

Image = npt.NDArray[np.uint8]


def stacked(soft_labels: Image) -> Image:
    """Return (H, W, 2 k), as of Sample, as an image of (2 k H, W)."""
    height, width, count = soft_labels.shape
    return np.ascontiguousarray(np.moveaxis(soft_labels, -1, 0)).reshape(count * height, width)


def unstacked(codes: npt.NDArray[Any], shape: tuple[int, ...], where: str) -> Image:
    """
    Return what was stacked.

    :param shape: Of the image that it belongs to: height, width and perhaps more.
    :param where: What to call it in messages.
    :returns: (H, W, 2 k).
    :raises DatasetError: It is of another size or depth.
    """
    height, width = shape[:2]
    fits = codes.dtype == np.uint8 and codes.ndim == 2 and codes.shape[1] == width
    if not fits or codes.shape[0] % (2 * height) or not codes.shape[0]:
        raise DatasetError(
            f'expected one channel of 8 bits, {width} pixels wide and a multiple of {2 * height} '
            f'high in {where}, found {codes.dtype} of shape {codes.shape}'
        )
    return np.ascontiguousarray(np.moveaxis(codes.reshape(-1, height, width), 0, -1))
