# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Colour changes on values worked by hand."""

import numpy as np
import pytest
from segformer_ros.training.augment import colors, recolor
from segformer_ros.training.augment.camera_look import add_noise


def pixel(*rgb):
    """Return a picture of one pixel."""
    return np.array([[rgb]], np.uint8)


@pytest.mark.parametrize(
    ('result', 'wanted'),
    [
        (colors.linear(pixel(100, 10, 240), 1.5, -20.0), (130, 0, 255)),
        (colors.linear(pixel(100, 10, 240), 1.0, 0.5), (100, 10, 240)),
        (colors.gamma(pixel(64, 255, 0), 2.0), (16, 255, 0)),
        (colors.gamma(pixel(64, 255, 0), 0.5), (128, 255, 0)),
        (colors.saturate(pixel(200, 100, 50), 0.0), (124, 124, 124)),
        (colors.saturate(pixel(200, 100, 50), 1.0), (200, 100, 50)),
        (colors.saturate(pixel(200, 100, 50), 2.0), (255, 76, 0)),
        (colors.contrast_about_mean(pixel(200, 100, 50), 0.5), (162, 112, 87)),
        # 60 of 180 steps are a third of the circle: red, green, blue.
        (colors.hue_saturation_value(pixel(255, 0, 0), hue=60), (0, 255, 0)),
        (colors.hue_saturation_value(pixel(255, 0, 0), hue=-60), (0, 0, 255)),
        (colors.hue_saturation_value(pixel(0, 0, 255), hue=90.4), (255, 255, 0)),
        (colors.hue_saturation_value(pixel(200, 100, 50), saturation=(0.0, 0.0)), (200,) * 3),
        (colors.hue_saturation_value(pixel(200, 0, 0), value=(1.0, 20.0)), (220, 0, 0)),
        (colors.hue_saturation_value(pixel(200, 0, 0), value=(0.5, 0.0)), (100, 0, 0)),
    ],
)
def test_a_change_is_what_its_formula_says(result, wanted):
    """Rounded and clipped to bytes."""
    assert result.dtype == np.uint8
    # Half a level may be rounded either way.
    np.testing.assert_allclose(result[0, 0].astype(int), wanted, atol=1)


@pytest.mark.parametrize(
    ('vary', 'least', 'greatest'),
    # 100 - 32 and then half of it; (100 + 32) * 1.5. The mean contrast leaves grey alone.
    [(colors.distort, 34, 198), (colors.jitter, 75, 125)],
)
def test_grey_stays_grey_and_within_its_range(vary, least, greatest):
    """Hue and saturation do nothing to grey; the rest stays within its published range."""
    grey = np.full((1, 1, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    results = np.array([vary(grey, rng) for _ in range(2000)])

    assert (np.ptp(results, axis=-1) == 0).all()
    assert least <= results.min() <= least + 6
    assert greatest - 15 <= results.max() <= greatest


def test_jitter_turns_hues_by_a_tenth_of_the_circle():
    """Red becomes no more than orange or pink."""
    red = pixel(200, 20, 20)
    results = np.array([colors.jitter(red, np.random.default_rng(s))[0, 0] for s in range(300)])

    assert (results.argmax(axis=1) == 0).all()
    greenest = (results[:, 1].astype(int) - results[:, 2]).max()
    assert greenest > 60


def test_glp_leaves_an_eighth_of_the_pictures_as_they_are():
    """Each of its three changes happens in half of all cases."""
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5
    same = [
        np.array_equal(colors.vary_as_glp(picture, np.random.default_rng(seed)), picture)
        for seed in range(400)
    ]
    assert np.mean(same) == pytest.approx(0.125, abs=0.06)


@pytest.mark.parametrize(
    'vary', [colors.distort, colors.jitter, colors.vary_as_glp, recolor], ids=lambda f: f.__name__
)
def test_variation_is_repeatable_and_copies(vary):
    """The same generator gives the same picture; the input may be read-only."""
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    before = picture.copy()
    picture.flags.writeable = False
    results = []
    for seed in range(20):
        first, second = (vary(picture, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert first.shape == picture.shape
        assert first.dtype == np.uint8
        results.append(first)

    np.testing.assert_array_equal(picture, before)
    assert len({result.tobytes() for result in results}) > 10


def test_strength_widens_the_ranges():
    """Twice the strength changes about twice as much."""
    picture = np.random.default_rng(0).integers(60, 190, (8, 8, 3), dtype=np.uint8)

    def change(strength):
        results = [
            colors.distort(picture, np.random.default_rng(seed), strength) for seed in range(200)
        ]
        return np.mean([np.abs(result.astype(int) - picture).mean() for result in results])

    assert change(0.0) == 0.0
    assert change(1.0) == pytest.approx(2.0 * change(0.5), rel=0.3)


def test_noise_has_the_spread_that_is_asked_for():
    """And no mean."""
    grey = np.full((200, 200, 3), 120, np.uint8)
    noise = add_noise(grey, 6.0, np.random.default_rng(0)).astype(float) - 120.0

    assert noise.std() == pytest.approx(6.0, rel=0.03)
    assert abs(noise.mean()) < 0.1
