# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ground truth in the codings of CARLA and of its ROS bridge."""

import numpy as np
import pytest
from segformer_ros import carla
from segformer_ros.labels import CARLA_010, CARLA_0914, CITYSCAPES_34, SHIFT_23, VOID

TABLES = carla.TAG_TABLES.values()
STEP_M = 1000.0 / (2**24 - 1)


@pytest.mark.parametrize('label_set', TABLES, ids=lambda item: item.name)
def test_every_class_survives_the_colours(label_set):
    """Every class comes back from its colour, so no two classes share one."""
    labels = np.array([label_set.ids], np.uint8)

    decoded = carla.decode_labels(carla.encode_labels(labels, label_set), label_set)

    np.testing.assert_array_equal(decoded.labels, labels)
    assert decoded.unknown == {}


@pytest.mark.parametrize('label_set', TABLES, ids=lambda item: item.name)
def test_every_class_survives_the_red_channel(label_set):
    """The simulator itself publishes tags; 255 is its 'any' and no class."""
    labels = np.array([[*label_set.ids, VOID]], np.uint8)

    decoded = carla.decode_tags(carla.encode_tags(labels), label_set)

    np.testing.assert_array_equal(decoded.labels, labels)
    assert decoded.unknown == {'tag 255': 1}


def test_colours_are_blue_first_with_full_alpha():
    """The bridge publishes bgra8; a car is (0, 0, 142) in red, green, blue."""
    car = CARLA_0914.by_name('car').id

    coded = carla.encode_labels(np.array([[car]], np.uint8))

    assert coded.dtype == np.uint8
    assert coded.tolist() == [[[142, 0, 0, 255]]]


def test_a_foreign_colour_is_void_and_named():
    """A colour that no class has says nothing about the class, however near it is."""
    coded = carla.encode_labels(np.array([[1, 11, 14, 11]], np.uint8))
    coded[0, 1::2, 0] += 1

    decoded = carla.decode_labels(coded)

    assert decoded.labels.tolist() == [[1, VOID, 14, VOID]]
    assert decoded.unknown == {'color 70 130 181': 2}


def test_the_palette_of_another_version_is_noticed():
    """Classes that only the newer tables have do not turn into older ones."""
    truck = CARLA_0914.by_name('truck').id
    coded = carla.encode_labels(np.array([[truck]], np.uint8))
    assert carla.decode_labels(coded, SHIFT_23).unknown == {'color 0 0 70': 1}
    rock = carla.encode_labels(np.array([[29]], np.uint8), CARLA_010)
    assert carla.decode_labels(rock, CARLA_0914).unknown == {'color 180 130 70': 1}


def test_many_unknown_colours_are_counted_in_sum():
    """A camera image in the place of the truth does not fill the report."""
    noise = np.zeros((1, 40, 3), np.uint8)
    noise[0, :, 0] = 1
    noise[0, :, 1] = np.arange(40)

    unknown = carla.decode_labels(noise).unknown

    assert len(unknown) == 17
    assert unknown['other'] == 24
    assert sum(unknown.values()) == 40


def test_three_channels_do_as_well():
    """The alpha channel carries nothing."""
    labels = np.array([[24, 13]], np.uint8)
    assert carla.decode_labels(carla.encode_labels(labels)[..., :3]).labels.tolist() == [[24, 13]]
    assert carla.decode_tags(carla.encode_tags(labels)[..., :3]).labels.tolist() == [[24, 13]]
    code = carla.encode_depth_code(np.array([[3.5]], np.float32))
    assert carla.decode_depth_code(code[..., :3]) == pytest.approx(3.5, abs=STEP_M)


@pytest.mark.parametrize(
    'decode', [carla.decode_labels, carla.decode_tags, carla.decode_depth_code]
)
def test_another_shape_is_refused(decode):
    """A mono image holds no colours."""
    with pytest.raises(ValueError, match=r'got shape \(2, 2\)'):
        decode(np.zeros((2, 2), np.uint8))


def test_a_palette_with_shared_colours_cannot_be_read():
    """Four classes of Cityscapes are black."""
    with pytest.raises(ValueError, match='cityscapes_34 share a colour'):
        carla.decode_labels(np.zeros((1, 1, 3), np.uint8), CITYSCAPES_34)


def test_sky_depth_is_a_thousand_metres_and_back():
    """The far plane of CARLA is at 1000 m."""
    depth = np.array([[0.5, 80.25, np.inf]], np.float32)

    coded = carla.encode_depth(depth)

    assert coded.dtype == np.float32
    assert coded.tolist() == [[0.5, 80.25, 1000.0]]
    np.testing.assert_array_equal(carla.decode_depth(coded), depth)


@pytest.mark.parametrize(
    ('bgr', 'expected'),
    [
        ((0, 0, 0), 0.0),
        ((0, 0, 1), STEP_M),
        ((0, 1, 0), 256 * STEP_M),
        ((1, 0, 0), 65536 * STEP_M),
        ((255, 255, 254), 1000.0 - STEP_M),
        ((255, 255, 255), np.inf),
    ],
)
def test_the_depth_code_has_its_lowest_bits_in_red(bgr, expected):
    """R + 256 G + 65536 B is the share of 1000 m in steps of 1 / (2^24 - 1)."""
    pixel = np.array([[bgr]], np.uint8)
    assert carla.decode_depth_code(pixel)[0, 0] == np.float32(expected)
    if np.isfinite(expected):
        coded = carla.encode_depth_code(np.array([[expected]]))
        assert tuple(coded[0, 0, :3]) == bgr


def test_depth_survives_its_code_within_half_a_step():
    """Up to 80 m the rounding to float32 is far below a step."""
    depth = np.random.default_rng(0).uniform(0.0, 80.0, (32, 32))
    back = carla.decode_depth_code(carla.encode_depth_code(depth))
    assert back.dtype == np.float32
    assert np.abs(back - depth).max() <= STEP_M / 2 + 4e-6


@pytest.mark.parametrize('depth', [-1.0, np.nan])
def test_depth_without_a_code_is_refused(depth):
    """There is no code for unknown."""
    with pytest.raises(ValueError, match='0 m or more'):
        carla.encode_depth_code(np.array([[depth]], np.float32))
