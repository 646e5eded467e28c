# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of cameras: what they do to an image whose answer is known, and that they do no more."""

import cv2
import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.world import frames
from segformer_ros.world.jpeg import compress
from segformer_ros.world.lens_faults import add_to_image, add_to_light, demosaic, Faults, NO_FAULTS

RIG = world.CameraRig(160, 96)


@pytest.fixture(scope='module')
def image():
    """Return a picture whose sides are no multiples of 16."""
    return world.random_frame(3, 150, 90).image


@pytest.mark.parametrize('quality', [30, 60, 90])
def test_jpeg_loses_what_a_codec_loses(image, quality):
    """Within the rounding of integers and the filter of colours, it is what OpenCV writes."""
    ours = compress(image, quality).astype(float)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR]
    settings.append(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    _, packed = cv2.imencode('.jpg', image[..., ::-1], settings)
    theirs = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1].astype(float)

    loss = [np.sqrt(np.mean((other - image) ** 2)) for other in (ours, theirs)]

    assert loss[0] == pytest.approx(loss[1], rel=0.15)
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.5 * loss[1]


def test_a_flat_image_survives_jpeg():
    """Gray has no cosines but the first, which is rounded to an eighth of its step."""
    flat = np.full((33, 47, 3), 128, np.uint8)
    assert np.abs(compress(flat, 50).astype(int) - 128).max() <= 1


def test_a_mosaic_keeps_one_colour_of_a_pixel():
    """Those of RGGB; flat colours survive, edges get fringes."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (12, 14, 3), np.uint8)
    found = demosaic(noise)
    for v, u, c in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2), (11, 13, 2), (6, 8, 0)):
        assert found[v, u, c] == noise[v, u, c]
    own = noise.astype(int)
    assert found[4, 5, 0] == (own[4, 4, 0] + own[4, 6, 0] + 1) // 2
    assert found[4, 4, 2] == (own[3:6:2, 3:6:2, 2].sum() + 2) // 4

    flat = np.full((8, 10, 3), (200, 30, 90), np.uint8)
    np.testing.assert_array_equal(demosaic(flat), flat)


def test_faults_of_light_are_those_asked_for():
    """Nothing for none; a veil lifts the darkest, flare the neighbourhood of the sun."""
    rng = np.random.default_rng(2)
    light = rng.uniform(0.0, 1.0, (64, 96, 3)).astype(np.float32)
    color = np.array([2.0, 1.8, 1.5])

    def after(faults, sun=None):
        changed = light.copy()
        add_to_light(changed, faults, sun, color)
        return changed

    np.testing.assert_array_equal(after(NO_FAULTS, (10.0, 10.0)), light)
    np.testing.assert_allclose(
        after(Faults(veil=0.3)) - light, 0.3 * light[::8, ::8].mean(), atol=0.02
    )
    np.testing.assert_array_equal(after(Faults(flare=1.0)), light)
    flared = after(Faults(flare=1.0), (10.0, 10.0)) - light
    assert flared.min() > 0.0
    assert flared[10, 10].mean() > 5.0 * flared[-1, -1].mean()
    blurred = after(Faults(blur=0.4))
    assert blurred.std() < 0.6 * light.std()
    assert blurred.mean() == pytest.approx(light.mean(), rel=0.03)
    bands = after(Faults(bands=0.1)) / light
    assert np.ptp(bands[:, 0, 0]) > 0.1
    np.testing.assert_allclose(bands, bands[:, :1, :1] * np.ones_like(bands), rtol=1e-5)


def test_faults_change_the_image_alone(image):
    """Labels and depth are those of the scene, behind any lens."""
    scene = world.Scene(11, variety='roads', time_of_day='day', weather='clear')
    faults = Faults(0.2, 1.0, 0.3, 0.1, True, 40)
    shots = (frames.Shot(), frames.Shot(faults=faults))
    plain, faulty = (frames._compose(scene, RIG, 5.0, scene.sensor, shot) for shot in shots)
    np.testing.assert_array_equal(plain.labels, faulty.labels)
    np.testing.assert_array_equal(plain.depth, faulty.depth)
    assert np.abs(plain.image.astype(float) - faulty.image).mean() > 2.0
    np.testing.assert_array_equal(add_to_image(image, NO_FAULTS), image)
