# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth is scaled by the road below the camera, or the frame is refused."""

import math

import numpy as np
import pytest
from segformer_ros.bundle import golden_image
from segformer_ros.camera import Intrinsics
from segformer_ros.cli import main
from segformer_ros.inference.results import Options, Prediction, Timings
from segformer_ros.inference.road_plane import fit_road
from segformer_ros.inference.road_scale import for_scale, read_scale, RoadScale, ScaleOptions
from segformer_ros.labels import CITYSCAPES_19
from tiny_bundle import make_tiny_bundle

H, W = 120, 200
OWN = Intrinsics(150.0, 140.0, 98.0, 55.0, W, H)
ROAD, CAR = (CITYSCAPES_19.by_name(name).id for name in ('road', 'car'))
HEIGHT_M, PITCH_DEG = 1.6, 4.0
LIMITS = (0.1, 200.0)


def scene(*, noise=0.02, boxes=0.2):
    """
    Look over a flat road, with boxes on it that are labelled road by mistake.

    :returns: (H, W) depth, infinite above the horizon, and labels.
    """
    random = np.random.default_rng(2)
    rows, columns = np.mgrid[:H, :W]
    x, y = (columns - OWN.cx) / OWN.fx, (rows - OWN.cy) / OWN.fy
    pitch = math.radians(PITCH_DEG)
    slope = (math.cos(pitch) * y + math.sin(pitch)) / HEIGHT_M
    depth = np.where(slope > 0.01, 1.0 / np.maximum(slope, 1e-9), 120.0)
    labels = np.where(slope > 0.02, ROAD, CITYSCAPES_19.by_name('sky').id).astype(np.uint8)
    wrong = (x > 0.3 - boxes) & (x < 0.3) & (labels == ROAD)
    depth[wrong] *= 0.5
    depth *= np.exp(random.normal(0.0, noise, depth.shape))
    return depth.astype(np.float32), labels


def scale(unit='metres', **options):
    """Make the scale of a camera."""
    return RoadScale(CITYSCAPES_19.classes, unit, ScaleOptions(HEIGHT_M, **options))


@pytest.mark.parametrize('factor', [0.4, 1.0, 3.0])
def test_a_wrong_scale_is_undone(factor):
    """Within two in a hundred, with a fifth of the road covered by something else."""
    truth, labels = scene()
    camera = scale()
    found = camera.apply(truth / np.float32(factor), labels, OWN, LIMITS)
    assert camera.factor == pytest.approx(factor, rel=0.02)
    np.testing.assert_allclose(found, truth, rtol=0.02)
    assert 0.005 < camera.last.spread < 0.05
    assert camera.last.refused == ''


def test_inverse_depth_of_unknown_scale_and_shift_becomes_metres():
    """By the height and the pitch of the camera."""
    truth, labels = scene(noise=0.0)
    value = (1.0 / truth - 0.013) / 0.0021
    camera = scale('relative_inverse_depth', pitch_deg=PITCH_DEG)
    found = camera.apply(value.astype(np.float32), labels, OWN, LIMITS)
    near = truth < 30.0
    np.testing.assert_allclose(found[near], truth[near], rtol=0.05)
    assert near.mean() > 0.3


def test_there_is_no_depth_before_the_first_road():
    """And afterwards a frame without a road keeps the scale of those before it."""
    truth, labels = scene()
    none = np.full_like(labels, CAR)
    camera = scale()
    assert np.isnan(camera.apply(truth / 2, none, OWN, LIMITS)).all()
    assert 'pixels of road' in camera.last.refused
    camera.apply(truth / 2, labels, OWN, LIMITS)
    kept = camera.factor
    found = camera.apply(truth / 2, none, OWN, LIMITS)
    assert camera.factor == kept
    np.testing.assert_allclose(found, truth, rtol=0.02)


def test_the_scale_is_smoothed():
    """One frame moves it by a fifth of the way; many arrive."""
    truth, labels = scene()
    camera = scale()
    camera.apply(truth, labels, OWN, LIMITS)
    before = camera.factor
    camera.apply(truth / 2, labels, OWN, LIMITS)
    assert camera.factor == pytest.approx(before * 2**0.2, rel=0.01)
    for _ in range(40):
        camera.apply(truth / 2, labels, OWN, LIMITS)
    assert camera.factor == pytest.approx(2.0, rel=0.02)


def refusal(value, labels):
    """Describe why a frame is refused."""
    ids = np.array([ROAD], np.uint8)
    fit = fit_road(value, labels, ids, OWN, height_m=HEIGHT_M, pitch_deg=0.0, inverse=False)
    return fit.refused


def test_frames_that_say_nothing_are_refused():
    """No plane, a wall, a factor that cannot be, and unknown depth."""
    truth, labels = scene()
    random = np.random.default_rng(0)
    assert 'in one plane' in refusal(
        random.uniform(1, 100, truth.shape).astype(np.float32), labels
    )
    rows, columns = np.mgrid[:H, :W]
    wall = 1.0 / (0.5 + 0.3 * (columns - OWN.cx) / OWN.fx + 0.1 * (rows - OWN.cy) / OWN.fy)
    assert 'below the camera' in refusal(wall.astype(np.float32), labels)
    assert 'factor' in refusal(truth * 20, labels)
    assert 'unknown' in refusal(np.full_like(truth, np.nan), labels)
    assert refusal(truth, labels) == ''


