# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a camera that is mounted rotated: upright for the network, as they came afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding import as_rgb, CameraImage
from segformer_ros.inference.results import Prediction


def upright(image: CameraImage, rotation: int) -> npt.NDArray[np.uint8]:
    """
    Turn an image clockwise.

    :param image: (H, W, 3) or (H, W), or as it came.
    :param rotation: 0, 90, 180 or 270 degrees.
    :returns: (W, H, 3) or (W, H) for 90 and 270, contiguous.
    """
    return np.ascontiguousarray(np.rot90(as_rgb(image), -rotation // 90))


def as_it_came(found: Prediction, rotation: int) -> Prediction:
    """
    Turn what was seen in an upright image back.

    Depth is along the optical axis, which a turn about it leaves as it is.

    :param rotation: What upright() was given.
    """
    names = ('labels', 'depth', 'confidence', 'relative', 'depth_confidence', 'top_classes')
    turned: dict[str, Any] = {
        name: np.ascontiguousarray(np.rot90(array, rotation // 90))
        for name in names
        if (array := getattr(found, name)) is not None
    }
    return replace(found, **turned)
