# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images as input of the network."""

import numpy as np
import pytest
from segformer_ros.inference.preprocess import (
    check_image,
    fit,
    Geometry,
    lookup_table,
    prepare,
    prepare_bytes,
)

SIZES = [(256, 512), (288, 512), (320, 512)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ('image_hw', 'input_hw', 'resized_hw'),
    [
        ((800, 1280), (320, 512), (320, 512)),
        ((720, 1280), (288, 512), (288, 512)),
        ((512, 1024), (256, 512), (256, 512)),
        ((480, 640), (320, 512), (320, 427)),
        ((375, 1242), (256, 512), (155, 512)),
        ((3000, 4000), (320, 512), (320, 427)),
        ((3, 5), (320, 512), (307, 512)),
        ((1, 1), (320, 512), (320, 320)),
        ((1, 4000), (256, 512), (1, 512)),
        ((4000, 1), (320, 512), (320, 1)),
    ],
)
def test_the_size_of_the_nearest_aspect_ratio_is_filled(image_hw, input_hw, resized_hw):
    """The whole image lies in the input and touches it in one direction."""
    assert fit(image_hw, SIZES) == Geometry(*image_hw, *input_hw, *resized_hw)


def test_the_first_of_equal_aspect_ratios_is_taken():
    """The order in the manifest says which size is preferred."""
    assert fit((480, 960), [(512, 1024), (256, 512)]).input_w == 1024
    assert fit((480, 960), [(256, 512), (512, 1024)]).input_w == 512


def test_the_scale_is_that_of_the_focal_length():
    """Half as many pixels across mean half the focal length in pixels."""
    assert fit((512, 1024), SIZES).scale == 0.5


@pytest.mark.parametrize(('image_hw', 'sizes'), [((0, 5), SIZES), ((5, 0), SIZES), ((5, 5), [])])
def test_empty_images_and_sizes_are_refused(image_hw, sizes):
    """An empty image or no input size is the caller's mistake."""
    with pytest.raises(ValueError, match='expected an image and input sizes'):
        fit(image_hw, sizes)


def test_the_planes_are_the_normalised_pixels():
    """Without a resize the input is (pixel / 255 - mean) / std to float32 rounding."""
    image = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    planes = np.full((3, 64, 128), np.nan, np.float32)

    prepare(image, fit((64, 128), [(64, 128)]), lookup_table(MEAN, STD), planes)

    expected = (image / 255.0 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(planes, expected.transpose(2, 0, 1), atol=2e-7)


def test_the_padding_is_the_mean_colour():
    """Right of the image and below it are zeros, also in a buffer that was used before."""
    image = np.full((10, 10, 3), 255, np.uint8)
    planes = np.full((3, 32, 64), np.nan, np.float32)

    prepare(image, fit((10, 10), [(32, 64)]), lookup_table(MEAN, STD), planes)

    assert (planes[:, :, 32:] == 0.0).all()
    assert (planes[:, :, :32] > 1.0).all()
    prepare(image, fit((5, 20), [(32, 64)]), lookup_table(MEAN, STD), planes)
    assert (planes[:, 16:] == 0.0).all()


@pytest.mark.parametrize('image_hw', [(64, 128), (37, 91)])
def test_one_channel_is_repeated(image_hw):
    """A grey image and its three equal channels give the same input."""
    gray = np.random.default_rng(0).integers(0, 256, image_hw, np.uint8)
    geometry, table = fit(image_hw, [(64, 128)]), lookup_table(MEAN, STD)
    single, triple = np.empty((3, 64, 128), np.float32), np.empty((3, 64, 128), np.float32)

    prepare(gray, geometry, table, single)
    prepare(np.repeat(gray[..., None], 3, axis=2), geometry, table, triple)

    np.testing.assert_array_equal(single, triple)


@pytest.mark.parametrize(
    ('view', 'name'),
    [
        (lambda image: image[::2, ::-1], 'strided'),
        (lambda image: image[..., ::-1], 'reversed channels'),
        (lambda image: image.transpose(1, 0, 2), 'transposed'),
    ],
)
def test_views_are_taken_as_they_are(view, name):
    """Strides do not matter, nor does a read-only array."""
    image = view(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    image.flags.writeable = False
    copy = np.ascontiguousarray(image)
    geometry, table = fit(image.shape[:2], [(64, 128)]), lookup_table(MEAN, STD)
    found, expected = np.empty((3, 64, 128), np.float32), np.empty((3, 64, 128), np.float32)

    prepare(check_image(image), geometry, table, found)
    prepare(copy, geometry, table, expected)

    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('image_hw', [(64, 128), (37, 91), (5, 20), (300, 40)])
@pytest.mark.parametrize('channels', [(), (3,)])
def test_bytes_are_those_that_the_planes_are_made_of(image_hw, channels):
    """The bytes, normalised, are the planes; the padding has the given colour."""
    image = np.random.default_rng(0).integers(0, 256, image_hw + channels, np.uint8)
    geometry, table = fit(image_hw, [(64, 128)]), lookup_table(MEAN, STD)
    planes = np.empty((3, 64, 128), np.float32)
    content = np.random.default_rng(1).integers(0, 256, (64, 128, 3), np.uint8)

    prepare(image, geometry, table, planes)
    prepare_bytes(image, geometry, (124, 116, 104), content)

    inside = slice(geometry.resized_h), slice(geometry.resized_w)
    for channel, color in enumerate((124, 116, 104)):
        values = content[..., channel]
        np.testing.assert_array_equal(table[channel][values[inside]], planes[channel][inside])
        values[inside] = color
        assert (values == color).all()


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        [[1, 2], [3, 4]],
    ],
)
def test_other_arrays_are_refused(image):
    """Shape and type are named."""
    with pytest.raises(ValueError, match=r'expected a \(H, W, 3\) or \(H, W, 1\) uint8 image'):
        check_image(image)
