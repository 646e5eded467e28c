# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a demonstration shows: which node is the camera, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

_VEHICLE = '/carla/ego_vehicle'

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """
    The camera of a demonstration and what is done with its images.

    :param source: Module of the node that publishes the camera.
    :param source_parameters: Its parameters.
    :param source_namespace: Its namespace.
    :param camera: Namespace of image and camera_info.
    :param segformer_parameters: Those of segformer_node next to the model.
    :param ground_truth: Whether the source publishes the truth.
    :param recorded: Topic by the field of Moment that is read from it.
    :param preparing: Said until the first result comes.
    :param also_recorded: Further topics.
    :param waits_for_recorder: Whether the source starts when the results are being recorded, so
        that none is missed; what it publishes itself cannot be recorded then.
    """

    source: str
    source_parameters: Parameters
    camera: str
    ground_truth: bool
    recorded: Mapping[str, str]
    preparing: str
    also_recorded: tuple[str, ...] = ()
    waits_for_recorder: bool = False
    source_namespace: str = '/'
    segformer_parameters: Parameters = field(default_factory=dict)

    @property
    def image(self) -> str:
        """Name the topic of the camera image."""
        return f'{self.camera}/image'

    @property
    def camera_info(self) -> str:
        """Name the topic of its camera_info."""
        return f'{self.camera}/camera_info'


def world_scenario(*, seed: int, rate_hz: float, width: int, height: int) -> Scenario:
    """Drive through the built-in world, which waits for the results of every frame."""
    return Scenario(
        source='world_node',
        source_parameters={
            'seed': seed,
            'rate_hz': rate_hz,
            'width': width,
            'height': height,
            'lock_step': True,
        },
        camera=f'{_VEHICLE}/rgb_front',
        ground_truth=True,
        recorded={
            'image': f'{_VEHICLE}/rgb_front/image',
            'labels': '/label/image',
            'depth': '/depth/image',
            'true_labels': f'{_VEHICLE}/semantic_segmentation_front/image',
            'true_depth': f'{_VEHICLE}/depth_front/image',
        },
        also_recorded=(
            f'{_VEHICLE}/rgb_front/camera_info',
            '/label/classes',
            '/segformer_node/frame_stats',
        ),
        preparing='preparing the world and the network (first time: half a minute)',
    )


def video_scenario(path: Path, *, camera_fov_deg: float) -> Scenario:
    """
    Play a video at its own rate, whether the network keeps up or not.

    The images are not recorded: the video has them already. The first result must not be missed:
    it tells when the video began.

    :param camera_fov_deg: Horizontal field of view of its camera; 0 is unknown.
    """
    return Scenario(
        source='replay_node',
        source_parameters={
            'input': str(path),
            'camera_fov_deg': camera_fov_deg,
            'wait_for_subscribers_s': 120.0,
        },
        source_namespace='/camera',
        camera='/camera',
        ground_truth=False,
        recorded={'labels': '/label/image', 'depth': '/depth/image'},
        also_recorded=('/label/camera_info', '/depth/camera_info'),
        preparing='preparing the network',
        waits_for_recorder=True,
        segformer_parameters={'depth_encoding': '16UC1'},
    )


def ros_arguments(
    parameters: Parameters, remappings: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Write parameters and remappings as the arguments of a node's process."""
    words = ['--ros-args']
    for name, value in parameters.items():
        # JSON is YAML, and says text as text and true as true.
        words += ['-p', f'{name}:={json.dumps(value)}']
    for source, target in (remappings or {}).items():
        words += ['-r', f'{source}:={target}']
    return tuple(words)
