# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node that publishes the drivable grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segformer_ros.drivable_grid import ClassCosts, GridSpec, read_costs
from segformer_ros.labels import label_set
from segformer_ros.nodes.fixed_parameters import check_cameras, parameter


@dataclass(frozen=True)
class GridParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    cameras: tuple[str, ...] = parameter(
        ('',), 'Camera namespaces, as those of segformer_node; all of them share one grid.'
    )
    frame: str = parameter(
        'odom',
        'Frame of the grid. A fixed frame remembers what the robot has passed; robot_frame does '
        'not know that the robot moves, so keep_s should be 0.',
    )
    robot_frame: str = parameter(
        'base_link',
        'Frame of the robot, in the middle of the grid, with z = 0 on the ground; use '
        'base_footprint where base_link is above the ground.',
    )
    depth: bool = parameter(
        True, 'Use depth/image; false assumes a flat ground at z = 0 of robot_frame.'
    )
    min_depth_confidence: float = parameter(
        0.0,
        'Minimum confidence of depth, 0 to 1, in depth/confidence/image of the same stamp; pixels '
        'below it count as unseen. 0 uses all, and does not subscribe to it.',
        between=(0.0, 1.0),
    )
    camera_height_m: float = parameter(
        0.0,
        'Height above the ground in metres of a camera that looks ahead without roll; 0 = ask '
        'tf2 for its pose.',
        between=(0.0, 100.0),
    )
    camera_pitch_deg: float = parameter(
        0.0, 'Pitch of such a camera in degrees; positive looks down.', between=(-90.0, 90.0)
    )
    costs: str = parameter(
        '', 'YAML file with the cost of each class; empty = the table that ships.'
    )
    label_set: str = parameter(
        '', 'Label set of the network; empty = read its classes from label/classes or label/info.'
    )
    rate_hz: float = parameter(5.0, 'Maximum number of grids per second.', between=(0.1, 100.0))
    resolution_m: float = parameter(0.2, 'Edge of a cell in metres.', between=(0.01, 10.0))
    size_m: float = parameter(40.0, 'Edge of the square grid in metres.', between=(1.0, 1000.0))
    max_range_m: float = parameter(
        20.0, 'Maximum depth that counts, in metres.', between=(0.1, 1000.0)
    )
    max_height_m: float = parameter(
        2.0,
        'Height above the ground in metres from which on the robot passes below.',
        between=(0.0, 100.0),
    )
    min_points: int = parameter(
        2, 'Number of obstacle pixels that make a cell an obstacle.', between=(1, 10000)
    )
    stride: int = parameter(
        2, 'Use every n-th pixel of every n-th row; 1 uses all.', between=(1, 64)
    )
    keep_s: float = parameter(
        3.0,
        'Seconds after which an unseen cell becomes unknown; 0 keeps only the newest image.',
        between=(0.0, 3600.0),
    )
    tf_timeout_s: float = parameter(
        0.5,
        'Seconds that an image waits for its transforms before it is dropped.',
        between=(0.0, 60.0),
    )

    def __post_init__(self) -> None:
        """
        Check the values.

        :raises ValueError: A value has no sense, or contradicts another one.
        """
        check_cameras(self.cameras)
        if not self.frame or not self.robot_frame:
            raise ValueError('frame and robot_frame must not be empty')
        if self.camera_height_m and len(self.cameras) > 1:
            raise ValueError(
                'camera_height_m places one camera alone: leave it at 0 and publish the poses of '
                f'the {len(self.cameras)} cameras on /tf_static'
            )
        if self.min_depth_confidence and not self.depth:
            raise ValueError(
                'min_depth_confidence is about depth: leave it at 0 with depth:=false'
            )
        if not 4 <= self.spec.cells <= 4000:
            raise ValueError(
                f'a grid of {self.size_m:g} m with cells of {self.resolution_m:g} m has '
                f'{self.spec.cells} cells in a row: expected 4 to 4000'
            )
        if self.label_set:
            label_set(self.label_set)
        self.read_costs()

    @property
    def spec(self) -> GridSpec:
        """The cells, and what counts."""
        cells = 2 * round(self.size_m / self.resolution_m / 2)
        limits = self.max_range_m, self.max_height_m, self.min_points
        return GridSpec(self.resolution_m, cells, *limits)

    def read_costs(self) -> ClassCosts:
        """
        Read the table of costs.

        :raises ValueError: The file is not there or not such a table.
        """
        return read_costs(Path(self.costs).expanduser() if self.costs else None)
