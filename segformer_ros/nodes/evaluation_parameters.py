# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the evaluation node."""

from __future__ import annotations

from dataclasses import dataclass

from segformer_ros.nodes.fixed_parameters import parameter


@dataclass(frozen=True)
class EvaluationParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    role_name: str = parameter('ego_vehicle', 'Name of the vehicle in the topics of the truth.')
    ground_truth: bool = parameter(True, 'Compare with the truth; false only measures rates.')
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
    summary: str = parameter('', 'JSON file to write at the end; empty writes none.')

    def __post_init__(self) -> None:
        if self.min_depth_m >= self.max_depth_m:
            raise ValueError(
                f'min_depth_m ({self.min_depth_m}) must be less than '
                f'max_depth_m ({self.max_depth_m})'
            )
