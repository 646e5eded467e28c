# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Network outputs at the pixels of the camera."""

import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros.inference.preprocess import fit, Geometry
from segformer_ros.inference.upsample import Upsampler

SIZES = [(256, 512), (288, 512), (320, 512)]
IMAGES = [
    (800, 1280), (540, 960), (480, 640), (427, 1001), (63, 131), (3, 5), (1, 1), (1, 200),
    (200, 1), (75, 150), (73, 119), (64, 128), (72, 128), (300, 401), (256, 512),
]  # fmt: skip


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_the_samples_lie_at_the_centres_of_the_pixels(image_hw, stride):
    """Resize, padding and stride are undone to 2e-5 of a cell, also inside a cut-off cell."""
    geometry = fit(image_hw, SIZES)
    shape = (geometry.input_h // stride, geometry.input_w // stride)
    grid = np.random.default_rng(0).normal(0.0, 1.0, shape).astype(np.float32)
    sampler = Upsampler(geometry, stride)

    value = sampler.resample_all(sampler.crop(grid))

    assert value.shape == image_hw
    np.testing.assert_allclose(value, upsample(grid, geometry, stride), atol=2e-5)


def test_a_grid_of_almost_the_size_of_the_image_is_not_just_copied():
    """OpenCV copies when no size changes, although the factor is not one."""
    geometry = Geometry(50, 101, 256, 512, 201, 403)
    grid = np.random.default_rng(0).normal(0.0, 1.0, (64, 128)).astype(np.float32)
    sampler = Upsampler(geometry, 4)
    (band,) = sampler.bands(1)

    value = sampler.resample_all(sampler.crop(grid))

    assert sampler.crop(grid).shape == band.buffer_shape == (51, 101)
    np.testing.assert_allclose(value, upsample(grid, geometry, 4), atol=2e-5)


@pytest.mark.parametrize('least', [1, 7, 16])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_bands_cover_the_image_and_agree_with_the_whole(image_hw, least):
    """Every pixel is in one band and has the value that it has in the whole."""
    geometry = fit(image_hw, SIZES)
    shape = (geometry.input_h // 4, geometry.input_w // 4)
    grid = np.random.default_rng(0).normal(0.0, 1.0, shape).astype(np.float32)
    sampler = Upsampler(geometry, 4)
    cells = sampler.crop(grid)
    value, count = np.zeros(image_hw, np.float32), np.zeros(image_hw, int)

    for band in sampler.bands(least):
        buffer = np.empty(band.buffer_shape, np.float32)
        samples = sampler.resample(cells, band, buffer)
        assert np.shares_memory(samples, buffer)
        value[band.pixels] = samples
        count[band.pixels] += 1

    assert (count == 1).all()
    np.testing.assert_allclose(value, upsample(grid, geometry, 4), atol=2e-5)


def test_padding_does_not_leak_into_the_image():
    """Cells that see only padding have no influence on any pixel."""
    geometry = fit((300, 400), [(64, 128)])
    grid = np.zeros((16, 32), np.float32)
    sampler = Upsampler(geometry, 4)
    grid[:, sampler.columns :] = 1e6

    value = sampler.resample_all(sampler.crop(grid))

    assert not value.any()
