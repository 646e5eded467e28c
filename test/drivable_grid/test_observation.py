# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image on the cells of the ground: a made-up street whose geometry is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.drivable_grid import (
    ClassCosts,
    contact_depth,
    GridSpec,
    observe,
    Placement,
    UNKNOWN,
    View,
)
from segformer_ros.labels import LabelClass

ROAD, GRASS, CAR, TREE, SKY = range(5)
NAMES = ('road', 'grass', 'car', 'tree', 'sky')
CLASSES = [LabelClass(index, name, (0, 0, 0)) for index, name in enumerate(NAMES)]
COSTS = ClassCosts({'road': 0, 'grass': 60}, {'tree': 90}, frozenset(['sky']))
TABLES = COSTS.tables(CLASSES)
HEIGHT_M = 1.5
SPEC = GridSpec(resolution_m=0.25, cells=120, max_range_m=20.0)
# From the optical frame (right, down, forward) to x ahead, y left, z up.
LEVEL = np.array(((0.0, 0, 1, 0), (-1, 0, 0, 0), (0, -1, 0, HEIGHT_M), (0, 0, 0, 1)))
VIEW = View(Intrinsics(200.0, 200.0, 159.5, 119.5, 320, 240), LEVEL)


def street():
    """Return labels and depth: road, grass left of it, a box 8 to 9 m ahead, sky."""
    rays = VIEW.rays()
    with np.errstate(divide='ignore'):
        depth = np.where(rays[2] < 0, HEIGHT_M / -rays[2], np.inf).astype(np.float32)
    with np.errstate(invalid='ignore'):
        left = rays[1] * depth > 2.0
    labels = np.where(np.isinf(depth), SKY, np.where(left, GRASS, ROAD)).astype(np.uint8)
    box = (np.abs(rays[1] * 8.0) < 0.9) & (np.abs(rays[2] * 8.0 + HEIGHT_M - 0.6) < 0.6)
    labels[box & (depth > 8.0)], depth[box & (depth > 8.0)] = CAR, 8.0
    return labels, depth


def cell(grid, x, y, spec=SPEC):
    """Return the cost of the cell that has a point of the robot frame inside."""
    half = spec.cells // 2
    row, column = (math.floor(value / spec.resolution_m) + half for value in (y, x))
    return int(grid[row, column])


def test_ground_obstacles_and_what_they_hide():
    """Cells have the cost of their class; those behind the box and the robot are unknown."""
    grid = observe(*street(), VIEW, TABLES, SPEC)
    assert cell(grid, 5.1, 0.1) == 0
    assert cell(grid, 5.1, 2.4) == 60
    for y in (-0.6, 0.1, 0.6):
        assert cell(grid, 8.1, y) == 100
        assert cell(grid, 9.6, y) == UNKNOWN
    assert cell(grid, -3.0, 0.1) == UNKNOWN
    assert cell(grid, 13.9, -6.0) == 0


def test_far_ground_has_no_gaps_between_the_rows_of_the_image():
    """At 15 m two rows of pixels are 0.8 m apart: the cells between them are known too."""
    labels, depth = street()
    labels[labels == CAR], depth[labels == CAR] = ROAD, np.nan
    grid = observe(labels, depth, VIEW, TABLES, SPEC)
    middle = SPEC.cells // 2
    ahead = grid[middle - 8, middle + 20 : middle + 60]
    assert (ahead == 0).all()


def test_things_above_the_robot_are_no_obstacles():
    """A branch at 3 m leaves the road below it free; at 1 m it does not."""
    labels, depth = street()
    wire = np.zeros_like(labels, bool)
    wire[79, 100:220] = True
    labels[wire], depth[wire] = TREE, 8.0
    assert cell(observe(labels, depth, VIEW, TABLES, SPEC), 8.1, -2.1) == 0
    labels[127:129, 230:250], depth[127:129, 230:250] = TREE, 6.0
    assert cell(observe(labels, depth, VIEW, TABLES, SPEC), 6.1, -2.4) == 90


