# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels, confidence and depth from network outputs."""

import cv2
import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros.inference.postprocess import decode_depth, LabelDecoder, mask_depth
from segformer_ros.inference.preprocess import fit, Geometry

SIZES = [(256, 512), (288, 512), (320, 512)]
IDS = tuple(range(1, 13))
IMAGES = [(800, 1280), (540, 960), (480, 640), (427, 1001), (63, 131), (3, 5), (1, 1), (1, 200)]


def _logits(geometry, kind):
    random = np.random.default_rng(0)
    shape = (len(IDS), geometry.input_h // 4, geometry.input_w // 4)
    logits = random.normal(0.0, 1.0, shape).astype(np.float32)
    if kind == 'regions':
        for index, grid in enumerate(logits):
            logits[index] = 25.0 * cv2.GaussianBlur(grid, (0, 0), 5.0)
    return logits


@pytest.mark.parametrize('kind', ['noise', 'regions'])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_labels_are_the_largest_upsampled_logits(image_hw, kind):
    """Every pixel has the class of float64 bilinear sampling, but for ties to rounding."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)

    labels, confidence = LabelDecoder(geometry, 4, IDS).decode(logits)

    samples = upsample(logits, geometry, 4)
    best = samples.max(axis=0)
    chosen = np.take_along_axis(samples, (labels - 1)[None].astype(int), axis=0)[0]
    assert (labels.dtype, labels.shape, confidence) == (np.uint8, image_hw, None)
    assert float(np.max(best - chosen)) < 1e-4
    assert np.count_nonzero(labels != samples.argmax(axis=0) + 1) <= 1e-4 * labels.size


@pytest.mark.parametrize('kind', ['noise', 'regions'])
@pytest.mark.parametrize('image_hw', [(800, 1280), (427, 1001), (3, 5)])
def test_confidence_is_the_softmax_of_the_upsampled_logits(image_hw, kind):
    """It is right to one part in 255."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)

    _, confidence = LabelDecoder(geometry, 4, IDS).decode(logits, confidence=True)

    samples = upsample(logits, geometry, 4)
    exact = 255.0 / np.exp(samples - samples.max(axis=0)).sum(axis=0)
    assert confidence.dtype == np.uint8
    assert np.abs(confidence - exact).max() <= 0.51


def test_a_tie_goes_to_the_lower_channel():
    """Equal logits everywhere give the first of the equal classes."""
    geometry = Geometry(20, 30, 64, 128, 64, 96)
    logits = np.zeros((3, 16, 32), np.float32)
    logits[0] = -1.0
    labels, _ = LabelDecoder(geometry, 4, (7, 9, 5)).decode(logits)
    assert (labels == 9).all()


def test_a_class_can_win_between_two_others():
    """Halfway between two cells that belong to others, a third class is ahead."""
    geometry = Geometry(64, 128, 64, 128, 64, 128)
    logits = np.full((3, 16, 32), -20.0, np.float32)
    logits[0, :, :16] = 10.0
    logits[1, :, 16:] = 10.0
    logits[2] = 0.0
    labels, _ = LabelDecoder(geometry, 4, (1, 2, 3)).decode(logits)
    assert labels[5].tolist() == [1] * 63 + [3] * 2 + [2] * 63


def test_returned_arrays_stay_as_they_are():
    """The next call writes into other arrays."""
    geometry = fit((80, 128), SIZES)
    decoder = LabelDecoder(geometry, 4, IDS)
    logits = _logits(geometry, 'regions')

    first = decoder.decode(logits, confidence=True)
    kept = [array.copy() for array in first]
    second = decoder.decode(-logits, confidence=True)

    for before, copy, after in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(before, copy)
        assert not np.shares_memory(before, after)
        assert before.flags.c_contiguous


@pytest.mark.parametrize('image_hw', IMAGES)
@pytest.mark.parametrize(('stride', 'activation'), [(4, 'log'), (1, 'metric')])
def test_depth_is_activated_upsampled_and_scaled(image_hw, stride, activation):
    """Metres at every pixel are those of float64 bilinear sampling times the factor."""
    geometry = fit(image_hw, SIZES)
    shape = (geometry.input_h // stride, geometry.input_w // stride)
    raw = np.random.default_rng(0).uniform(0.1, 4.0, shape).astype(np.float32)

    depth = decode_depth(raw, geometry, stride=stride, activation=activation, factor=1.5)

    metres = np.exp(raw.astype(np.float64)) if activation == 'log' else raw
    assert depth.shape == image_hw
    np.testing.assert_allclose(depth, 1.5 * upsample(metres, geometry, stride), rtol=1e-4)


def test_depth_outside_the_range_is_nan():
    """Both ends are inclusive; NaN and infinity are unknown."""
    depth = np.array([[0.4, 0.5, 80.0, 80.5, np.nan, np.inf]], np.float32)
    masked = mask_depth(depth, min_m=0.5, max_m=80.0)
    assert np.isnan(masked).tolist() == [[True, False, False, True, True, True]]
    assert masked.dtype == np.float32


@pytest.mark.parametrize('sky_m', [np.nan, np.inf])
def test_the_sky_has_its_own_depth(sky_m):
    """What is labelled sky is far away or unknown, whatever the network says."""
    depth = np.array([[5.0, 6.0, 900.0]], np.float32)
    sky = np.array([[0, 255, 255]], np.uint8)
    masked = mask_depth(depth, min_m=0.5, max_m=80.0, sky=sky, sky_m=sky_m)
    np.testing.assert_array_equal(masked, [[5.0, sky_m, sky_m]])


def test_an_overflowing_logarithm_is_unknown_and_no_warning():
    """e^100 metres are not a float32, and not a depth."""
    geometry = Geometry(8, 8, 8, 8, 8, 8)
    raw = np.full((2, 2), 100.0, np.float32)
    depth = decode_depth(raw, geometry, stride=4, activation='log', factor=1.0)
    assert np.isnan(mask_depth(depth, min_m=0.5, max_m=80.0)).all()
