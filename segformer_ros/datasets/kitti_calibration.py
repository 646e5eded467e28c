# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rectified cameras of KITTI, from calib_cam_to_cam.txt."""

from __future__ import annotations

from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import check_intrinsics, DatasetError
from segformer_ros.datasets.storage import Storage


def read_intrinsics(
    storage: Storage, name: str, camera: int, width: int, height: int
) -> Intrinsics:
    """
    Read the intrinsics of a rectified camera.

    :param camera: 2 is the left colour camera, 3 the right one.
    :param width: Of the image, which is that of the calibration or a resized one; with height.
    :raises DatasetError: There is no such file, or the camera is not in it or not calibrated.
    """
    rows = {}
    for line in storage.read(name).decode('ascii', 'replace').splitlines():
        key, _, values = line.partition(':')
        rows[key] = values.split()
    try:
        size = [float(value) for value in rows[f'S_rect_{camera:02d}']]
        p = [float(value) for value in rows[f'P_rect_{camera:02d}']]
        own = Intrinsics(p[0], p[5], p[2], p[6], round(size[0]), round(size[1]))
    except (KeyError, IndexError, ValueError) as error:
        raise DatasetError(
            f'expected S_rect_{camera:02d} and P_rect_{camera:02d} in {name} of {storage.path}, '
            'found none that can be read'
        ) from error
    return check_intrinsics(own, f'{name} of {storage.path}').resized(width, height)
