# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Variations keep image, labels, depth and focal length true to one another."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.labels import VOID
from segformer_ros.training.augment import (
    augment,
    flip,
    PADDING_RGB,
    recolor,
    scale_and_crop,
)
from segformer_ros.training.config import AugmentConfig, PhaseConfig
from segformer_ros.training.frames import Sample


@pytest.fixture
def rng():
    """Give a seeded generator."""
    return np.random.default_rng(5)


@pytest.fixture
def sample():
    """Give a frame whose depth tells the column and whose labels tell the half."""
    depth = np.tile(np.arange(1, 129, dtype=np.float32), (64, 1))
    labels = np.where(depth > 64, 14, 1).astype(np.uint8)
    image = np.repeat(depth[..., None], 3, axis=2).astype(np.uint8)
    return Sample(image, labels, depth, 100.0)


@pytest.mark.parametrize('scale', [0.5, 1.0, 2.0])
def test_scaling_changes_the_focal_length_and_not_the_metres(sample, rng, scale):
    """A picture of twice the size is that of a camera of twice the focal length."""
    result = scale_and_crop(sample, 32, 64, scale, rng)

    assert result.image.shape == (32, 64, 3)
    assert result.focal_px == pytest.approx(100.0 * scale)
    assert set(np.unique(result.depth)) <= set(np.unique(sample.depth))
    columns = np.diff(result.depth[0])
    assert np.median(columns) == pytest.approx(1.0 / scale, abs=1.0)


@pytest.mark.parametrize('scale', [0.5, 0.8, 1.0, 1.7])
def test_labels_and_depth_stay_together(sample, rng, scale):
    """The same pixel is taken from both."""
    result = scale_and_crop(sample, 32, 64, scale, rng)

    np.testing.assert_array_equal(result.labels, np.where(result.depth > 64, 14, 1))


def test_a_window_beyond_the_frame_is_unknown(sample, rng):
    """The rest is on the right and at the bottom, as the run time pads."""
    result = scale_and_crop(sample, 96, 160, 1.0, rng)

    assert (result.labels[:64, :128] == sample.labels).all()
    assert (result.labels[64:] == VOID).all()
    assert (result.labels[:, 128:] == VOID).all()
    assert np.isnan(result.depth[64:]).all()
    assert (result.image[64:] == PADDING_RGB).all()
    assert result.focal_px == 100.0


def test_rare_crops_hold_a_class_that_plain_crops_miss(rng):
    """A crop is laid around a class drawn from those in the frame."""
    labels = np.ones((128, 256), np.uint8)
    labels[100:104, 200:204] = 7
    sample = Sample(
        np.zeros((128, 256, 3), np.uint8), labels, np.ones((128, 256), np.float32), 1.0
    )

    def share(rare_share):
        crops = [
            scale_and_crop(sample, 32, 32, 1.0, rng, rare_share=rare_share) for _ in range(100)
        ]
        return np.mean([(crop.labels == 7).any() for crop in crops])

    assert share(1.0) > 0.4
    assert share(0.0) < 0.15


def test_flipping_mirrors_everything(sample):
    """Left is right in image, labels and depth; the focal length stays."""
    result = flip(sample)

    for name in ('image', 'labels', 'depth'):
        np.testing.assert_array_equal(getattr(result, name), getattr(sample, name)[:, ::-1])
    assert result.focal_px == sample.focal_px


def test_recoloring_is_repeatable_and_leaves_its_input_alone(sample):
    """The same generator gives the same picture, blur, noise and JPEG included."""
    before = sample.image.copy()
    for seed in range(30):
        first, second = (recolor(sample.image, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert first.dtype == np.uint8
        assert first.shape == sample.image.shape

    np.testing.assert_array_equal(sample.image, before)


def test_strength_zero_changes_no_color(sample, rng):
    """Photometric variation can be switched off."""
    assert recolor(sample.image, rng, 0.0) is sample.image


def test_a_sample_has_the_wanted_size(sample, rng):
    """The whole chain gives the size of the batch and keeps the scale within its bounds."""
    for _ in range(20):
        result = augment(sample, (48, 80), PhaseConfig(scale=(0.5, 1.5)), AugmentConfig(), rng)

        assert result.image.shape == (48, 80, 3)
        assert result.labels.shape == result.depth.shape == (48, 80)
        assert 49.0 < result.focal_px < 152.0
