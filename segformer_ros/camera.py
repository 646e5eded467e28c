# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pinhole camera: intrinsics, and points from depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Intrinsics:
    """Focal lengths and principal point of an undistorted camera, all in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @classmethod
    def from_fov(cls, width: int, height: int, camera_fov_deg: float) -> Intrinsics:
        """
        Make the intrinsics of a CARLA camera.

        :param camera_fov_deg: Horizontal field of view in degrees, between 0 and 180.
        :raises ValueError: The field of view is outside its range.
        """
        if not 0.0 < camera_fov_deg < 180.0:
            raise ValueError(f'camera_fov_deg must be between 0 and 180, not {camera_fov_deg}')
        focal = width / (2.0 * math.tan(math.radians(camera_fov_deg) / 2.0))
        return cls(focal, focal, width / 2.0, height / 2.0, width, height)

    @classmethod
    def from_k(cls, k9: Sequence[float], width: int, height: int) -> Intrinsics:
        """
        Take the intrinsics from a camera matrix, whatever flaw() they have.

        :param k9: The 3 x 3 matrix, row by row.
        :raises ValueError: K does not have 9 numbers.
        """
        if len(k9) != 9:
            raise ValueError(f'expected the 9 numbers of K, got {len(k9)}')
        return cls(float(k9[0]), float(k9[4]), float(k9[2]), float(k9[5]), width, height)

    def flaw(self, *, part: bool = False) -> str:
        """
        Describe why these are not the intrinsics of a camera.

        :param part: The image may be a part of what the camera sees: its principal point may lie
            anywhere.
        :returns: Such as 'fy = 0'; empty where every focal length is positive and finite and the
            principal point lies in the image.
        """
        for name, value in (('fx', self.fx), ('fy', self.fy)):
            if not 0.0 < value < math.inf:
                return f'{name} = {value:g}'
        for name, value, size in (('cx', self.cx, self.width), ('cy', self.cy, self.height)):
            if not (math.isfinite(value) if part else 0.0 <= value <= size):
                return f'{name} = {value:g} in an image of {self.width}x{self.height}'
        return ''

    def focal_across(self, rotation: int) -> float:
        """Return the horizontal focal length of the image turned by 0, 90, 180 or 270 degrees."""
        return self.fy if rotation in {90, 270} else self.fx

    def resized(self, width: int, height: int) -> Intrinsics:
        """Return the intrinsics of the same view in another size."""
        x, y = width / self.width, height / self.height
        return Intrinsics(self.fx * x, self.fy * y, self.cx * x, self.cy * y, width, height)


def back_project(
    depth: npt.NDArray[np.float32], intrinsics: Intrinsics
) -> npt.NDArray[np.float32]:
    """
    Compute the point of every pixel in the optical frame (x right, y down, z forward).

    Pixel (row, column) looks through (column, row), as in OpenCV and ROS (depth_image_proc gives
    the same points from the same camera_info).

    :param depth: (H, W) metres along the optical axis, NaN where unknown.
    :returns: (H, W, 3) metres, NaN where depth is NaN.
    :raises ValueError: The depth image is not of the size of the intrinsics.
    """
    if depth.shape != (intrinsics.height, intrinsics.width):
        raise ValueError(
            f'expected a ({intrinsics.height}, {intrinsics.width}) depth image, got {depth.shape}'
        )
    x = (np.arange(intrinsics.width, dtype=np.float32) - intrinsics.cx) / intrinsics.fx
    y = (np.arange(intrinsics.height, dtype=np.float32) - intrinsics.cy) / intrinsics.fy
    points = np.empty((*depth.shape, 3), np.float32)
    points[..., 0] = x[np.newaxis, :] * depth
    points[..., 1] = y[:, np.newaxis] * depth
    points[..., 2] = depth
    return points
