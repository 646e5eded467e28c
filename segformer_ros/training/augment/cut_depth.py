# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CutDepth: a strip of the depth in place of the image."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.training.augment.camera_look import as_bytes
from segformer_ros.training.augment.config import CutDepthConfig


def paste_depth(
    image: npt.NDArray[np.uint8],
    depth: npt.NDArray[np.float32],
    rng: np.random.Generator,
    config: CutDepthConfig,
) -> npt.NDArray[np.uint8]:
    """
    Replace a strip of full height, at least one column, by the depth in grey.

    Its left edge is anywhere; its width is up to config.width of what lies to the right.

    :param image: (H, W, 3) RGB, not changed.
    :param depth: (H, W) metres, NaN where unknown.
    """
    columns = image.shape[1]
    left = int(rng.uniform() * columns)
    wide = max(1, int((columns - left) * rng.uniform() * config.width))
    strip = np.s_[:, left : left + wide]
    metres = np.minimum(np.nan_to_num(depth[strip], nan=0.0), config.max_depth_m)
    grey = cv2.convertScaleAbs(np.ascontiguousarray(metres), alpha=255.0 / config.max_depth_m)
    result = image.copy()
    result[strip] = as_bytes(grey)[..., None]
    return result
