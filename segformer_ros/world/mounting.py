# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How cameras are mounted on vehicles of real roads: anywhere, askew, behind a bonnet."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.classes import NONE
from segformer_ros.world.paintwork import PANEL
from segformer_ros.world.primitives import BOX, COAT, ELLIPSOID, Parts, place, Rows
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.rig import CameraRig
from segformer_ros.world.road_cars import BLACK, road_paint


def road_rig(rng: RandomSource, width: int, height: int) -> CameraRig:
    """Choose a camera: any lens from 35 to 110 degrees, mounted anywhere on a vehicle."""
    yaw = rng.uniform(-4.0, 4.0)
    kind = rng.uniform(0.0, 1.0)
    if kind < 0.10:
        yaw = rng.uniform(-110.0, 110.0)
    elif kind < 0.25:
        yaw = rng.uniform(-35.0, 35.0)
    roll = rng.uniform(-1.0, 1.0)
    return CameraRig(
        width,
        height,
        camera_fov_deg=rng.uniform(35.0, 110.0),
        height_m=rng.uniform(1.0, 2.2),
        pitch_deg=rng.uniform(-6.0, 6.0),
        yaw_deg=yaw,
        roll_deg=2.5 * roll * abs(roll),
    )


def bonnet(
    rng: RandomSource, rig: CameraRig, camera: npt.NDArray[np.float64], focal_px: float
) -> Rows | None:
    """
    Make the bonnet of the ego vehicle as the camera sees it; its class is `none`.

    :param camera: As of rig.camera_of.
    :param focal_px: Of the camera.
    :returns: Rows in the world frame; None where the camera sees none.
    """
    share = rng.uniform(0.02, 0.16)
    below = math.atan((0.5 - share) * rig.height / focal_px) + math.radians(rig.pitch_deg)
    if below < 0.12 or abs(rig.yaw_deg) > 30.0:
        return None
    parts = Parts()
    paint = road_paint(rng) if rng.chance(0.75) else BLACK
    half = (rng.uniform(0.7, 1.1), rng.uniform(0.75, 0.95), rng.uniform(0.15, 0.3))
    ahead = rng.uniform(0.5, 0.8)
    # The line of sight at that angle touches the ellipsoid.
    slope = math.tan(below)
    drop = slope * ahead + math.hypot(half[2], slope * half[0])
    param = (0.0, 0.0, 0.0, float(PANEL))
    dirt, seed = rng.uniform(0.0, 0.6), rng.integer(0, 65535)
    parts.add(
        ELLIPSOID,
        (ahead, 0.0, -drop),
        half,
        NONE,
        paint,
        material=COAT,
        param=param,
        cut=dirt,
        seed=seed,
        shadow=False,
    )
    if rng.chance(0.3):
        place_ = (ahead - 0.5 * half[0], 0.0, 0.05 - drop + half[2] * 0.85)
        parts.add(BOX, place_, (0.04, half[1] * 0.8, 0.02), NONE, BLACK, shadow=False)
    x, y, z = camera[0].tolist()
    yaw = math.atan2(camera[4, 1], camera[4, 0])
    poses = np.array([[x, y, z, yaw, camera[4, 2] / math.hypot(camera[4, 0], camera[4, 1])]])
    rows = parts.rows()
    moved: Rows = place(rows, np.array([0]), np.array([len(rows)]), poses)
    return moved