def test_infinite_sky_stays_infinite():
    """It has no scale."""
    truth, labels = scene()
    truth[0] = np.inf
    assert np.isinf(scale().apply(truth, labels, OWN, LIMITS)[0]).all()


@pytest.mark.parametrize('options', [{'height_m': 0.0}, {'height_m': math.nan}, {'pitch_deg': 90}])
def test_numbers_that_no_camera_has_are_refused(options):
    """The height is 0.1 to 10 m, the pitch up to 60 degrees."""
    with pytest.raises(ValueError, match='expected'):
        ScaleOptions(**{'height_m': 1.0, **options})


def test_classes_without_a_road_are_refused():
    """There is nothing to stand on."""
    with pytest.raises(ValueError, match='road'):
        RoadScale((CITYSCAPES_19.by_name('car'),), 'metres', ScaleOptions(1.0))


def test_the_option_of_the_command_is_read():
    """With and without the pitch."""
    assert read_scale('camera_height=1.5') == ScaleOptions(1.5)
    assert read_scale('camera_height=1.5,camera_pitch=-3') == ScaleOptions(1.5, -3.0)


@pytest.mark.parametrize('text', ['1.5', 'camera_height=', 'camera_pitch=2', 'camera_height=99'])
def test_another_option_is_refused(text):
    """In one sentence."""
    with pytest.raises(ValueError, match='expected'):
        read_scale(text)


def prediction(depth=None, labels=None, relative=None):
    """Make what a network says."""
    return Prediction(labels, depth, None, Timings(0.0, 0.0, 0.0), relative)


def test_a_prediction_is_scaled_and_limited():
    """Labels that were not wanted are left out; relative depth becomes metres."""
    truth, labels = scene(noise=0.0)
    value = ((1.0 / truth - 0.013) / 0.0021).astype(np.float32)
    camera = scale('relative_inverse_depth', pitch_deg=PITCH_DEG)
    wanted = Options(segmentation=False, max_depth_m=20.0)
    assert for_scale(wanted).segmentation
    found = camera.scaled(prediction(None, labels, value), OWN, wanted, (0.1, 80.0))
    assert found.labels is None
    near, far = truth < 15.0, truth > 25.0
    np.testing.assert_allclose(found.depth[near], truth[near], rtol=0.05)
    assert np.isnan(found.depth[far]).all()
    assert camera.text.startswith('factor 0.0021')


def test_an_unknown_camera_gives_no_depth():
    """Its angles are unknown too."""
    truth, labels = scene()
    camera = scale()
    found = camera.scaled(prediction(truth, labels), None, Options(), LIMITS)
    assert np.isnan(found.depth).all()
    assert 'camera is unknown' in camera.text


def test_run_scales_what_it_writes(tmp_path, capsys):
    """A folder of one image, by a bundle whose depth is wrong by a factor; the report says it."""
    import json

    import cv2

    make_tiny_bundle(tmp_path / 'net')
    image = golden_image(5, 64, 128)
    cv2.imwrite(str(tmp_path / 'image.png'), image[..., ::-1])
    words = ['run', str(tmp_path / 'image.png'), '--model', str(tmp_path / 'net'), '--backend']
    words += ['onnxruntime', '--no-overlay', '--camera-fov', '60', '--format', 'npy']
    words += ['--scale-by', 'camera_height=1.5']
    assert main([*words, '--out', str(tmp_path / 'out')]) == 0
    report = json.loads(next((tmp_path / 'out').glob('report.json')).read_text())
    # The labels of noise lie in no plane: the frame is refused, and its depth unknown.
    assert report['frames_without_road'] == 1
    assert 'no scale' in report['depth_scale']
    depth = np.load(next((tmp_path / 'out').rglob('*.npy')))
    assert np.isnan(depth).all()
    said = capsys.readouterr().out
    assert 'no scale by the road: 1 of 1 frames; no scale from the last frame: ' in said
    assert main([*words, '--only', 'segmentation', '--out', str(tmp_path / 'b')]) == 1
    assert '--scale-by' in capsys.readouterr().err


@pytest.mark.parametrize(('sky', 'metres'), [('nan', math.nan), ('inf', math.inf)])
def test_sky_of_relative_depth_is_what_the_options_say(sky, metres):
    """The network could not leave it out: it knew no metres."""
    depth, labels = scene(boxes=0.0)
    seen = Prediction(labels, None, None, Timings(0.0, 0.0, 0.0), (5.0 / depth).astype(np.float32))
    camera = scale('relative_inverse_depth', pitch_deg=PITCH_DEG)

    found = camera.scaled(seen, OWN, Options(sky_depth=sky), LIMITS).depth
    np.testing.assert_array_equal(found[labels != ROAD], metres)
    assert np.isfinite(found[labels == ROAD]).mean() > 0.9

    kept = camera.scaled(seen, OWN, Options(sky_depth='keep'), LIMITS).depth
    assert np.isfinite(kept[labels != ROAD]).any()
