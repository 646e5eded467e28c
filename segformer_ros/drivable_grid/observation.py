# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one image says about the cells of the ground."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics

UNKNOWN = -1
_NEAR_M = 0.1
# Gaps between two rows of ground pixels that are wider than this are no flat piece of ground.
_MAX_GAP_M = 2.0


@dataclass(frozen=True)
class GridSpec:
    """
    The cells, and what of the points counts.

    :param resolution_m: Edge of a cell.
    :param cells: Rows and columns of the grid.
    :param max_range_m: Points farther from the camera, along the optical axis, do not count.
    :param max_height_m: Nor do points so high above the ground: a robot passes below them.
    :param min_points: Pixels of an obstacle that make a cell one.
    """

    resolution_m: float = 0.2
    cells: int = 200
    max_range_m: float = 25.0
    max_height_m: float = 2.0
    min_points: int = 2


@dataclass(frozen=True)
class Placement:
    """Where the frame of the robot is in the frame of the grid: metres, radians."""

    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0

    def first_cell(self, spec: GridSpec) -> tuple[int, int]:
        """Return column and row, from the origin of the frame, of a grid with the robot inside."""
        half = spec.cells // 2
        cell = spec.resolution_m
        return math.floor(self.x / cell) - half, math.floor(self.y / cell) - half


@dataclass(frozen=True)
class View:
    """
    A camera.

    :param intrinsics: Of its images.
    :param robot_from_camera: (4, 4) from the optical frame to that of the robot (x ahead, y left,
        z up, z = 0 on the ground; REP 103).
    """

    intrinsics: Intrinsics
    robot_from_camera: npt.NDArray[np.float64]

    def rays(self) -> npt.NDArray[np.float32]:
        """Return (3, H, W): what each metre of depth moves a pixel's point in the robot frame."""
        own = self.intrinsics
        u = (np.arange(own.width) - own.cx) / own.fx
        v = (np.arange(own.height) - own.cy) / own.fy
        turn = self.robot_from_camera[:3, :3]
        rays = (
            turn[:, 0, np.newaxis, np.newaxis] * u[np.newaxis, np.newaxis, :]
            + turn[:, 1, np.newaxis, np.newaxis] * v[np.newaxis, :, np.newaxis]
            + turn[:, 2, np.newaxis, np.newaxis]
        )
        return rays.astype(np.float32)


def contact_depth(
    labels: npt.NDArray[np.uint8], view: View, stands: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """
    Measure depth by a flat ground at z = 0 of the robot frame, where no network measures it.

    :param labels: (H, W) class ids.
    :param stands: (256,) whether a class id is an obstacle.
    :returns: (H, W) metres along the optical axis; of an obstacle only where a pixel of the ground
        is below it in the image, which is where it stands; elsewhere, and above the horizon, NaN.
    """
    drop = view.rays()[2]
    height_m = np.float32(view.robot_from_camera[2, 3])
    with np.errstate(divide='ignore'):
        depth = np.where(drop < 0.0, height_m / -drop, np.float32(np.nan))
    obstacle = stands[labels]
    # Down in the image, which is another side of it where the camera is mounted rotated.
    right, down = -view.robot_from_camera[2, :2]
    axis = 0 if abs(down) >= abs(right) else 1
    step = 1 if (down, right)[axis] > 0.0 else -1
    contact = obstacle & ~np.roll(obstacle, -step, axis)
    contact[(slice(None),) * axis + (-1 if step > 0 else 0,)] = False
    depth[obstacle & ~contact] = np.nan
    return depth.astype(np.float32)


def observe(
    labels: npt.NDArray[np.uint8],
    depth: npt.NDArray[np.float32],
    view: View,
    tables: tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]],
    spec: GridSpec,
    placement: Placement | None = None,
) -> npt.NDArray[np.int8]:
    """
    Find the cost of every cell that an image shows.

    :param labels: (H, W) class ids.
    :param depth: (H, W) metres along the optical axis, not finite where unknown.
    :param tables: Of ClassCosts.tables.
    :param placement: Where the robot is; without, the grid is that of the robot frame.
    :returns: (cells, cells) costs of 0 to 100, row by row along y, UNKNOWN where nothing is seen;
        the first cell is that of Placement.first_cell. A cell has the highest cost of the
        obstacles with at least min_points in it, else the cost that most of its ground points
        have.
    :raises ValueError: The arrays are not of the size of the camera.
    """
    size = (view.intrinsics.height, view.intrinsics.width)
    if labels.shape != size or depth.shape != size:
        raise ValueError(f'expected labels and depth of {size}, got {labels.shape}, {depth.shape}')
    placement = placement or Placement()
    costs, stands = tables
    with np.errstate(invalid='ignore'):
        near = (depth > _NEAR_M) & (depth <= spec.max_range_m)
    # Whole rows: most of an image is sky and far away.
    rows = np.flatnonzero(near.any(axis=1))
    grid = np.full((spec.cells, spec.cells), UNKNOWN, np.int8)
    if not rows.size:
        return grid
    band = slice(rows[0], rows[-1] + 1)
    cost, obstacle, near = costs[labels[band]], stands[labels[band]], near[band]
    known = np.where(near, depth[band], np.float32(0.0))
    offset = view.robot_from_camera[:3, 3].astype(np.float32)[:, np.newaxis, np.newaxis]
    points = view.rays()[:, band] * known + offset
    use = near & (cost >= 0) & (points[2] < spec.max_height_m)
    cell = _cells(points, placement, spec)
    ground = use & ~obstacle
    places, values = [cell[ground]], [cost[ground]]
    # Of a camera that is mounted rotated the columns lie far apart.
    sides = (points, cost, ground), (points.swapaxes(1, 2), cost.T, ground.T)
    for side in sides:
        for more, of in _between_rows(*side, placement, spec):
            places.append(more)
            values.append(of)
    _vote(grid, np.concatenate(places), np.concatenate(values))
    standing = use & obstacle
    _mark(grid, cell[standing], cost[standing], spec.min_points)
    return grid


