# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ground truth in the coding of the CARLA ROS bridge."""

import numpy as np
import pytest
from segformer_ros import carla
from segformer_ros.labels import CARLA_0914, LABEL_SETS, VOID


@pytest.mark.parametrize('label_set', LABEL_SETS.values(), ids=lambda item: item.name)
def test_labels_survive_the_colours(label_set):
    """Every class comes back from its colour, so no two classes share one."""
    labels = np.array([label_set.ids], np.uint8)

    decoded, unknown = carla.decode_labels(carla.encode_labels(labels, label_set), label_set)

    np.testing.assert_array_equal(decoded, labels)
    assert unknown == 0


def test_colours_are_blue_first_with_full_alpha():
    """The bridge publishes bgra8; a car is (0, 0, 142) in red, green, blue."""
    car = CARLA_0914.by_name('car').id

    coded = carla.encode_labels(np.array([[car]], np.uint8))

    assert coded.dtype == np.uint8
    assert coded.tolist() == [[[142, 0, 0, 255]]]


def test_a_foreign_colour_is_void_and_counted():
    """A colour that no class has says nothing about the class."""
    coded = carla.encode_labels(np.array([[1, 11, 14]], np.uint8))
    coded[0, 1, 0] += 1

    decoded, unknown = carla.decode_labels(coded)

    assert decoded.tolist() == [[1, VOID, 14]]
    assert unknown == 1


def test_three_channels_do_as_well():
    """The alpha channel carries nothing."""
    coded = carla.encode_labels(np.array([[24, 13]], np.uint8))
    assert carla.decode_labels(coded[..., :3])[0].tolist() == [[24, 13]]


def test_another_shape_is_refused():
    """A mono image holds no colours."""
    with pytest.raises(ValueError, match=r'got shape \(2, 2\)'):
        carla.decode_labels(np.zeros((2, 2), np.uint8))


def test_sky_depth_is_a_thousand_metres_and_back():
    """The far plane of CARLA is at 1000 m."""
    depth = np.array([[0.5, 80.25, np.inf]], np.float32)

    coded = carla.encode_depth(depth)

    assert coded.dtype == np.float32
    assert coded.tolist() == [[0.5, 80.25, 1000.0]]
    np.testing.assert_array_equal(carla.decode_depth(coded), depth)
