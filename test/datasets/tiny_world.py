# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A world that is rendered in no time: a car on a road under the sky."""

from types import SimpleNamespace

import numpy as np
from segformer_ros.camera import Intrinsics


def random_frame(seed, width, height):
    """Return a frame of a seed, as segformer_ros.world does."""
    rng = np.random.default_rng(seed)
    labels = np.full((height, width), 11, np.uint8)
    depth = np.full((height, width), np.inf, np.float32)
    half = height // 2
    labels[half:] = 1
    depth[half:] = (height / np.arange(1, height - half + 1))[:, None]
    left = int(rng.integers(0, width - 4))
    labels[half : half + 4, left : left + 4] = 14
    depth[half : half + 4, left : left + 4] = rng.uniform(3.0, 30.0)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    focal = 0.5 * width / rng.uniform(0.5, 1.2)
    intrinsics = Intrinsics(focal, focal, 0.5 * (width - 1), 0.5 * (height - 1), width, height)
    return SimpleNamespace(image=image, labels=labels, depth=depth, intrinsics=intrinsics)
