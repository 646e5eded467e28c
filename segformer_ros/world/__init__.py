# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A procedural driving world, rendered on the CPU with exact labels and exact depth."""

from segformer_ros.world.classes import CLASS_IDS
from segformer_ros.world.frames import drive, random_frame, render
from segformer_ros.world.rig import CameraRig, Frame, Pose
from segformer_ros.world.scene import Scene, VARIETIES

__all__ = [
    'CLASS_IDS',
    'VARIETIES',
    'CameraRig',
    'Frame',
    'Pose',
    'Scene',
    'drive',
    'random_frame',
    'render',
]
