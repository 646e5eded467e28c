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

    role_name: str = parameter('ego_vehicle', 'Name of the vehicle, in topics and frames.')
    seed: int = parameter(
        3, 'Which world: the same seed gives the same pixels.', between=_FOR_EVER
    )
    time_of_day: str = parameter('', 'Such as day, dusk or night; empty leaves it to the seed.')
    weather: str = parameter('', 'Such as clear, rain or fog; empty leaves it to the seed.')
    width: int = parameter(512, 'Of the images, in pixels.', between=(16, 8192))
    height: int = parameter(256, 'Of the images, in pixels.', between=(16, 8192))
    fov_deg: float = parameter(80.0, 'Horizontal field of view.', between=(10.0, 170.0))
    camera_height_m: float = parameter(1.5, 'Above the road.', between=(0.3, 5.0))
    camera_pitch_deg: float = parameter(2.0, 'Downwards is positive.', between=(-45.0, 45.0))
    rate_hz: float = parameter(
        10.0, 'Frames in a second of simulated time.', between=(0.1, 1000.0)
    )
    real_time: bool = parameter(
        True, 'Never let simulated time run faster than time; false is as fast as possible.'
    )
    lock_step: bool = parameter(
        False, 'Publish a frame only when the results for the frame before have come.'
    )
    wait_for: tuple[str, ...] = parameter(
        ('label/image', 'depth/image'),
        'Topics (sensor_msgs/Image) of these results; they carry the stamp of the frame.',
    )
    wait_timeout_s: float = parameter(
        2.0, 'Longest wait for the results of one frame.', between=(0.01, 3600.0)
    )
    loop_frames: int = parameter(
        0,
        'Render so many frames before the start and repeat them, which costs no time later; '
        '0 renders while driving.',
        between=(0, 100000),
    )
    frames: int = parameter(0, 'End after so many frames; 0 is never.', between=_FOR_EVER)
    ground_truth: bool = parameter(True, 'Publish true labels and true depth.')

    def __post_init__(self) -> None:
        if self.lock_step and not (self.wait_for and all(self.wait_for)):
            raise ValueError(f'lock_step needs topics in wait_for, not {list(self.wait_for)}')
