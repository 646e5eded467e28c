# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules that the live node and the bag path share."""

import numpy as np
import pytest
from segformer_ros import frame_rules

_K = [100.0, 0.0, 32.0, 0.0, 110.0, 24.0, 0.0, 0.0, 1.0]


def test_the_focal_length_is_that_of_a_camera_info_of_the_same_size():
    """Both fx and the size are taken as they are."""
    assert frame_rules.focal_length_px(_K, (48, 64), (48, 64)) == 100.0
    found = frame_rules.intrinsics(_K, (48, 64), (48, 64))
    assert found is not None
    assert (found.fy, found.cx, found.cy, found.width, found.height) == (110.0, 32.0, 24.0, 64, 48)


@pytest.mark.parametrize(
    ('k', 'info_hw'),
    [
        (None, None),
        (_K, (24, 32)),
        ([0.0] * 9, (48, 64)),
        ([float('nan'), *_K[1:]], (48, 64)),
        ([-100.0, *_K[1:]], (48, 64)),
    ],
)
def test_a_camera_info_that_does_not_fit_is_no_camera_info(k, info_hw):
    """No camera_info, another size and an uncalibrated camera leave the camera unknown."""
    assert frame_rules.focal_length_px(k, info_hw, (48, 64)) is None


@pytest.mark.parametrize('fov_deg', range(10, 171))
def test_the_wrong_focal_length_of_carla_is_recognised(fov_deg):
    """A tangent of degrees as if they were radians; the right one is never suspected."""
    wrong = 1616 / (2.0 * np.tan(np.float32(fov_deg)) * np.pi / 360.0)
    right = 1616 / (2.0 * np.tan(np.radians(fov_deg) / 2.0))
    assert f'{fov_deg} degrees' in frame_rules.implausible_focal_length(wrong, 1616)
    assert frame_rules.implausible_focal_length(right, 1616) == ''
    k = [wrong, *_K[1:]]
    assert frame_rules.focal_length_px(k, (48, 1616), (48, 1616)) is None
    override = frame_rules.focal_length_px(k, (48, 1616), (48, 1616), fov_deg=fov_deg)
    assert override == pytest.approx(right)


@pytest.mark.parametrize(
    ('fx', 'known'),
    [(2.0, False), (2.2, True), (2860.0, True), (2900.0, False)],
)
def test_a_focal_length_has_limits(fx, known):
    """Those of fields of view of 2 and 175 degrees."""
    assert (frame_rules.implausible_focal_length(fx, 100) == '') is known
    assert (frame_rules.focal_length_px([fx, *_K[1:]], (9, 100), (9, 100)) == fx) is known


def test_a_field_of_view_replaces_the_camera_info():
    """A 90 degree camera has a focal length of half its width."""
    assert frame_rules.focal_length_px(_K, (48, 64), (48, 64), fov_deg=90.0) == pytest.approx(32.0)
    with pytest.raises(ValueError, match='fov_deg'):
        frame_rules.focal_length_px(None, None, (48, 64), fov_deg=180.0)


def test_a_focal_length_replaces_everything():
    """The camera is then ideal: square pixels, the centre in the middle."""
    found = frame_rules.intrinsics(_K, (48, 64), (48, 64), fov_deg=90.0, focal_px=50.0)
    assert found is not None
    assert (found.fx, found.fy, found.cx, found.cy) == (50.0, 50.0, 32.0, 24.0)
    with pytest.raises(ValueError, match='positive'):
        frame_rules.intrinsics(None, None, (48, 64), focal_px=0.0)


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
