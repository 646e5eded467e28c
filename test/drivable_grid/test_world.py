# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drivable grid against the built-in world, where every cell is known."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from segformer_ros import Pipeline, world
from segformer_ros.drivable_grid import GridSpec, observe, read_costs, UNKNOWN
from segformer_ros.labels import CARLA_0914
from world_truth import look, Truth

RANGE_M = 15.0
SPEC = GridSpec(resolution_m=0.2, cells=160)
TABLES = read_costs().tables(CARLA_0914.classes)


def figures(truth: Truth, labels: np.ndarray, depth: np.ndarray) -> tuple[float, float]:
    """Return the share of known cells that are right, and that of nearest obstacles found."""
    grid = observe(labels, depth, truth.view, TABLES, SPEC)
    middle = (np.arange(SPEC.cells) - SPEC.cells // 2 + 0.5) * SPEC.resolution_m
    near = (np.hypot(middle, middle[:, np.newaxis]) < RANGE_M) & (middle > 0.0)
    known = (grid != UNKNOWN) & near
    assert known.sum() > 3000
    obstacle = grid >= 90
    occupied = truth.solid.any(axis=-1)
    ground = (TABLES[0][truth.ground] == grid[..., np.newaxis]).any(axis=-1)
    right = np.where(occupied, obstacle, ground & ~obstacle)
    seen = truth.nearest_obstacles(SPEC, RANGE_M)
    assert seen.sum() > 20
    within_a_cell = cv2.dilate(obstacle.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return float(right[known].mean()), float(within_a_cell[seen].mean())


@pytest.mark.parametrize(('seed', 'time_s'), [(3, 13.0), (4, 14.0), (5, 15.0), (6, 16.0)])
def test_cells_and_obstacles_are_right_with_the_labels_and_depth_of_the_ground_truth(seed, time_s):
    """Of the known cells 95 % are right; of the nearest obstacles 95 % are there within a cell."""
    truth = look(seed, time_s, world.CameraRig(512, 256), SPEC)
    right, recall = figures(truth, truth.frame.labels, truth.frame.depth)
    assert right >= 0.95
    assert recall >= 0.95


@pytest.mark.slow
def test_the_network_that_ships_finds_most_of_them():
    """With -s it prints the figures of docs/drivable_grid.md."""
    pipeline = Pipeline.load('world_b0_fast', threads=1)
    found = []
    for seed in range(3, 9):
        truth = look(seed, 10.0 + seed, world.CameraRig(1024, 512), SPEC)
        focal_px = truth.frame.intrinsics.fx
        prediction = pipeline.predict(truth.frame.image, focal_length_px=focal_px)
        found.append(figures(truth, prediction.labels, prediction.depth))
    right, recall = np.mean(found, axis=0)
    sys.stdout.write(f'cells right, obstacle recall: {np.round(found, 3).tolist()}\n')
    sys.stdout.write(f'mean: {right:.3f}, {recall:.3f}\n')
    assert right >= 0.8
    assert recall >= 0.8
