# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The plane of the road in the depth of one frame, and the scale of depth that follows.

A plane n X = h (n its unit normal, h the height of the camera above it) has an inverse depth that
is affine in the image: 1 / Z = n (x, y, 1) / h with x = (u - cx) / fx and y = (v - cy) / fy
(Longuet-Higgins, The visual ambiguity of a moving plane, 1984). So of the pixels labelled road one
affine map says how high the camera is by the depth of the network; OpenCV fits it with RANSAC. An
inverse depth of unknown scale s and shift t has n / h = s (a, b, c) + (0, 0, t): where the pitch
of the camera is known, that gives both.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

MIN_PIXELS, MIN_INLIERS = 200, 0.4
"""A frame without so many pixels of road, or so large a part of them in one plane, is refused."""
FACTORS = (0.2, 5.0)
"""A factor outside is refused for depth in metres."""
MAX_TILT_DEG = 30.0
"""A plane whose normal is further from the vertical of the image is no road."""
_MOST_PIXELS = 4000
_INLIER = 0.1


@dataclass(frozen=True)
class RoadFit:
    """
    What one frame says.

    For depth: metres = factor x depth. For inverse depth: 1 / metres = factor x value + shift.
    spread is the median absolute deviation of the road from its plane, relative. refused is why
    the frame says nothing, empty where it does.
    """

    factor: float
    shift: float
    spread: float
    refused: str = ''


def fit_road(
    value: FloatArray,
    labels: Image,
    road_ids: npt.NDArray[np.uint8],
    intrinsics: Intrinsics,
    *,
    height_m: float,
    pitch_deg: float,
    inverse: bool,
) -> RoadFit:
    """
    Fit the plane of the road of one frame.

    :param value: (H, W) depth, NaN where unknown, or inverse depth.
    :param labels: (H, W) class ids.
    :param road_ids: Ids of the classes that lie in the plane.
    :param intrinsics: Of this image.
    :param height_m: Of the camera above the road.
    :param pitch_deg: How far the camera looks down; for inverse depth alone.
    :param inverse: Whether value is an inverse depth of unknown scale and shift.
    """
    rows, columns = np.nonzero(np.isin(labels, road_ids))
    if rows.size < MIN_PIXELS:
        return refused(f'{rows.size} pixels of road, {MIN_PIXELS} are needed')
    # Evenly over the rows: near pixels are many, and say the same.
    step = max(1, rows.size // _MOST_PIXELS)
    rows, columns = rows[::step], columns[::step]
    found = value[rows, columns].astype(np.float64)
    known = np.isfinite(found) & ((found > 0.0) | inverse)
    x = ((columns[known] - intrinsics.cx) / intrinsics.fx).astype(np.float64)
    y = ((rows[known] - intrinsics.cy) / intrinsics.fy).astype(np.float64)
    target = found[known] if inverse else 1.0 / found[known]
    if target.size < MIN_PIXELS // 4:
        return refused('the depth of the road is unknown')
    plane, spread, inliers = _plane(x, y, target, inverse=inverse)
    if inliers < MIN_INLIERS:
        return refused(f'only {inliers:.0%} of the road lies in one plane')
    a, b, c = plane
    if inverse:
        return _shifted(a, b, c, spread, height_m, math.radians(pitch_deg))
    size = math.sqrt(a * a + b * b + c * c)
    if size == 0.0 or math.degrees(math.acos(min(1.0, max(-1.0, b / size)))) > MAX_TILT_DEG:
        return refused('the plane of the road is not below the camera')
    factor = height_m * size
    if not FACTORS[0] <= factor <= FACTORS[1]:
        return refused(f'a factor of {factor:.2g}, outside {FACTORS[0]:g} to {FACTORS[1]:g}')
    return RoadFit(factor, 0.0, spread)


def _plane(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    *,
    inverse: bool,
) -> tuple[tuple[float, float, float], float, float]:
    """Fit target = a x + b y + c; give it, the relative deviation and the part of inliers."""
    # An unknown shift says nothing of how large the values are, but how far they are apart does.
    unit = float(np.median(np.abs(target - np.median(target)) if inverse else target)) or 1.0
    points = np.stack((x, y), axis=1)
    # An affine map of the plane to a plane, whose second value is x itself. It must not be y: of a
    # level road all goals would lie on one line, and OpenCV refuses every sample that does.
    goals = np.stack((target / unit, x), axis=1)
    cv2.setRNGSeed(1)
    matrix, mask = cv2.estimateAffine2D(
        points, goals, method=cv2.RANSAC, ransacReprojThreshold=_INLIER, confidence=0.999
    )
    if matrix is None:
        return (0.0, 0.0, 0.0), math.inf, 0.0
    a, b, c = (float(number) * unit for number in matrix[0])
    inside = mask.ravel().astype(bool)
    error = np.abs(a * x + b * y + c - target)[inside] / np.maximum(np.abs(target[inside]), 1e-9)
    return (a, b, c), float(np.median(error)), float(inside.mean())


def _shifted(
    a: float, b: float, c: float, spread: float, height_m: float, pitch: float
) -> RoadFit:
    across = math.hypot(a, b)
    if across == 0.0 or math.degrees(math.atan2(abs(a), b)) > MAX_TILT_DEG:
        return refused('the plane of the road is not below the camera')
    scale = math.cos(pitch) / (height_m * across)
    return RoadFit(scale, math.sin(pitch) / height_m - scale * c, spread)


def refused(why: str) -> RoadFit:
    """Return the fit of a frame that says nothing."""
    return RoadFit(math.nan, math.nan, math.nan, why)
