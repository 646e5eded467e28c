# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules that the live node and the bag path share."""

from dataclasses import astuple
import math

import numpy as np
import pytest
from segformer_ros import frame_rules
from segformer_ros.frame_rules import calibrate, CameraModel, implausible_focal_length

_K = (100.0, 0.0, 32.0, 0.0, 110.0, 24.0, 0.0, 0.0, 1.0)
_P = (70.0, 0.0, 30.0, -9.0, 0.0, 80.0, 20.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_D = (-0.3, 0.1, 0.0, 0.0, 0.0)
_HW = (48, 64)


def _model(k=_K, height=48, width=64, **facts):
    return CameraModel(width, height, k, **facts)


def _with_fx(fx, width):
    return _model((fx, 0.0, width / 2, *_K[3:]), 48, width)


def _known(camera):
    """Return fx, fy, cx, cy, width and height."""
    return astuple(camera.intrinsics)


def test_p_holds_where_there_is_one_and_else_k():
    """P is of the rectified image, which depth_image_proc and we are given; Tx is no matter."""
    found = calibrate(_model(p=_P), _HW)
    assert _known(found) == (70.0, 80.0, 30.0, 20.0, 64, 48)
    assert (found.source, found.problem) == ('P of camera_info', '')
    assert _known(calibrate(_model((0.0,) * 9, p=_P), _HW)) == (70.0, 80.0, 30.0, 20.0, 64, 48)
    for first in (0.0, -70.0, math.nan):
        found = calibrate(_model(p=(first, *_P[1:])), _HW)
        assert _known(found) == (100.0, 110.0, 32.0, 24.0, 64, 48)
        assert found.source == 'K of camera_info'


@pytest.mark.parametrize(
    ('index', 'value', 'flaw'),
    [
        (5, 0.0, 'fy = 0'),
        (5, -80.0, 'fy = -80'),
        (5, math.nan, 'fy = nan'),
        (0, math.inf, 'fx = inf'),
        (2, 64.5, 'cx = 64.5 in an image of 64x48'),
        (2, -0.5, 'cx = -0.5 in'),
        (6, 49.0, 'cy = 49 in'),
        (6, math.nan, 'cy = nan in'),
    ],
)
def test_numbers_of_no_camera_are_not_calibrated(index, value, flaw):
    """No infinite points: the camera is unknown, and why is said."""
    p = (*_P[:index], value, *_P[index + 1 :])
    k = tuple(p[i] for i in (0, 1, 2, 4, 5, 6, 8, 9, 10))
    for name, model in (('P', _model(p=p)), ('K', _model(k))):
        found = calibrate(model, _HW)
        assert found.intrinsics is None
        assert found.fits
        assert found.problem.startswith(f'camera_info is not calibrated ({name}: {flaw}')


@pytest.mark.parametrize('fx', [5e-324, 1e-300, 0.5, 1e9])
def test_a_horizontal_focal_length_that_cannot_be_is_wrong(fx):
    """The smallest number there is, which a fuzz found, is 0 when it is divided."""
    p = (fx, *_P[1:])
    found = calibrate(_model(p=p), _HW)
    assert found.intrinsics is None
    assert found.wrong.startswith(f'camera_info is wrong: fx = {fx:.6g} cannot be right')


@pytest.mark.parametrize('fy', [1e-300, 0.5, 1e9])
def test_a_vertical_focal_length_that_cannot_be_is_wrong(fy):
    """As for fx: with 1e-300, which a fuzz found, points would be infinite."""
    p = (*_P[:5], fy, *_P[6:])
    k = tuple(p[i] for i in (0, 1, 2, 4, 5, 6, 8, 9, 10))
    for model in (_model(p=p), _model(k)):
        found = calibrate(model, _HW)
        assert found.intrinsics is None
        assert found.wrong.startswith(f'camera_info is wrong: fy = {fy:.6g} cannot be right')


def test_the_region_and_binning_of_image_geometry():
    """First the offset in pixels of the full image, then the division."""
    model = _model(p=_P, binning=(2, 4), roi=(10, 4, 40, 32))
    assert model.image_hw == (8, 20)
    found = calibrate(model, (8, 20))
    assert _known(found) == (35.0, 20.0, 10.0, 4.0, 20, 8)
    assert found.fits
    assert calibrate(model, _HW).problem == 'camera_info is for 20x8 images, not for 64x48'
    # A crop whose principal point is outside of it is of a calibrated camera.
    assert _known(calibrate(_model(p=_P, roi=(40, 24, 24, 24)), (24, 24)))[2:4] == (-10.0, -4.0)


@pytest.mark.parametrize(
    ('facts', 'topic', 'doubt'),
    [
        ({'d': _D}, '/image_rect', 'has a lens model (D) and no P'),
        ({'d': _D, 'p': (*_K[:3], 0.0, *_K[3:6], 0.0, *_K[6:], 0.0)}, '', 'its P equals K'),
        ({'d': _D, 'p': _P}, '/a/image_raw/compressed', '/a/image_raw/compressed is the raw one'),
        ({'d': _D, 'p': _P}, '/a/image_rect', ''),
        ({'d': (0.0,) * 5}, '/a/image_raw', ''),
        ({}, '/a/image_raw', ''),
    ],
)
def test_an_image_that_may_be_distorted_is_doubted(facts, topic, doubt):
    """The intrinsics hold all the same."""
    found = calibrate(_model(**facts), _HW, topic=topic)
    assert found.intrinsics is not None
    assert doubt in found.doubt
    assert bool(found.doubt) == bool(doubt)
    assert found.text.startswith(f'{found.source}: fx ')


@pytest.mark.parametrize(
    'model', [None, _model(height=24, width=32), _model((0.0,) * 9), _model((math.nan, *_K[1:]))]
)
def test_a_camera_info_that_does_not_fit_is_no_camera_info(model):
    """No camera_info, another size and an uncalibrated camera leave the camera unknown."""
    found = calibrate(model, _HW)
    assert found.intrinsics is None
    assert found.problem
    assert not found.source


@pytest.mark.parametrize('camera_fov_deg', range(10, 171))
def test_the_wrong_focal_length_of_carla_is_recognised(camera_fov_deg):
    """A tangent of degrees as if they were radians; the right one is never suspected."""
    wrong = 1616 / (2.0 * np.tan(np.float32(camera_fov_deg)) * np.pi / 360.0)
    right = 1616 / (2.0 * np.tan(np.radians(camera_fov_deg) / 2.0))
    assert f'{camera_fov_deg} degrees' in implausible_focal_length(wrong, 1616)
    assert implausible_focal_length(right, 1616) == ''
    model = _with_fx(wrong, 1616)
    found = calibrate(model, (48, 1616))
    assert found.intrinsics is None
    assert f'{camera_fov_deg} degrees' in found.wrong
    override = calibrate(model, (48, 1616), camera_fov_deg=camera_fov_deg).intrinsics
    assert override.fx == pytest.approx(right)


@pytest.mark.parametrize(
    ('fx', 'known'),
    [(2.0, False), (2.2, True), (2860.0, True), (2900.0, False)],
)
def test_a_focal_length_has_limits(fx, known):
    """Those of fields of view of 2 and 175 degrees."""
    assert (implausible_focal_length(fx, 100) == '') is known
    assert (calibrate(_with_fx(fx, 100), (48, 100)).intrinsics is not None) is known


def test_a_field_of_view_replaces_the_camera_info():
    """A 90 degree camera has a focal length of half its width."""
    found = calibrate(_model(), _HW, camera_fov_deg=90.0)
    assert found.intrinsics.fx == pytest.approx(32.0)
    assert found.source == 'field of view'
    with pytest.raises(ValueError, match='camera_fov_deg'):
        calibrate(None, _HW, camera_fov_deg=180.0)


def test_a_focal_length_replaces_everything():
    """The camera is then ideal: square pixels, the centre in the middle."""
    found = calibrate(_model(p=_P), _HW, camera_fov_deg=90.0, focal_px=50.0)
    assert _known(found)[:4] == (50.0, 50.0, 32.0, 24.0)
    assert found.source == 'focal length'
    with pytest.raises(ValueError, match='positive'):
        calibrate(None, _HW, focal_px=0.0)


def test_millimetres_are_rounded_and_0_where_unknown():
    """NaN, infinity, negative and too large depths are unknown."""
    depth = np.array([[1.0004, 1.0006, 65.535, 65.6, np.nan, np.inf, -np.inf, -1.0]], np.float32)
    millimetres = frame_rules.depth_to_millimetres(depth)
    assert millimetres.dtype == np.uint16
    assert millimetres.tolist() == [[1000, 1001, 65535, 0, 0, 0, 0, 0]]


def test_metres_are_not_touched():
    """32FC1 is the array itself; an unknown encoding is an error that names the known ones."""
    depth = np.ones((1, 1), np.float32)
    assert frame_rules.encode_depth(depth, '32FC1') is depth
    assert frame_rules.encode_depth(depth, '16UC1').dtype == np.uint16
    with pytest.raises(ValueError, match='32FC1, 16UC1'):
        frame_rules.encode_depth(depth, 'mono16')
