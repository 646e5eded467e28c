# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras on the ego vehicle, and the frames they give."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.world.scene import Scene


@dataclass(frozen=True)
class CameraRig:
    """
    A camera on the ego vehicle.

    :param camera_fov_deg: Horizontal field of view.
    :param height_m: Above the ground.
    :param pitch_deg: Positive looks down.
    :param yaw_deg: Positive looks to the left.
    :param roll_deg: Positive turns the camera clockwise, as one looks through it.
    """

    width: int = 512
    height: int = 256
    camera_fov_deg: float = 80.0
    height_m: float = 1.5
    pitch_deg: float = 2.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16:
            raise ValueError(f'expected at least 16 x 16 pixels, got {self.width} x {self.height}')


@dataclass(frozen=True)
class Pose:
    """Where a camera is in the world (x, y, z up, metres) and where its axes point."""

    position_m: tuple[float, ...] = (0.0, 0.0, 0.0)
    right: tuple[float, ...] = (0.0, -1.0, 0.0)
    down: tuple[float, ...] = (0.0, 0.0, -1.0)
    forward: tuple[float, ...] = (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Frame:
    """
    One picture with its truth.

    image is (H, W, 3) uint8 RGB; labels is (H, W) uint8 ids of CARLA_0914; depth is (H, W)
    float32 metres along the optical axis, +inf for the sky.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    intrinsics: Intrinsics
    time_s: float
    pose: Pose = Pose()


def intrinsics_of(rig: CameraRig) -> Intrinsics:
    """Return the intrinsics; pixel (0, 0) has its middle at (0, 0), as in OpenCV and ROS."""
    focal = Intrinsics.from_fov(rig.width, rig.height, rig.camera_fov_deg).fx
    middle = 0.5 * (rig.width - 1), 0.5 * (rig.height - 1)
    return Intrinsics(focal, focal, *middle, rig.width, rig.height)


def camera_of(
    scene: Scene, rig: CameraRig, time_s: float, origin: npt.NDArray[np.float64], aside: float
) -> npt.NDArray[np.float64]:
    """Return (5, 3): position, right, down, forward of the camera; direction of the vehicle."""
    street = scene.street
    x, t = scene.traffic.ego_place(time_s)
    foot = np.array(street.point(x, t + aside)) - origin
    slope = math.atan(street.grade(x) / street.stretch(x))
    sway = 0.0025 * math.sin(3.1 * time_s + scene.seed % 7) + 0.0015 * math.sin(7.3 * time_s)
    out = np.empty((5, 3))
    out[0] = foot + np.array((0.0, 0.0, rig.height_m + 2.0 * sway))
    for row, extra in ((4, 0.0), (3, math.radians(rig.yaw_deg))):
        yaw = street.yaw(x) + extra
        pitch = slope * math.cos(extra) - (math.radians(rig.pitch_deg) + sway if row == 3 else 0.0)
        flat = math.cos(pitch)
        out[row] = flat * math.cos(yaw), flat * math.sin(yaw), math.sin(pitch)
    out[1] = math.sin(yaw), -math.cos(yaw), 0.0
    out[2] = np.cross(out[3], out[1])
    if rig.roll_deg:
        c, s = math.cos(math.radians(rig.roll_deg)), math.sin(math.radians(rig.roll_deg))
        out[1:3] = c * out[1] + s * out[2], c * out[2] - s * out[1]
    return out
