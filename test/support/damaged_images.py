# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files, and the ways in which files lose a part."""

from __future__ import annotations

import cv2
import numpy as np


def picture(height=192, width=320, seed=0):
    """Make a picture with edges and noise, so that every part of a file tells: (H, W, 3) BGR."""
    random = np.random.default_rng(seed)
    blocks = random.integers(40, 216, (-(-height // 16), -(-width // 16), 3), np.uint8)
    image = blocks.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    return (image + random.integers(0, 32, image.shape)).astype(np.uint8)


def encoded(image, extension='.jpg', *options):
    """Encode an image; three channels are in the order of OpenCV."""
    done, data = cv2.imencode(extension, image, options)
    assert done
    return data.tobytes()


def with_hole(file, size=2000):
    """Leave bytes in the middle out; start and end stay."""
    middle = len(file) // 2
    return file[:middle] + file[middle + size :]


def with_zeros(file, size=2000):
    """Overwrite bytes in the middle."""
    middle = len(file) // 2
    return file[:middle] + bytes(size) + file[middle + size :]