def test_one_pixel_is_no_obstacle():
    """So many pixels as min_points are."""
    labels, depth = street()
    labels[200, 100] = CAR
    place = VIEW.rays()[:2, 200, 100] * depth[200, 100]
    assert cell(observe(labels, depth, VIEW, TABLES, SPEC), *place) == 0
    single = GridSpec(0.25, 120, 20.0, min_points=1)
    assert cell(observe(labels, depth, VIEW, TABLES, single), *place) == 100


def test_cells_are_those_of_the_frame_of_the_grid():
    """A robot that has driven and turned sees the box where it is in that frame."""
    placement = Placement(x=1000.1, y=-500.3, yaw=math.radians(90))
    grid = observe(*street(), VIEW, TABLES, SPEC, placement)
    left, low = placement.first_cell(SPEC)
    # The box begins 8 m ahead of a robot that looks along y.
    column = math.floor(1000.1 / 0.25) - left
    row = math.floor((-500.3 + 8.0) / 0.25) - low
    assert grid[row, column] == 100
    assert grid[row - 8, column] == 0


def test_a_flat_ground_stands_in_for_depth():
    """Ground is where the ray meets z = 0, an obstacle where the ground pixel below it ends."""
    labels, depth = street()
    flat = contact_depth(labels, VIEW, TABLES[1])
    ground = (labels == ROAD) | (labels == GRASS)
    np.testing.assert_allclose(flat[ground], depth[ground], rtol=1e-5)
    assert np.isnan(flat[labels == SKY]).all()
    boxes = flat[labels == CAR]
    # Two rows of pixels are 0.21 m apart at 8 m.
    assert np.nanmax(np.abs(boxes - 8.0)) < 0.25
    assert 0 < np.isfinite(boxes).sum() < 0.1 * boxes.size
    grid = observe(labels, flat, VIEW, TABLES, SPEC)
    assert cell(grid, 5.1, 0.1) == 0
    assert max(cell(grid, x, 0.1) for x in (7.9, 8.1)) == 100
    assert cell(grid, 9.6, 0.1) == UNKNOWN


@pytest.mark.parametrize('turns', [1, 2, 3])
def test_a_rotated_camera_sees_the_same_cells(turns):
    """Its pose says where down is in the image, with depth and without."""
    labels, depth = street()
    own, (height, width) = VIEW.intrinsics, labels.shape
    # A turn to the left of the picture is one of the camera's axes to the right.
    c, s = round(math.cos(turns * math.pi / 2)), round(math.sin(turns * math.pi / 2))
    turn = np.array(((c, -s, 0, 0), (s, c, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
    if turns % 2:
        intrinsics = Intrinsics(own.fy, own.fx, (height - 1) / 2, (width - 1) / 2, height, width)
    else:
        intrinsics = own
    view = View(intrinsics, LEVEL @ turn)
    turned = [np.ascontiguousarray(np.rot90(array, turns)) for array in (labels, depth)]
    expected = observe(labels, depth, VIEW, TABLES, SPEC)
    np.testing.assert_array_equal(observe(*turned, view, TABLES, SPEC) >= 0, expected >= 0)
    flat = contact_depth(labels, VIEW, TABLES[1])
    found = contact_depth(turned[0], view, TABLES[1])
    np.testing.assert_allclose(found, np.rot90(flat, turns), rtol=1e-4)


def test_an_image_without_depth_gives_an_unknown_grid():
    """An image of sky alone says nothing."""
    labels = np.full((240, 320), SKY, np.uint8)
    grid = observe(labels, np.full((240, 320), np.nan, np.float32), VIEW, TABLES, SPEC)
    assert (grid == UNKNOWN).all()


def test_arrays_of_another_size_are_refused():
    """Labels and depth have the size of the camera."""
    labels, depth = street()
    with pytest.raises(ValueError, match='expected labels and depth of'):
        observe(labels[1:], depth, VIEW, TABLES, SPEC)
