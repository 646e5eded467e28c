# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How costly each cell of the ground around a robot is, from labels and depth."""

from segformer_ros.drivable_grid.costs import ClassCosts, read_costs
from segformer_ros.drivable_grid.memory import GridMemory
from segformer_ros.drivable_grid.observation import (
    contact_depth,
    GridSpec,
    observe,
    Placement,
    UNKNOWN,
    View,
)

__all__ = [
    'UNKNOWN',
    'ClassCosts',
    'GridMemory',
    'GridSpec',
    'Placement',
    'View',
    'contact_depth',
    'observe',
    'read_costs',
]
