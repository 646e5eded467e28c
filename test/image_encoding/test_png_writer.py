# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PNG files without loss, by one filter and one strategy for each kind of picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from segformer_ros.image_encoding import encode_png
from segformer_ros.world import random_frame


def _pictures() -> dict[str, np.ndarray]:
    frame = random_frame(3, 320, 200)
    random = np.random.default_rng(1)
    return {
        'labels': frame.labels,
        'depth': (np.nan_to_num(frame.depth, posinf=0.0).clip(0, 65) * 1000).astype(np.uint16),
        'colours': frame.image,
        'noise': random.integers(0, 2**16, (65, 33)).astype(np.uint16),
        'noisy bytes': random.integers(0, 256, (33, 65)).astype(np.uint8),
        'one pixel': np.array([[7]], np.uint8),
    }


@pytest.mark.parametrize('name', list(_pictures()))
def test_every_pixel_comes_back(name: str) -> None:
    """Whatever is compressed is read back bit for bit, with its type."""
    picture = _pictures()[name]
    back = cv2.imdecode(np.frombuffer(encode_png(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    back = back[..., ::-1] if picture.ndim == 3 else back
    assert back.dtype == picture.dtype
    np.testing.assert_array_equal(back, picture)


@pytest.mark.skipif(not hasattr(cv2, 'IMWRITE_PNG_FILTER'), reason='OpenCV chooses the filters')
def test_labels_become_smaller_than_by_the_choice_of_the_library() -> None:
    """Label images are smaller than by OpenCV's own choice of filters at level 2."""
    labels = _pictures()['labels']
    former = cv2.imencode('.png', labels, (cv2.IMWRITE_PNG_COMPRESSION, 2))[1]
    assert len(encode_png(labels)) < len(former)


def test_two_channels_are_refused() -> None:
    """What has neither one nor three channels is an error."""
    with pytest.raises((ValueError, cv2.error)):
        encode_png(np.zeros((2, 2, 2), np.uint8))
