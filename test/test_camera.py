# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pinhole camera."""

from dataclasses import replace
import math

import numpy as np
import pytest
from segformer_ros.camera import back_project, Intrinsics


def test_ninety_degrees_give_half_the_width():
    """The focal length is the CARLA one."""
    camera = Intrinsics.from_fov(800, 600, 90.0)
    assert camera.fx == pytest.approx(400.0)
    assert (camera.fy, camera.cx, camera.cy) == (camera.fx, 400.0, 300.0)


@pytest.mark.parametrize('fov', [0.0, 180.0, float('nan')])
def test_an_impossible_field_of_view_is_refused(fov):
    """Both ends are excluded."""
    with pytest.raises(ValueError, match='camera_fov_deg'):
        Intrinsics.from_fov(8, 8, fov)


def test_k_is_read_row_by_row():
    """K is fx 0 cx, 0 fy cy, 0 0 1."""
    camera = Intrinsics.from_k([5.0, 0.0, 2.0, 0.0, 6.0, 3.0, 0.0, 0.0, 1.0], 4, 6)
    assert camera == Intrinsics(5.0, 6.0, 2.0, 3.0, 4, 6)


@pytest.mark.parametrize('part', [False, True])
def test_numbers_of_no_camera_have_a_flaw(part):
    """Zeros are what an uncalibrated camera says; a part may leave the principal point out."""
    good = Intrinsics(5.0, 6.0, 2.0, 3.0, 4, 6)
    assert good.flaw(part=part) == ''
    flaws = (('fx', 0.0), ('fy', 0.0), ('fx', math.inf), ('fy', -1.0), ('cy', math.nan))
    for name, value in flaws:
        assert replace(good, **{name: value}).flaw(part=part).startswith(f'{name} = ')
    assert bool(replace(good, cx=4.5).flaw(part=part)) is not part


def test_a_short_k_is_refused():
    """Nine numbers are needed."""
    with pytest.raises(ValueError, match='got 4'):
        Intrinsics.from_k([1.0] * 4, 4, 6)


def test_resizing_scales_every_length():
    """Each axis has its own scale."""
    camera = Intrinsics(10.0, 20.0, 4.0, 6.0, 8, 12).resized(4, 24)
    assert camera == Intrinsics(5.0, 40.0, 2.0, 12.0, 4, 24)


def test_points_project_back_to_their_pixel():
    """The projection undoes the back-projection; NaN stays NaN."""
    camera = Intrinsics.from_fov(6, 4, 70.0)
    depth = np.random.default_rng(0).uniform(1.0, 9.0, (4, 6)).astype(np.float32)
    depth[1, 2] = np.nan
    points = back_project(depth, camera)
    assert points.dtype == np.float32
    assert np.isnan(points[1, 2]).all()
    columns = points[..., 0] / points[..., 2] * camera.fx + camera.cx
    expected = np.where(np.isnan(depth), np.nan, np.arange(6)[np.newaxis])
    np.testing.assert_allclose(columns, expected, atol=1e-5)


def test_a_depth_image_of_another_size_is_refused():
    """Intrinsics belong to one image size."""
    with pytest.raises(ValueError, match=r'expected a \(4, 6\)'):
        back_project(np.zeros((6, 4), np.float32), Intrinsics.from_fov(6, 4, 70.0))
