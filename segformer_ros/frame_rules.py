# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules about one camera frame that the live node and the bag path share."""

from __future__ import annotations

from collections.abc import Sequence
import functools
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics

DEPTH_ENCODINGS: tuple[str, ...] = ('32FC1', '16UC1')

# Of fields of view of 175 and 2 degrees.
_FX_PER_WIDTH = (0.0218, 28.65)


def intrinsics(
    k: Sequence[float] | None,
    info_hw: tuple[int, int] | None,
    image_hw: tuple[int, int],
    *,
    fov_deg: float = 0.0,
    focal_px: float | None = None,
) -> Intrinsics | None:
    """
    Decide which intrinsics hold for an image.

    A camera_info counts only when it is of the size of the image and is calibrated (K[0] is a
    positive finite number) and implausible_focal_length() has nothing to say about it.

    :param k: The 9 numbers of K of the latest camera_info that came before the image, or None.
    :param info_hw: Height and width of that camera_info, or None.
    :param image_hw: Height and width of the image.
    :param fov_deg: Horizontal field of view in degrees that replaces K; 0 uses K.
    :param focal_px: Focal length in pixels of the image that replaces both; None uses them.
    :returns: None where the camera is unknown: depth is then not scaled, and there are no points.
    :raises ValueError: fov_deg is not 0 and not between 0 and 180, or focal_px is not positive.
    """
    height, width = image_hw
    if focal_px is not None:
        if not 0.0 < focal_px < np.inf:
            raise ValueError(f'the focal length must be a positive number, not {focal_px}')
        return Intrinsics(focal_px, focal_px, width / 2.0, height / 2.0, width, height)
    if fov_deg:
        return Intrinsics.from_fov(width, height, fov_deg)
    if k is None or info_hw != image_hw or not (np.isfinite(k[0]) and k[0] > 0.0):
        return None
    if implausible_focal_length(k[0], width):
        return None
    return Intrinsics.from_k(k, width, height)


@functools.lru_cache(maxsize=64)
def implausible_focal_length(fx: float, width: int) -> str:
    """
    Say why a focal length cannot be that of an image of this width.

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
        fov_deg = half_degrees / 2.0
        wrong = 360.0 / (2.0 * math.tan(fov_deg) * math.pi)
        if math.isclose(ratio, wrong, rel_tol=1e-6):
            return (
                f'fx = {fx:.6g} is what CARLA up to 0.9.16 wrongly writes for a field of view of '
                f'{fov_deg:g} degrees'
            )
    if ratio > 0.0 and not _FX_PER_WIDTH[0] <= ratio <= _FX_PER_WIDTH[1]:
        return f'fx = {fx:.6g} cannot be right for an image of {width} pixels in width'
    return ''


def focal_length_px(
    k: Sequence[float] | None,
    info_hw: tuple[int, int] | None,
    image_hw: tuple[int, int],
    *,
    fov_deg: float = 0.0,
) -> float | None:
    """
    Decide which focal length holds for an image; the parameters are those of intrinsics().

    :returns: Pixels of the image, or None where the camera is unknown.
    """
    found = intrinsics(k, info_hw, image_hw, fov_deg=fov_deg)
    return None if found is None else found.fx


def depth_to_millimetres(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """
    Convert metres to the millimetres of a 16UC1 depth image (REP 118).

    :param depth: (H, W) metres; NaN, infinite and not positive values are unknown.
    :returns: (H, W), rounded to the nearest millimetre; 0 where the depth is unknown or beyond
        65.535 m, which is the most that 16 bits can hold.
    """
    with np.errstate(invalid='ignore', over='ignore'):
        millimetres = np.rint(depth * np.float32(1000.0))
        known = (millimetres >= 0.0) & (millimetres <= 65535.0)
    return np.where(known, millimetres, np.float32(0.0)).astype(np.uint16)


def encode_depth(
    depth: npt.NDArray[np.float32], encoding: str
) -> npt.NDArray[np.float32] | npt.NDArray[np.uint16]:
    """
    Give depth as the array that an image message of the encoding carries.

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
