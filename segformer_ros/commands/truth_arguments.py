# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the commands that read a recorded drive are told where its ground truth is."""

from __future__ import annotations

import argparse

TRUTH_OPTIONS = ('--role-name', '--label-sensor', '--depth-sensor', '--coding', '--tag-table')
"""What add_truth_arguments declares."""


def add_truth_arguments(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup,
) -> None:
    """Declare the vehicle, the sensors of its truth, and how the labels are coded."""
    parser.add_argument(
        '--role-name',
        default='ego_vehicle',
        help='role name of the vehicle (default: %(default)s)',
    )
    parser.add_argument(
        '--label-sensor',
        default='semantic_segmentation_front',
        help='id of the ground-truth label sensor (default: %(default)s)',
    )
    parser.add_argument(
        '--depth-sensor',
        default='depth_front',
        help='id of the ground-truth depth sensor (default: %(default)s)',
    )
    parser.add_argument(
        '--coding',
        choices=('bridge', 'native'),
        default='bridge',
        help='coding of the ground-truth labels: bridge (colours) or native (tag in the red '
        'channel) (default: %(default)s)',
    )
    parser.add_argument(
        '--tag-table',
        choices=('auto', 't1', 't2', 't3', 't3_ue5'),
        default='t3',
        help='tag table of the simulator (default: %(default)s)',
    )