def _cells(
    points: npt.NDArray[np.float32], placement: Placement, spec: GridSpec
) -> npt.NDArray[np.int32]:
    """Return the flat index of the cell of each of (3, ...) points, cells² where outside."""
    c, s = np.float32(math.cos(placement.yaw)), np.float32(math.sin(placement.yaw))
    left, low = placement.first_cell(spec)
    scale = np.float32(1.0 / spec.resolution_m)
    # Relative to the robot first: float32 is too coarse for the places of a long drive.
    shift_x = np.float32(placement.x / spec.resolution_m - left)
    shift_y = np.float32(placement.y / spec.resolution_m - low)
    column = np.floor((c * points[0] - s * points[1]) * scale + shift_x).astype(np.int32)
    row = np.floor((s * points[0] + c * points[1]) * scale + shift_y).astype(np.int32)
    inside = (column >= 0) & (column < spec.cells) & (row >= 0) & (row < spec.cells)
    return np.where(inside, row * spec.cells + column, spec.cells**2).astype(np.int32)


def _between_rows(
    points: npt.NDArray[np.float32],
    cost: npt.NDArray[np.int8],
    ground: npt.NDArray[np.bool_],
    placement: Placement,
    spec: GridSpec,
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]]:
    """Find the cells between two pixels of one kind of ground, one above the other, far away."""
    step = points[:2, :-1] - points[:2, 1:]
    gap = np.hypot(step[0], step[1])
    pair = ground[:-1] & ground[1:] & (cost[:-1] == cost[1:])
    pair &= (gap > 0.5 * spec.resolution_m) & (gap < _MAX_GAP_M)
    if not pair.any():
        return []
    start, step, kind = points[:, 1:][:, pair], step[:, pair], cost[1:][pair]
    count = math.ceil(float(gap[pair].max()) / (0.5 * spec.resolution_m))
    found = []
    for part in range(1, count):
        between = start.copy()
        between[:2] += step * np.float32(part / count)
        found.append((_cells(between, placement, spec), kind))
    return found


def _vote(
    grid: npt.NDArray[np.int8], cell: npt.NDArray[np.int32], cost: npt.NDArray[np.int8]
) -> None:
    """Write the cost that most ground points of a cell have; of equal ones the higher."""
    most = np.zeros(grid.size, np.int64)
    flat = grid.reshape(-1)
    for value in np.unique(cost):
        votes = np.bincount(cell[cost == value], minlength=grid.size + 1)[: grid.size]
        wins = (votes >= most) & (votes > 0)
        flat[wins], most[wins] = value, votes[wins]


def _mark(
    grid: npt.NDArray[np.int8],
    cell: npt.NDArray[np.int32],
    cost: npt.NDArray[np.int8],
    min_points: int,
) -> None:
    """Write the costs of obstacles, the highest last."""
    flat = grid.reshape(-1)
    total = np.zeros(grid.size, np.int64)
    # From the highest: pixels of a costlier class count for the cheaper ones too.
    for value in np.unique(cost)[::-1]:
        total += np.bincount(cell[cost == value], minlength=grid.size + 1)[: grid.size]
        hit = (total >= min_points) & (flat < value)
        flat[hit] = value
