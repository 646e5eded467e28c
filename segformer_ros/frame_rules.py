# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules about one camera frame that the live node and the bag path share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics

DEPTH_ENCODINGS: tuple[str, ...] = ('32FC1', '16UC1')


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
    positive finite number).

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
    return Intrinsics.from_k(k, width, height)


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
