# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the evaluation node."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.carla.topics import DEPTH, LABELS
from segformer_ros.judge.drive import JudgeOptions
from segformer_ros.nodes.fixed_parameters import parameter


@dataclass(frozen=True)
class EvaluationParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    role_name: str = parameter('ego_vehicle', 'Name of the vehicle in the topics of the truth.')
    ground_truth: bool = parameter(True, 'Compare with the truth; false only measures rates.')
    label_sensor: str = parameter(LABELS, 'Sensor of the true labels, in its topics.')
    depth_sensor: str = parameter(DEPTH, 'Sensor of the true depth, in its topics.')
    coding: str = parameter(
        'bridge',
        'Of the true labels: colours of the ROS bridge (and of the built-in world), or native, '
        'which is the tag in the red channel.',
    )
    tag_table: str = parameter(
        't3',
        'Semantic tags of the simulator: t1 up to CARLA 0.9.9, t2 to 0.9.13, t3 from 0.9.14, '
        't3_ue5 for 0.10, or auto for the installed client.',
    )
    label_set: str = parameter(
        'carla_0914', 'Classes of the network; where they differ, both are united until they fit.'
    )
    min_depth_m: float = parameter(
        0.5, 'Nearest true depth that is judged.', between=(0.001, 1000.0)
    )
    max_depth_m: float = parameter(
        80.0, 'Farthest true depth that is judged.', between=(0.001, 1000.0)
    )
    kept: int = parameter(
        32, 'Images without a partner that are kept of every topic.', between=(1, 10000)
    )
    frames: int = parameter(
        0,
        'End after so many judged label images (results, without ground truth); 0 is never.',
        between=(0, 1 << 31),
    )
    duration_s: float = parameter(
        0.0, 'End so long after the first result; 0 is never.', between=(0.0, 1e9)
    )
    report_period_s: float = parameter(
        1.0, 'Time between the rows of the table; 0 prints none.', between=(0.0, 3600.0)
    )
    window: int = parameter(50, 'Frames that the windowed figures are of.', between=(1, 10000))
    summary: str = parameter('', 'JSON file to write at the end; empty writes none.')
    report: str = parameter(
        '',
        'Folder for frames.csv, summary.json and evaluation.png, written at the end; empty '
        'writes none.',
    )

    def __post_init__(self) -> None:
        self.judge_options()

    def judge_options(self) -> JudgeOptions:
        """
        Give what the judgement depends on.

        :raises ValueError: A value has no sense.
        """
        return JudgeOptions(
            label_set=self.label_set,
            tag_table=self.tag_table,
            coding=self.coding,
            min_depth_m=self.min_depth_m,
            max_depth_m=self.max_depth_m,
            kept=self.kept,
            window=self.window,
        )
