# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the topics of CARLA and of its ROS bridge are called."""

from __future__ import annotations

from collections.abc import Iterable

ROLE_NAME = 'ego_vehicle'
RGB, LABELS, DEPTH = 'rgb_front', 'semantic_segmentation_front', 'depth_front'
"""The sensors that the built-in world and config/carla_objects.json have."""


def sensor_topic(role_name: str, sensor_id: str, name: str) -> str:
    """Name a topic of a sensor; the name is image or camera_info."""
    return f'/carla/{role_name}/{sensor_id}/{name}'


_CAMERA, _VIEW = RGB.removesuffix('front'), 'front'


def truth_topic(image: str, role_name: str, sensor_id: str, *, alone: bool) -> str | None:
    """
    Name the ground truth of a camera.

    :param image: Topic of its images. The ground truth of .../rgb_VIEW/image is that of
        .../semantic_segmentation_VIEW and .../depth_VIEW.
    :param sensor_id: The sensor of rgb_front, which ends in 'front'; any other one is that of the
        camera itself.
    :param alone: Whether it is the only camera, whose images may be anywhere.
    :returns: None where the camera cannot have any.
    """
    start = sensor_topic(role_name, _CAMERA, '').rstrip('/')
    view = image.removeprefix(start).split('/')[0] if image.startswith(start) else ''
    if view and sensor_id.endswith(_VIEW):
        return sensor_topic(role_name, f'{sensor_id.removesuffix(_VIEW)}{view}', 'image')
    return sensor_topic(role_name, sensor_id, 'image') if alone else None


def all_truth(
    images: Iterable[str], role_name: str = '', sensor_ids: Iterable[str] = (LABELS, DEPTH)
) -> set[str]:
    """
    Name the topics that are the ground truth of a camera, whether they exist or not.

    :param images: All topics that may be a camera's.
    :param role_name: Of the vehicle; empty: of every vehicle that has a topic.
    :param sensor_ids: As of truth_topic.
    """
    names, sensors = list(images), list(sensor_ids)
    found = {name.split('/')[2] for name in names if name.startswith('/carla/')}
    topics = (
        truth_topic(name, role, sensor, alone=True)
        for name in names
        for role in ({role_name} if role_name else found)
        for sensor in sensors
    )
    return {topic for topic in topics if topic is not None}
