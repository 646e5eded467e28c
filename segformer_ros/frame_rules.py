# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules about one camera frame that the live node and the bag path share."""

from __future__ import annotations

from dataclasses import dataclass
import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.image_encoding import DEPTH_ENCODINGS

# Of fields of view of 175 and 2 degrees.
_FX_PER_WIDTH = (0.0218, 28.65)


@dataclass(frozen=True)
class CameraModel:
    """
    What a sensor_msgs/CameraInfo says, as plain numbers.

    :param k: The 9 numbers of K, the camera matrix of the unrectified image; K[0] 0 is unknown.
    :param p: The 12 numbers of P, the projection of the rectified image; P[0] 0 is unknown.
    :param d: Those of the lens model; none or all 0 is no distortion.
    :param binning: Pixels that the camera made one of, in x and y.
    :param roi: Left, top, width and height of the part of the full image; width or height 0 is
        all of it.
    """

    width: int
    height: int
    k: tuple[float, ...]
    p: tuple[float, ...] = (0.0,) * 12
    d: tuple[float, ...] = ()
    binning: tuple[int, int] = (1, 1)
    roi: tuple[int, int, int, int] = (0, 0, 0, 0)

    @classmethod
    def from_message(cls, message: Any) -> CameraModel:
        """Take what counts of a message of ROS or of a bag."""
        roi = message.roi
        return cls(
            message.width,
            message.height,
            k=tuple(map(float, message.k)),
            p=tuple(map(float, message.p)),
            d=tuple(map(float, message.d)),
            binning=(max(1, message.binning_x), max(1, message.binning_y)),
            roi=(roi.x_offset, roi.y_offset, roi.width, roi.height),
        )

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the images that it is for: of its region, after binning."""
        _, _, width, height = self.roi
        return (height or self.height) // self.binning[1], (width or self.width) // self.binning[0]


@dataclass(frozen=True)
class Calibration:
    """
    What is known of the camera of an image.

    :param intrinsics: None where the camera is unknown: depth is then not scaled, and there are
        no points.
    :param source: What they are taken from: 'P of camera_info', 'K of camera_info', 'field of
        view' or 'focal length'; empty where the camera is unknown.
    :param problem: Why the camera is unknown; empty where it is known.
    :param wrong: That, where it is not only missing but of another camera.
    :param doubt: Why a known camera may not be that of the image; empty where there is no reason.
    :param fits: Whether there is a camera_info, and for images of this size.
    """

    intrinsics: Intrinsics | None = None
    source: str = ''
    problem: str = ''
    wrong: str = ''
    doubt: str = ''
    fits: bool = False

    @property
    def text(self) -> str:
        """The problem, or else the source with the focal length and any doubt."""
        if self.intrinsics is None:
            return self.problem
        known = f'{self.source}: fx {self.intrinsics.fx:.6g}, fy {self.intrinsics.fy:.6g}'
        return f'{known}; {self.doubt}' if self.doubt else known


@functools.lru_cache(maxsize=64)
def calibrate(
    model: CameraModel | None,
    image_hw: tuple[int, int],
    *,
    camera_fov_deg: float = 0.0,
    focal_px: float | None = None,
    topic: str = '',
) -> Calibration:
    """
    Decide which intrinsics hold for an image.

    A camera_info counts only where it is for images of this size. Of it P holds where P[0] is
    above 0, as in depth_image_proc, and else K. Binning and region are those of image_geometry:
    https://github.com/ros-perception/vision_opencv, pinhole_camera_model.cpp.

    :param model: The latest camera_info that came before the image, or None.
    :param image_hw: Height and width of the image.
    :param camera_fov_deg: Horizontal field of view that replaces camera_info; 0 uses it.
    :param focal_px: Focal length in pixels of the image that replaces both; None uses them.
    :param topic: Of the image; one named image_raw is not rectified.
    :raises ValueError: camera_fov_deg is not 0 and not between 0 and 180, or focal_px is not
        positive.
    """
    height, width = image_hw
    fits = model is not None and model.image_hw == image_hw
    if focal_px is not None:
        if not 0.0 < focal_px < np.inf:
            raise ValueError(f'the focal length must be a positive number, not {focal_px}')
        own = Intrinsics(focal_px, focal_px, width / 2.0, height / 2.0, width, height)
        return Calibration(own, 'focal length', fits=fits)
    if camera_fov_deg:
        return Calibration(
            Intrinsics.from_fov(width, height, camera_fov_deg), 'field of view', fits=fits
        )
    if model is None:
        return Calibration(problem='no camera_info')
    if not fits:
        found = f'{model.image_hw[1]}x{model.image_hw[0]}'
        problem = f'camera_info is for {found} images, not for {width}x{height}'
        return Calibration(problem=problem)
    return _from_model(model, topic)


def _from_model(model: CameraModel, topic: str) -> Calibration:
    """Take P or K of a camera_info for images of its size."""
    name = 'P' if model.p[0] > 0.0 else 'K'
    numbers, row = (model.p, 4) if name == 'P' else (model.k, 3)
    fx, cx, fy, cy = (numbers[index] for index in (0, 2, row + 1, row + 2))
    left, top, width, height = model.roi
    # Drivers exist that give the size of the region as that of the full image.
    full_w, full_h = max(model.width, left + width), max(model.height, top + height)
    why = implausible_focal_length(fx, full_w) if math.isfinite(fx) else ''
    if not why and 0.0 < fy < math.inf and not _is_plausible(fy / full_w):
        why = f'fy = {fy:.6g} cannot be right for an image of {full_w} pixels in width'
    if why:
        wrong = f'camera_info is wrong: {why}'
        return Calibration(problem=wrong, wrong=wrong, fits=True)
    flaw = Intrinsics(fx, fy, cx, cy, full_w, full_h).flaw()
    if flaw:
        return Calibration(problem=f'camera_info is not calibrated ({name}: {flaw})', fits=True)
    x, y = (1.0 / factor for factor in model.binning)
    height, width = model.image_hw
    own = Intrinsics(fx * x, fy * y, (cx - left) * x, (cy - top) * y, width, height)
    return Calibration(own, f'{name} of camera_info', doubt=_doubt(model, name, topic), fits=True)


def _doubt(model: CameraModel, name: str, topic: str) -> str:
    """Describe why the image is perhaps not rectified; '' where nothing suggests it."""
    if not any(model.d):
        return ''
    advice = 'take the rectified image (image_proc makes it)'
    if name == 'K':
        return f'camera_info has a lens model (D) and no P, so its image is distorted: {advice}'
    if np.allclose(np.delete(model.p, (3, 7, 11)), model.k):
        return f'camera_info has a lens model (D), but its P equals K: {advice}'
    if 'image_raw' in topic.split('/'):
        return f'P of camera_info is for the rectified image, {topic} is the raw one: {advice}'
    return ''


@functools.lru_cache(maxsize=64)
def implausible_focal_length(fx: float, width: int) -> str:
    """
    Describe why a focal length cannot be that of an image of this width.

    The camera_info of CARLA up to 0.9.16, without its ROS bridge, holds width / (2 tan(fov)
    pi / 360) with the field of view in degrees under a tangent of radians
    (github.com/carla-simulator/carla/pull/9462). That is often absurd, and sometimes not: for 80
    degrees it looks like a telephoto lens. Whole and half degrees are therefore recognised.

    :param fx: Pixels, as in K[0]; zero, negative and not finite ones are no focal lengths at all,
        and only recognised where they are CARLA's.
    :returns: A clause, or '' where nothing is wrong with it.
    """
    ratio = fx / width
    for half_degrees in range(2, 360):
        camera_fov_deg = half_degrees / 2.0
        wrong = 360.0 / (2.0 * math.tan(camera_fov_deg) * math.pi)
        if math.isclose(ratio, wrong, rel_tol=1e-6):
            return (
                f'fx = {fx:.6g} is what CARLA up to 0.9.16 wrongly writes for a field of view of '
                f'{camera_fov_deg:g} degrees'
            )
    if fx > 0.0 and not _is_plausible(ratio):
        return f'fx = {fx:.6g} cannot be right for an image of {width} pixels in width'
    return ''


def _is_plausible(ratio: float) -> bool:
    low, high = _FX_PER_WIDTH
    return low <= ratio <= high


def forget_unsure(
    depth: npt.NDArray[np.float32], confidence: npt.NDArray[np.uint8], minimum: float
) -> None:
    """
    Make depths unknown that are not sure enough.

    :param depth: (H, W) metres, changed; what is not finite stays as it is, such as a far sky.
    :param confidence: (H, W) probability times 255.
    :param minimum: Probability, 0 to 1, below which depth becomes NaN.
    """
    unsure = confidence < np.float32(255.0 * minimum)
    depth[unsure & np.isfinite(depth)] = np.nan


def depth_to_millimetres(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """
    Convert metres to the millimetres of a 16UC1 depth image (REP 118).

    :param depth: (H, W) metres; NaN, infinite and not positive values are unknown.
    :returns: (H, W), rounded to the nearest millimetre; 0 where the depth is unknown or beyond
        65.535 m, which is the most that 16 bits can hold.
    """
    with np.errstate(invalid='ignore', over='ignore'):
        millimetres = depth * np.float32(1000.0)
        np.rint(millimetres, out=millimetres)
        known = (millimetres >= 0.0) & (millimetres <= 65535.0)
        # What is not known may become any number here.
        found = millimetres.astype(np.uint16)
    found *= known
    return found


def encode_depth(
    depth: npt.NDArray[np.float32], encoding: str
) -> npt.NDArray[np.float32] | npt.NDArray[np.uint16]:
    """
    Return depth as the array that an image message of the encoding carries.

    :param depth: (H, W) metres, NaN where unknown.
    :param encoding: '32FC1' (metres, unchanged) or '16UC1' (millimetres, 0 where unknown).
    :raises ValueError: There is no depth image of this encoding.
    """
    if encoding == '32FC1':
        return depth
    if encoding == '16UC1':
        return depth_to_millimetres(depth)
    raise ValueError(
        f'depth encoding must be one of {", ".join(DEPTH_ENCODINGS)}, not {encoding!r}'
    )
