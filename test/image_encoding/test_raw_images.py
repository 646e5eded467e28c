# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images that are handed on as they came."""

from array import array

import numpy as np
import pytest
from segformer_ros.image_encoding import (
    as_rgb,
    decode,
    EncodingError,
    raw,
    RAW_ENCODINGS,
    RawImage,
    SUPPORTED,
)

HEIGHT, WIDTH = 6, 8


def _message(encoding, padding=0):
    """Return the bytes and the fields of a random image."""
    step = WIDTH * len(encoding[:-1]) + padding
    data = np.random.default_rng(1).integers(0, 256, HEIGHT * step, np.uint8).tobytes()
    return data, {'encoding': encoding, 'height': HEIGHT, 'width': WIDTH, 'step': step}


@pytest.mark.parametrize('encoding', RAW_ENCODINGS)
@pytest.mark.parametrize('padding', [0, 5])
def test_a_raw_image_is_a_view_and_as_rgb_what_decode_gives(encoding, padding):
    """The bytes of the message are neither copied nor converted before somebody asks."""
    data, fields = _message(encoding, padding)
    content = array('B', data)
    image = raw(content, **fields)
    assert np.shares_memory(image.pixels, np.frombuffer(content, np.uint8))
    channels = len(encoding[:-1])
    assert image.shape == (HEIGHT, WIDTH, channels)
    rows = np.frombuffer(data, np.uint8).reshape(HEIGHT, fields['step'])
    np.testing.assert_array_equal(image.pixels.reshape(HEIGHT, -1), rows[:, : WIDTH * channels])
    assert 'rgb' not in vars(image)
    found, expected = as_rgb(image), decode(data, **fields)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert as_rgb(image) is found
    assert as_rgb(expected) is expected


@pytest.mark.parametrize('encoding', sorted(set(SUPPORTED) - set(RAW_ENCODINGS)))
def test_other_encodings_have_no_raw_image(encoding):
    """They are decoded."""
    with pytest.raises(EncodingError, match='raw encoding must be one of rgb8, bgr8'):
        raw(b'\0' * 96, encoding=encoding, height=4, width=4, step=6)


@pytest.mark.parametrize('change', [{'step': 23}, {'height': 7}, {'width': 0}, {'step': 25}])
def test_what_decode_refuses_is_refused(change):
    """With the same words, and before anything is handed on."""
    data, fields = _message('bgr8')
    fields |= change
    with pytest.raises(EncodingError) as expected:
        decode(data, **fields)
    with pytest.raises(EncodingError) as found:
        raw(data, **fields)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize(
    ('pixels', 'encoding'),
    [
        (np.zeros((4, 4, 3), np.uint8), 'bgra8'),
        (np.zeros((4, 4, 3), np.float32), 'bgr8'),
        (np.zeros((4, 4), np.uint8), 'rgb8'),
        (np.zeros((0, 4, 3), np.uint8), 'rgb8'),
        (np.zeros((4, 4, 3), np.uint8), 'yuyv'),
    ],
)
def test_pixels_that_are_not_of_the_encoding_are_refused(pixels, encoding):
    """Nobody could convert them."""
    with pytest.raises(EncodingError, match=r'raw encoding must be|expected'):
        RawImage(pixels, encoding)
