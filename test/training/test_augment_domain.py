# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Surfaces, light, air, lenses and CutDepth change what they should and nothing else."""

import numpy as np
import pytest
from segformer_ros.labels import VOID
from segformer_ros.training.augment import CutDepthConfig
from segformer_ros.training.augment.cut_depth import paste_depth
from segformer_ros.training.augment.optics import (
    convolve,
    darken_corners,
    lose_resolution,
    motion_blur,
)
from segformer_ros.training.augment.scenery import add_flare, add_fog, cast_shadow, retexture

SEEDS = range(25)


def scene():
    """Return image, labels and depth with sky in the upper third and an unknown corner."""
    rng = np.random.default_rng(0)
    image = rng.integers(30, 200, (48, 80, 3), dtype=np.uint8)
    labels = np.full((48, 80), 1, np.uint8)
    labels[:16] = 11
    labels[20:30, 40:60] = 14
    labels[40:, :10] = VOID
    depth = np.tile(np.linspace(60.0, 2.0, 48, dtype=np.float32)[:, None], (1, 80))
    depth[:16] = np.inf
    return image, labels, depth


CHANGES = {
    'retexture': lambda image, labels, depth, *dice: retexture(image, labels, *dice),
    'shadow': lambda image, labels, depth, *dice: cast_shadow(image, depth, *dice),
    'fog': lambda image, labels, depth, *dice: add_fog(image, depth, *dice),
    'flare': lambda image, labels, depth, *dice: add_flare(image, depth, *dice),
    'vignette': lambda image, labels, depth, *dice: darken_corners(image, *dice),
    'motion_blur': lambda image, labels, depth, *dice: motion_blur(image, *dice),
    'resolution': lambda image, labels, depth, *dice: lose_resolution(image, *dice),
    'convolution': lambda image, labels, depth, *dice: convolve(image, *dice),
}


@pytest.mark.parametrize('name', list(CHANGES))
def test_a_change_is_repeatable_and_leaves_its_inputs_alone(name):
    """Of its generator alone; bytes of the same shape; weaker with less strength."""
    image, labels, depth = scene()
    for array in (image, labels, depth):
        array.flags.writeable = False
    change = CHANGES[name]
    amount = {0.2: 0.0, 1.0: 0.0}
    for seed in SEEDS:
        for strength in amount:
            results = [
                change(image, labels, depth, np.random.default_rng(seed), strength)
                for _ in range(2)
            ]
            np.testing.assert_array_equal(*results)
            assert results[0].dtype == np.uint8
            assert results[0].shape == image.shape
            amount[strength] += np.abs(results[0].astype(int) - image).mean()

    assert 0.0 < amount[0.2] < amount[1.0]


def test_retexturing_changes_whole_classes_and_nothing_unknown():
    """Every class has its own change, the same for all of its pixels but for the pattern."""
    labels = scene()[1]
    image = np.full((*labels.shape, 3), 120, np.uint8)
    colors = []
    for seed in SEEDS:
        result = retexture(image, labels, np.random.default_rng(seed)).astype(int)
        assert (result[labels == VOID] == 120).all()
        classes = [result[labels == class_id] for class_id in (1, 11, 14)]
        assert all(np.ptp(pixels, axis=0).max() < 170 for pixels in classes)
        colors.append(np.concatenate([pixels.mean(axis=0) for pixels in classes]))

    assert (np.std(colors, axis=0) > 10.0).all()


def test_fog_follows_its_formula():
    """Light: I t + A (1 - t), t = 5 % at the distance of the visibility; the sky is all air."""
    image = np.full((10, 10, 3), 200, np.uint8)
    depth = np.full((10, 10), np.inf, np.float32)
    depth[1:, :] = np.linspace(0.0, 80.0, 9, dtype=np.float32)[:, None]
    result = add_fog(image, depth, np.random.default_rng(3), visibility_m=(80.0, 80.0))

    air = (result[0, 0] / 255.0) ** 2.2
    kept = np.exp(-2.996 * depth[1:, 0] / 80.0)[:, None]
    wanted = 255.0 * ((200 / 255.0) ** 2.2 * kept + air * (1.0 - kept)) ** (1.0 / 2.2)
    np.testing.assert_allclose(result[1:, 0], wanted, atol=2.0)
    assert kept[-1] == pytest.approx(0.05, rel=0.001)
    assert (result[0] == result[0, 0]).all()
    assert (result[1] == 200).all()


