# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels and depth read back from image messages."""

from types import SimpleNamespace

import numpy as np
import pytest
from segformer_ros import carla, result_images
from segformer_ros.labels import SHIFT_23, VOID


def _message(encoding, pixels, *, padding=0, is_bigendian=0):
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return SimpleNamespace(
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=rows.shape[1],
        data=rows.tobytes(),
    )


@pytest.mark.parametrize('padding', [0, 3])
def test_labels_come_back(padding):
    """Padding at the end of the rows is not part of the image."""
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    message = _message('mono8', labels, padding=padding)
    np.testing.assert_array_equal(result_images.labels_from_message(message), labels)


@pytest.mark.parametrize('padding', [0, 4])
def test_depth_in_metres_comes_back(padding):
    """NaN stays NaN."""
    depth = np.array([[1.5, np.nan], [80.0, 0.25]], np.float32)
    message = _message('32FC1', depth, padding=padding)
    np.testing.assert_array_equal(result_images.depth_from_message(message), depth)


@pytest.mark.parametrize(('order', 'is_bigendian'), [('<', 0), ('>', 1)])
def test_depth_in_millimetres_becomes_metres(order, is_bigendian):
    """Zero millimetres mean that the depth is unknown."""
    message = _message('16UC1', np.array([[1500, 0]], f'{order}u2'), is_bigendian=is_bigendian)
    depth = result_images.depth_from_message(message)
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, np.array([[1.5, np.nan]], np.float32))


def test_true_labels_come_back_from_their_colours():
    """Both channel orders of the colours are read."""
    labels = np.array([[14, 11, 24]], np.uint8)
    bgra = carla.encode_labels(labels)
    for encoding, pixels in (('bgra8', bgra), ('rgb8', bgra[..., 2::-1].copy())):
        truth = result_images.true_labels_from_message(_message(encoding, pixels))
        np.testing.assert_array_equal(truth.labels, labels)
        assert sum(truth.unknown.values()) == 0


def test_true_labels_of_the_simulator_itself_are_in_red():
    """Its images carry the same encoding as the coloured ones: the user has to say which."""
    labels = np.array([[14, 11, 40]], np.uint8)
    message = _message('bgra8', carla.encode_tags(labels))
    truth = result_images.true_labels_from_message(message, coding='native')
    assert truth.labels.tolist() == [[14, 11, VOID]]
    assert truth.unknown == {'tag 40': 1}
    with pytest.raises(ValueError, match='bridge, native'):
        result_images.true_labels_from_message(message, coding='ros')


def test_true_labels_follow_the_table_of_the_simulator():
    """A fence has another id and another colour before 0.9.14."""
    bgra = carla.encode_labels(np.array([[2]], np.uint8), SHIFT_23)
    message = _message('bgra8', bgra)
    assert result_images.true_labels_from_message(message, SHIFT_23).labels.tolist() == [[2]]
    assert result_images.true_labels_from_message(message).unknown == {'color 100 40 40': 1}


def test_a_colour_of_no_class_is_void():
    """Truth that is not known is not guessed."""
    bgra = np.full((1, 2, 4), 77, np.uint8)
    truth = result_images.true_labels_from_message(_message('bgra8', bgra))
    assert truth.labels.tolist() == [[VOID, VOID]]
    assert sum(truth.unknown.values()) == 2


def test_true_depth_of_the_sky_is_infinite():
    """The bridge publishes the far plane there."""
    message = _message('32FC1', np.array([[1000.0, 12.0]], np.float32))
    depth = result_images.true_depth_from_message(message)
    np.testing.assert_array_equal(depth, np.array([[np.inf, 12.0]], np.float32))


def test_true_depth_of_the_simulator_itself_is_read_from_its_code():
    """The same topic carries 24 bits instead of metres."""
    message = _message('bgra8', carla.encode_depth_code(np.array([[1000.0, 12.0]], np.float32)))
    depth = result_images.true_depth_from_message(message)
    np.testing.assert_allclose(depth, [[np.inf, 12.0]], atol=3e-5)


@pytest.mark.parametrize(
    ('read', 'encoding'),
    [
        (result_images.labels_from_message, 'rgb8'),
        (result_images.labels_from_message, '16UC1'),
        (result_images.depth_from_message, 'mono8'),
        (result_images.true_labels_from_message, '32FC1'),
    ],
)
def test_another_encoding_is_refused(read, encoding):
    """Bytes of another meaning are never read as labels or depth."""
    with pytest.raises(ValueError, match=encoding):
        read(_message(encoding, np.zeros((2, 6), np.uint8)))


@pytest.mark.parametrize('change', [{'step': 3}, {'height': 3}, {'width': 0}, {'data': b''}])
def test_a_message_that_contradicts_itself_is_refused(change):
    """No wrong image is ever made of it."""
    message = _message('mono8', np.zeros((2, 4), np.uint8))
    vars(message).update(change)
    with pytest.raises(ValueError, match='cannot have'):
        result_images.labels_from_message(message)
