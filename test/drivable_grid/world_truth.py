# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The built-in world from far above and from below: what is in each cell of the ground."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from segformer_ros import world
from segformer_ros.drivable_grid import GridSpec, View
from segformer_ros.world import frames
from segformer_ros.world.caster import bounds, cast
from segformer_ros.world.ground import cast_ground
from segformer_ros.world.rig import camera_of
from segformer_ros.world.shading import shade
from segformer_ros.world.shapes import invert

_FAR_M = 300.0
# Rays per cell and direction.
_SUB = 2


@dataclass(frozen=True)
class Truth:
    """
    A frame, its camera in the robot frame, and what is in the cells around the robot.

    ground is (cells, cells, rays) class ids of the ground; solid is the same of bool: whether
    something below the maximum height stands there.
    """

    frame: world.Frame
    view: View
    ground: np.ndarray
    solid: np.ndarray

    def nearest_obstacles(self, spec: GridSpec, range_m: float) -> np.ndarray:
        """Return the (cells, cells) cells with an obstacle that a flat ray of the camera meets."""
        occupied, found = self.solid.any(axis=-1), np.zeros(self.solid.shape[:2], bool)
        own, (x, y) = self.view.intrinsics, self.view.robot_from_camera[:2, 3]
        half = math.atan(own.width / 2 / own.fx)
        steps = np.arange(0.5, range_m, 0.05)
        for angle in np.linspace(-half, half, 721):
            column = np.floor((x + steps * math.cos(angle)) / spec.resolution_m).astype(int)
            row = np.floor((y + steps * math.sin(angle)) / spec.resolution_m).astype(int)
            column, row = column + spec.cells // 2, row + spec.cells // 2
            hit = np.flatnonzero(occupied[row, column])
            if hit.size:
                found[row[hit[0]], column[hit[0]]] = True
        return found


def look(seed: int, time_s: float, rig: world.CameraRig, spec: GridSpec) -> Truth:
    """Render a moment, and find out what is in each cell."""
    scene = world.Scene(seed)
    moment = scene.at(time_s)
    camera = camera_of(scene, rig, time_s, moment.origin, 0.0)
    ahead = np.array((*camera[4, :2], 0.0)) / np.hypot(*camera[4, :2])
    left = np.array((-ahead[1], ahead[0], 0.0))
    foot = camera[0] - np.array((0.0, 0.0, rig.height_m))
    count = spec.cells * _SUB
    focal = count / (spec.cells * spec.resolution_m) * _FAR_M
    land = frames._land(scene, moment.origin)
    inverse = invert(moment.rows)

    def straight(side: float):
        # Rows of the picture are y of the robot, columns x.
        place = foot + np.array((0.0, 0.0, side * _FAR_M))
        return np.array((place, ahead, left, (0.0, 0.0, -side), ahead))

    depth, owner = np.empty((count, count), np.float32), np.empty((count, count), np.int32)
    below, above = straight(-1.0), straight(1.0)
    box = bounds(moment.rows, below[:4], focal, count, count)
    seen = np.flatnonzero(box[:, 1] > box[:, 0])
    order = seen[np.argsort(box[seen, 4], kind='stable')]
    cast(moment.rows, inverse, order, box, below[:4], focal, land.noises, depth, owner)
    lowest = depth - _FAR_M
    depth[:], owner[:] = 1e9, -1
    cast_ground(above, focal, land, depth, owner)
    labels = np.empty((count, count), np.uint8)
    light = scene.light(time_s)
    ahead_of_above = np.array((*above[:3], ahead, ahead))
    shining = frames._shining(moment, inverse, light, ahead_of_above, foot[2], frames.Shot())
    colors = np.empty((count, count, 3), np.float32), np.empty((count, count), np.float32)
    shade(moment.rows, inverse, above, focal, land, shining, depth, owner, *colors, labels)
    solid = (lowest < _FAR_M) & (lowest - (_FAR_M - depth) < spec.max_height_m)
    frame = world.render(scene, rig, time_s)
    robot = np.stack([ahead, left, (0.0, 0.0, 1.0)])
    pose = np.eye(4)
    axes = (frame.pose.right, frame.pose.down, frame.pose.forward)
    pose[:3, :3] = robot @ np.array(axes).T
    pose[:3, 3] = robot @ (np.array(frame.pose.position_m) - moment.origin - foot)
    view = View(frame.intrinsics, pose)
    return Truth(frame, view, _by_cell(labels), _by_cell(solid))


def _by_cell(array: np.ndarray) -> np.ndarray:
    count = len(array) // _SUB
    parts = array.reshape(count, _SUB, count, _SUB).swapaxes(1, 2)
    return parts.reshape(count, count, _SUB * _SUB)