def test_fog_needs_to_know_most_of_the_depth():
    """Sparse depth changes nothing; a few holes are filled with the median."""
    image, _, depth = scene()
    sparse = depth.copy()
    sparse[:, ::2] = np.nan
    holes = depth.copy()
    holes[30:34, 20:30] = np.nan

    assert add_fog(image, sparse, np.random.default_rng(0)) is image
    assert add_fog(image, holes, np.random.default_rng(0)).shape == image.shape


def test_shadows_darken_and_spare_the_sky():
    """On the ground they are somewhere in most pictures."""
    image, _, depth = scene()
    shaded = 0
    for seed in range(60):
        result = cast_shadow(image, depth, np.random.default_rng(seed))
        assert (result <= image).all()
        assert (result[:16] == image[:16]).all()
        shaded += (result[16:] < 0.85 * image[16:]).mean() > 0.02
        assert cast_shadow(image, None, np.random.default_rng(seed)).shape == image.shape

    assert shaded > 35


def test_the_sun_stands_in_the_sky():
    """Flares brighten only; the brightest place is above the ground."""
    image, _, depth = scene()
    dark = np.zeros_like(image)
    for seed in SEEDS:
        assert (add_flare(image, depth, np.random.default_rng(seed)) >= image).all()
        glow = add_flare(dark, depth, np.random.default_rng(seed)).astype(int).sum(axis=2)
        assert glow[:20].max() > glow[24:].max()


def test_corners_darken_most():
    """And the middle keeps its light."""
    grey = np.full((49, 81, 3), 200, np.uint8)
    for seed in SEEDS:
        result = darken_corners(grey, np.random.default_rng(seed))
        assert (result[24, 40] == 200).all()
        assert result.min() == result[0, 0, 0] < 190
        np.testing.assert_array_equal(result, result[::-1, ::-1])


@pytest.mark.parametrize('filtered', [motion_blur, lose_resolution, convolve])
def test_filters_leave_an_even_surface_alone(filtered):
    """Only detail changes."""
    grey = np.full((48, 80, 3), 133, np.uint8)
    for seed in SEEDS:
        result = filtered(grey, np.random.default_rng(seed)).astype(int)
        assert np.abs(result - 133).max() <= 1


def test_motion_draws_a_point_into_a_line():
    """As long as it is said, with all of the light."""
    point = np.zeros((61, 401, 3), np.uint8)
    point[30, 200] = 255
    lengths = []
    for seed in range(60):
        result = motion_blur(point, np.random.default_rng(seed)).astype(int)[..., 0]
        rows, columns = np.nonzero(result > 5)
        lengths.append(np.hypot(np.ptp(rows), np.ptp(columns)))
        assert result.sum() == pytest.approx(255, rel=0.1)

    assert 1.0 <= min(lengths) <= 3.0
    assert 4.0 <= max(lengths) <= 401 / 80 + 2.0


@pytest.mark.parametrize('blurred', [motion_blur, lose_resolution])
def test_fine_detail_is_lost(blurred):
    """Noise has less contrast than before, and the mean it had."""
    noise = np.random.default_rng(9).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    for seed in SEEDS:
        result = blurred(noise, np.random.default_rng(seed))
        assert result.std() < 0.9 * noise.std()
        assert result.mean() == pytest.approx(noise.mean(), abs=2.5)


def test_a_strip_of_the_depth_takes_the_place_of_the_image():
    """Full height, grey, 255 at the greatest depth and for the sky, black where unknown."""
    image, _, depth = scene()
    depth[47] = np.nan
    config = CutDepthConfig(1.0, 0.75, 60.0)
    widths = []
    for seed in range(100):
        result = paste_depth(image, depth, np.random.default_rng(seed), config)
        columns = np.flatnonzero((result != image).any(axis=(0, 2)))
        left, right = columns[0], columns[-1] + 1
        strip = result[:, left:right]
        assert (strip[:16] == 255).all()
        assert (strip[47] == 0).all()
        wanted = np.round(depth[20, 0] * 255.0 / 60.0)
        np.testing.assert_allclose(strip[20], wanted, atol=1)
        assert (np.ptp(strip, axis=(1, 2)) == 0).all()
        assert right - left <= max(1, 0.75 * (80 - left))
        widths.append(right - left)

    assert min(widths) <= 2
    assert max(widths) > 40
