# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PNG as this package writes it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def encode_png(image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """
    Encode a picture without loss.

    :param image: (H, W) uint8 or uint16, or (H, W, 3) RGB uint8.
    :raises ValueError: OpenCV cannot encode such an array.
    """
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    ok, data = cv2.imencode('.png', stored, (cv2.IMWRITE_PNG_COMPRESSION, 2))
    if not ok:
        raise ValueError(f'cannot write a PNG of shape {image.shape} and type {image.dtype}')
    return data.tobytes()
