# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PNG as this package writes it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

# One filter for every row: choosing among five costs as much as compressing, and gains nothing on
# what is stored here. OpenCV before 4.12 knows no option for it, and chooses.
_UP, _SUB = 32, 16
_RLE, _DEFAULT = cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_STRATEGY_DEFAULT


def _options(filters: int, strategy: int) -> tuple[int, ...]:
    chosen = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, strategy)
    option = getattr(cv2, 'IMWRITE_PNG_FILTER', None)
    return chosen if option is None else (*chosen, option, filters)


# Runs are what class ids and pictures of them have; the low bytes of depth have none.
_BYTES, _NUMBERS = _options(_UP, _RLE), _options(_SUB, _DEFAULT)


def encode_png(image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """
    Encode a picture without loss.

    :param image: (H, W) uint8 or uint16, or (H, W, 3) RGB uint8.
    :raises ValueError: OpenCV cannot encode such an array.
    """
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    ok, data = cv2.imencode('.png', stored, _NUMBERS if stored.dtype == np.uint16 else _BYTES)
    if not ok:
        raise ValueError(f'cannot write a PNG of shape {image.shape} and type {image.dtype}')
    return data.tobytes()
