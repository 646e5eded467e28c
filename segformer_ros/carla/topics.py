# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the topics of CARLA and of its ROS bridge are called."""

from __future__ import annotations

ROLE_NAME = 'ego_vehicle'
RGB, LABELS, DEPTH = 'rgb_front', 'semantic_segmentation_front', 'depth_front'
"""The sensors that the built-in world and config/carla_objects.json have."""


def sensor_topic(role_name: str, sensor_id: str, name: str) -> str:
    """Name a topic of a sensor; the name is image or camera_info."""
    return f'/carla/{role_name}/{sensor_id}/{name}'
