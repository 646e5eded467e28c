# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the evaluation node."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.carla.topics import DEPTH, LABELS
from segformer_ros.evaluation.drive import DriveOptions
from segformer_ros.nodes.fixed_parameters import parameter


@dataclass(frozen=True)
class EvaluationParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    role_name: str = parameter(
        'ego_vehicle', 'Role name of the vehicle in the ground-truth topics.'
    )
    ground_truth: bool = parameter(True, 'Compare with ground truth; false only measures rates.')
    label_sensor: str = parameter(LABELS, 'Id of the ground-truth label sensor, as in its topics.')
    depth_sensor: str = parameter(DEPTH, 'Id of the ground-truth depth sensor, as in its topics.')
    coding: str = parameter(
        'bridge',
        'Coding of the ground-truth labels: bridge (colours, as the CARLA ROS bridge and '
        'the built-in world write them) or native (tag in the red channel).',
    )
    tag_table: str = parameter(
        't3',
        'Semantic tags of the simulator: t1 up to CARLA 0.9.9, t2 to 0.9.13, t3 from 0.9.14, '
        't3_ue5 for 0.10, or auto for the installed client.',
    )
    label_set: str = parameter(
        'carla_0914',
        'Label set of the network; where it differs from the ground truth, classes of '
        'both are merged until they match.',
    )
    min_depth_m: float = parameter(
        0.5, 'Minimum ground-truth depth that is evaluated, in metres.', between=(0.001, 1000.0)
    )
    max_depth_m: float = parameter(
        80.0, 'Maximum ground-truth depth that is evaluated, in metres.', between=(0.001, 1000.0)
    )
    kept: int = parameter(32, 'Number of unmatched images kept per topic.', between=(1, 10000))
    max_frames: int = parameter(
        0,
        'Exit after this many evaluated label images (results, if ground_truth is '
        'false); 0 = never.',
        between=(0, 1 << 31),
    )
    duration_s: float = parameter(
        0.0, 'Exit this many seconds after the first result; 0 = never.', between=(0.0, 1e9)
    )
    report_period_s: float = parameter(
        1.0, 'Seconds between the rows of the table; 0 = no table.', between=(0.0, 3600.0)
    )
    window: int = parameter(
        50, 'Number of recent frames that the windowed figures cover.', between=(1, 10000)
    )
    summary: str = parameter('', 'JSON file to write at the end; empty = none.')
    report: str = parameter(
        '',
        'Folder for frames.csv, summary.json and evaluation.png, written at the end; '
        'empty = none.',
    )

    def __post_init__(self) -> None:
        self.drive_options()

    def drive_options(self) -> DriveOptions:
        """
        Return what the evaluation depends on.

        :raises ValueError: A value has no sense.
        """
        return DriveOptions(
            label_set=self.label_set,
            tag_table=self.tag_table,
            coding=self.coding,
            min_depth_m=self.min_depth_m,
            max_depth_m=self.max_depth_m,
            kept=self.kept,
            window=self.window,
        )
