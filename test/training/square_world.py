# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A world of coloured squares, cheap enough to train on in a test."""

from types import SimpleNamespace

import numpy as np

IDS = (1, 11, 14)
_COLORS = {1: (90, 90, 90), 11: (150, 190, 250), 14: (200, 30, 30)}


def square_frame(seed, width, height):
    """Return a frame: sky above, road below, a car somewhere, nearer when larger."""
    rng = np.random.default_rng(seed)
    labels = np.full((height, width), 11, np.uint8)
    depth = np.full((height, width), np.inf, np.float32)
    rows = np.arange(height // 2, height)
    labels[rows] = 1
    depth[rows] = (height / (rows - height // 2 + 1))[:, None]
    size = int(rng.integers(height // 4, height // 2))
    top, left = height - size - 2, int(rng.integers(0, width - size))
    labels[top : top + size, left : left + size] = 14
    depth[top : top + size, left : left + size] = height / size
    image = np.zeros((height, width, 3), np.uint8)
    for number, color in _COLORS.items():
        image[labels == number] = color
    image += rng.integers(0, 6, image.shape, dtype=np.uint8)
    intrinsics = SimpleNamespace(fx=float(width) / 2.0)
    return SimpleNamespace(image=image, labels=labels, depth=depth, intrinsics=intrinsics)
