# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drivable grid against the built-in world, where every cell is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from segformer_ros import world
from segformer_ros.drivable_grid import GridSpec, observe, read_costs, UNKNOWN
from segformer_ros.labels import CARLA_0914
from world_truth import look

RANGE_M = 15.0
SPEC = GridSpec(resolution_m=0.2, cells=160)


@pytest.mark.parametrize(('seed', 'time_s'), [(3, 13.0), (4, 14.0), (5, 15.0), (6, 16.0)])
def test_cells_and_obstacles_are_right_with_the_labels_and_depth_of_the_ground_truth(seed, time_s):
    """Of the known cells 95 % are right; of the nearest obstacles 95 % are there within a cell."""
    truth = look(seed, time_s, world.CameraRig(512, 256), SPEC)
    tables = read_costs().tables(CARLA_0914.classes)
    grid = observe(truth.frame.labels, truth.frame.depth, truth.view, tables, SPEC)

    middle = (np.arange(SPEC.cells) - SPEC.cells // 2 + 0.5) * SPEC.resolution_m
    near = (np.hypot(middle, middle[:, np.newaxis]) < RANGE_M) & (middle > 0.0)
    known = (grid != UNKNOWN) & near
    obstacle = grid >= 90
    occupied = truth.solid.any(axis=-1)
    ground = (tables[0][truth.ground] == grid[..., np.newaxis]).any(axis=-1)
    right = np.where(occupied, obstacle, ground & ~obstacle)
    assert known.sum() > 3000
    assert right[known].mean() >= 0.95

    seen = truth.nearest_obstacles(SPEC, RANGE_M)
    within_a_cell = cv2.dilate(obstacle.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert seen.sum() > 30
    assert within_a_cell[seen].mean() >= 0.95
