# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the world node."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.nodes.fixed_parameters import parameter

_FOR_EVER = (0, 1 << 31)


@dataclass(frozen=True)
class WorldParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    role_name: str = parameter('ego_vehicle', 'Role name of the vehicle in topics and frames.')
    seed: int = parameter(
        3, 'Seed of the world: the same seed gives the same pixels.', between=_FOR_EVER
    )
    time_of_day: str = parameter(
        '', 'Time of day: day, dusk, night, ...; empty = chosen by the seed.'
    )
    weather: str = parameter('', 'Weather: clear, rain, fog, ...; empty = chosen by the seed.')
    width: int = parameter(512, 'Width of the images in pixels.', between=(16, 8192))
    height: int = parameter(256, 'Height of the images in pixels.', between=(16, 8192))
    camera_fov_deg: float = parameter(
        80.0, 'Horizontal field of view in degrees.', between=(10.0, 170.0)
    )
    camera_height_m: float = parameter(
        1.5, 'Height of the camera above the road, in metres.', between=(0.3, 5.0)
    )
    camera_pitch_deg: float = parameter(
        2.0, 'Pitch of the camera in degrees; positive is downwards.', between=(-45.0, 45.0)
    )
    rate_hz: float = parameter(10.0, 'Frames per second of simulated time.', between=(0.1, 1000.0))
    real_time: bool = parameter(
        True, 'Never let simulated time run faster than real time; false = as fast as possible.'
    )
    lock_step: bool = parameter(
        False, 'Publish a frame only when the results for the previous frame have arrived.'
    )
    wait_for: tuple[str, ...] = parameter(
        ('label/image', 'depth/image'),
        'Topics (sensor_msgs/Image) of these results, which carry the stamp of the frame.',
    )
    wait_timeout_s: float = parameter(
        2.0, 'Maximum wait for the results of one frame, in seconds.', between=(0.01, 3600.0)
    )
    loop_frames: int = parameter(
        0,
        'Number of frames to render in advance and then repeat, which costs no time '
        'later; 0 = render while driving.',
        between=(0, 100000),
    )
    max_frames: int = parameter(0, 'Exit after this many frames; 0 = never.', between=_FOR_EVER)
    ground_truth: bool = parameter(True, 'Publish ground-truth labels and depth.')

    def __post_init__(self) -> None:
        if self.lock_step and not (self.wait_for and all(self.wait_for)):
            raise ValueError(f'lock_step needs topics in wait_for, not {list(self.wait_for)}')
