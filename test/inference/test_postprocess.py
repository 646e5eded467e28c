# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels, confidence and depth from network outputs."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros.inference import native_kernels
from segformer_ros.inference.depth_kernel import fill_depth
from segformer_ros.inference.label_kernel import fill_labels
from segformer_ros.inference.postprocess import decode_depth, decode_labels, warm_up
from segformer_ros.inference.preprocess import fit, Geometry
from segformer_ros.inference.upsample import sampling

SIZES = [(256, 512), (288, 512), (320, 512)]
IDS = tuple(range(1, 13))
IMAGES = [(800, 1280), (540, 960), (480, 640), (427, 1001), (63, 131), (3, 5), (1, 1), (1, 200)]


@pytest.fixture(autouse=True)
def by_numba(monkeypatch):
    """Let numba compute; test_native_kernels.py compares the library with it."""
    monkeypatch.setattr(native_kernels, 'library', lambda: None)


def _logits(geometry, kind, classes=12):
    random = np.random.default_rng(0)
    shape = (classes, geometry.input_h // 4, geometry.input_w // 4)
    logits = random.normal(0.0, 1.0, shape).astype(np.float32)
    if kind == 'ties':
        return np.rint(logits)
    if kind == 'regions':
        for index, grid in enumerate(logits):
            logits[index] = 25.0 * cv2.GaussianBlur(grid, (0, 0), 5.0)
    return logits


def _decode(logits, geometry, ids=IDS, confidence=False):
    return decode_labels(logits, geometry, stride=4, class_ids=ids, confidence=confidence)


def _every_score(logits, geometry):
    """Sample all classes everywhere, in float32 and in the order that label_kernel states."""
    where = sampling(geometry, 4)
    cells = logits[:, : where.rows, : where.columns]
    left, right = where.left.astype(int), where.right.astype(int)
    rows = cells[..., left] + where.across * (cells[..., right] - cells[..., left])
    upper = np.repeat(where.bands[:, 2], where.bands[:, 1] - where.bands[:, 0])
    above, below = rows[:, upper], rows[:, np.minimum(upper + 1, where.rows - 1)]
    return above + where.down[:, np.newaxis] * (below - above)


@pytest.mark.parametrize('kind', ['noise', 'regions', 'ties'])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_labels_are_the_largest_upsampled_logits(image_hw, kind):
    """Every pixel has the class of float64 bilinear sampling, but for ties to rounding."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)

    labels, confidence = _decode(logits, geometry)

    samples = upsample(logits, geometry, 4)
    best = samples.max(axis=0)
    chosen = np.take_along_axis(samples, (labels - 1)[None].astype(int), axis=0)[0]
    assert (labels.dtype, labels.shape, confidence) == (np.uint8, image_hw, None)
    assert float(np.max(best - chosen)) < 1e-5
    clear = np.partition(samples, -2, axis=0)[-2] < best - 1e-5
    np.testing.assert_array_equal(labels[clear], samples.argmax(axis=0)[clear] + 1)


@pytest.mark.parametrize('kind', ['noise', 'regions', 'ties'])
@pytest.mark.parametrize(
    'image_hw', [(540, 960), (427, 1001), (63, 131), (300, 401), (3, 5), (1, 1), (200, 1)]
)
def test_skipped_classes_change_no_label(image_hw, kind):
    """The labels are those of all classes compared everywhere, a tie goes to the lower channel."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)

    labels, _ = _decode(logits, geometry)

    np.testing.assert_array_equal(labels, _every_score(logits, geometry).argmax(axis=0) + 1)


@pytest.mark.parametrize('classes', [1, 2, 150])
def test_any_number_of_classes_is_distinguished(classes):
    """Up to as many as there are class ids."""
    geometry = fit((75, 150), SIZES)
    logits = _logits(geometry, 'regions', classes)

    labels, _ = _decode(logits, geometry, tuple(range(255, 255 - classes, -1)))

    expected = 255 - _every_score(logits, geometry).argmax(axis=0)
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize('kind', ['noise', 'regions'])
@pytest.mark.parametrize('image_hw', [(800, 1280), (427, 1001), (3, 5)])
def test_confidence_is_the_softmax_of_the_upsampled_logits(image_hw, kind):
    """It is right to one part in 255, and does not change the labels."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)

    labels, confidence = _decode(logits, geometry, confidence=True)

    samples = upsample(logits, geometry, 4)
    exact = 255.0 / np.exp(samples - samples.max(axis=0)).sum(axis=0)
    assert confidence.dtype == np.uint8
    assert np.abs(confidence - exact).max() <= 0.51
    np.testing.assert_array_equal(labels, _decode(logits, geometry)[0])


def test_a_class_can_win_between_two_others():
    """Halfway between two cells that belong to others, a third class is ahead."""
    geometry = Geometry(64, 128, 64, 128, 64, 128)
    logits = np.full((3, 16, 32), -20.0, np.float32)
    logits[0, :, :16] = 10.0
    logits[1, :, 16:] = 10.0
    logits[2] = 0.0
    labels, _ = _decode(logits, geometry, (1, 2, 3))
    assert labels[5].tolist() == [1] * 63 + [3] * 2 + [2] * 63


def test_a_tie_goes_to_the_lower_channel():
    """Equal logits everywhere give the first of the equal classes."""
    geometry = Geometry(20, 30, 64, 128, 64, 96)
    logits = np.zeros((3, 16, 32), np.float32)
    logits[0] = -1.0
    labels, _ = _decode(logits, geometry, (7, 9, 5))
    assert (labels == 9).all()


def test_outputs_of_another_size_are_refused():
    """Compiled code does not look where an array ends."""
    geometry = fit((80, 128), SIZES)
    logits = _logits(geometry, 'noise')
    with pytest.raises(ValueError, match='expected 12 channels of logits, got 11'):
        _decode(logits[1:], geometry)
    with pytest.raises(ValueError, match=r'expected an output of 80x128 cells or more, got .*79'):
        _decode(logits[:, 1:], geometry)
    settings = {'stride': 4, 'activation': 'metric', 'factor': 1.0}
    with pytest.raises(ValueError, match='expected an output of 80x128 cells'):
        decode_depth(logits[0, :, 1:], geometry, **settings)
    with pytest.raises(ValueError, match=r'expected labels of shape \(80, 128\), got \(80, 127\)'):
        decode_depth(logits[0], geometry, labels=np.zeros((80, 127), np.uint8), **settings)


def test_what_is_not_a_number_does_no_harm():
    """The pipeline refuses it; here it only must not lead out of the arrays."""
    geometry = fit((80, 128), SIZES)
    labels, confidence = _decode(_logits(geometry, 'noise') * np.nan, geometry, confidence=True)
    assert labels.shape == confidence.shape == (80, 128)
    assert set(np.unique(labels)) <= set(IDS)


def test_returned_arrays_stay_as_they_are():
    """The next call writes into other arrays."""
    geometry = fit((80, 128), SIZES)
    logits = _logits(geometry, 'regions')

    first = _decode(logits, geometry, confidence=True)
    kept = [array.copy() for array in first]
    second = _decode(-logits, geometry, confidence=True)

    for before, copy, after in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(before, copy)
        assert not np.shares_memory(before, after)
        assert before.flags.c_contiguous


def test_no_frame_waits_for_the_compiler():
    """Whatever a frame asks for, the machine code for it is there after the warm-up."""
    geometry = fit((30, 40), SIZES)
    logits = _logits(geometry, 'noise')
    warm_up()
    known = list(fill_labels.signatures), list(fill_depth.signatures)

    logits.flags.writeable = False
    for confidence in (False, True):
        labels, _ = _decode(logits, geometry, confidence=confidence)
    _decode(logits.transpose(0, 2, 1), fit((40, 30), [(512, 320)]))
    _decode(logits.astype(np.float64), geometry)
    for raw in (logits[0], logits[0].astype(np.float64)):
        for known_labels in (None, labels):
            decode_depth(
                raw, geometry, stride=4, activation='log', factor=1.0, labels=known_labels
            )

    assert (fill_labels.signatures, fill_depth.signatures) == known


@pytest.mark.parametrize('image_hw', IMAGES)
@pytest.mark.parametrize(('stride', 'activation'), [(4, 'log'), (1, 'metric')])
def test_depth_is_activated_upsampled_and_scaled(image_hw, stride, activation):
    """Metres at every pixel are those of float64 bilinear sampling times the factor."""
    geometry = fit(image_hw, SIZES)
    shape = (geometry.input_h // stride, geometry.input_w // stride)
    raw = np.random.default_rng(0).uniform(0.1, 4.0, shape).astype(np.float32)

    depth = decode_depth(raw, geometry, stride=stride, activation=activation, factor=1.5)

    metres = np.exp(raw.astype(np.float64)) if activation == 'log' else raw
    assert (depth.shape, depth.dtype) == (image_hw, np.float32)
    np.testing.assert_allclose(depth, 1.5 * upsample(metres, geometry, stride), rtol=1e-5)


def _row(values, **others):
    """Decode a row of metres, one for each pixel."""
    raw = np.array([values], np.float32)
    geometry = Geometry(*raw.shape, *raw.shape, *raw.shape)
    return decode_depth(raw, geometry, stride=1, activation='metric', factor=1.0, **others)


def test_depth_outside_the_range_is_nan():
    """Both ends are inclusive."""
    depth = _row([0.4, 0.5, 80.0, 80.5, 0.7], limits_m=(0.5, 80.0))
    np.testing.assert_array_equal(depth, np.array([[np.nan, 0.5, 80.0, np.nan, 0.7]], np.float32))


@pytest.mark.parametrize('sky_m', [np.nan, np.inf])
def test_the_sky_has_its_own_depth(sky_m):
    """What is labelled sky is far away or unknown, whatever the network says."""
    labels = np.array([[3, 11, 11, 3]], np.uint8)
    depth = _row([5.0, 6.0, 900.0, 900.0], limits_m=(0.5, 80.0), labels=labels, sky=(11, sky_m))
    np.testing.assert_array_equal(depth, [[5.0, sky_m, sky_m, np.nan]])


def test_an_overflowing_logarithm_is_unknown_and_no_warning():
    """e^100 metres are not a float32, and not a depth."""
    geometry = Geometry(8, 8, 8, 8, 8, 8)
    raw = np.full((2, 2), 100.0, np.float32)
    depth = decode_depth(
        raw, geometry, stride=4, activation='log', factor=1.0, limits_m=(0.5, 80.0)
    )
    assert np.isnan(depth).all()


@pytest.mark.parametrize('kind', ['noise', 'regions', 'ties'])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_without_compiling_the_bits_are_the_same(image_hw, kind):
    """Labels, and depth with limits and a sky."""
    geometry = fit(image_hw, SIZES)
    logits = _logits(geometry, kind)
    settings = {
        'stride': 4,
        'activation': 'log',
        'factor': 1.5,
        'limits_m': (0.5, 3.0),
        'sky': (3, np.inf),
    }

    labels, _ = _decode(logits, geometry)
    depth = decode_depth(logits[0], geometry, labels=labels, **settings)
    plain, _ = decode_labels(logits, geometry, stride=4, class_ids=IDS, compiled=False)
    plain_depth = decode_depth(logits[0], geometry, labels=plain, compiled=False, **settings)

    np.testing.assert_array_equal(plain, labels)
    np.testing.assert_array_equal(plain_depth.view(np.uint32), depth.view(np.uint32))


def test_what_is_not_compiled_imports_no_compiler():
    """To import numba takes longer than an image."""
    program = (
        'import sys; from segformer_ros.inference.pipeline import Pipeline; '
        'sys.exit("numba" in sys.modules)'
    )
    assert subprocess.run([sys.executable, '-c', program], check=False).returncode == 0
