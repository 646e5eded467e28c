# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a grid remembers while the robot drives."""

from __future__ import annotations

import numpy as np
import pytest
from segformer_ros.drivable_grid import GridMemory, UNKNOWN


def observed(**cells):
    """Return a (6, 6) observation with costs at 'r<row>c<column>'."""
    grid = np.full((6, 6), UNKNOWN, np.int8)
    for name, cost in cells.items():
        grid[int(name[1]), int(name[3])] = cost
    return grid


def test_unseen_cells_keep_their_cost_until_they_are_forgotten():
    """The newest cost holds; a cell that nobody has seen for keep_s is unknown."""
    memory = GridMemory(6, keep_s=2.0)
    memory.update(observed(r1c1=100, r2c2=0), (0, 0), 10.0)
    grid = memory.update(observed(r1c1=0), (0, 0), 11.5)
    assert (grid[1, 1], grid[2, 2]) == (0, 0)
    grid = memory.update(observed(), (0, 0), 12.5)
    assert (grid[1, 1], grid[2, 2]) == (0, UNKNOWN)


@pytest.mark.parametrize('move', [(1, 0), (0, 2), (-2, 1), (3, -4), (9, 0)])
def test_the_world_stands_still_when_the_window_moves(move):
    """A cell keeps its place in the frame of the grid, and leaves with the window."""
    memory = GridMemory(6, keep_s=60.0)
    memory.update(observed(r3c2=70), (100, -50), 1.0)
    grid = memory.update(observed(), (100 + move[0], -50 + move[1]), 2.0)
    row, column = 3 - move[1], 2 - move[0]
    expected = np.full((6, 6), UNKNOWN, np.int8)
    if 0 <= row < 6 and 0 <= column < 6:
        expected[row, column] = 70
    np.testing.assert_array_equal(grid, expected)


def test_the_later_image_of_two_cameras_wins():
    """Also where the earlier one comes afterwards."""
    memory = GridMemory(6, keep_s=5.0)
    memory.update(observed(r0c0=100), (0, 0), 3.0)
    assert memory.update(observed(r0c0=0, r0c1=50), (0, 0), 2.9)[0].tolist()[:2] == [100, 50]


def test_a_jump_back_in_time_empties_the_memory():
    """Another drive begins: nothing of the former one is kept."""
    memory = GridMemory(6, keep_s=5.0)
    memory.update(observed(r0c0=100), (0, 0), 100.0)
    grid = memory.update(observed(r5c5=0), (0, 0), 3.0)
    assert (grid[0, 0], grid[5, 5]) == (UNKNOWN, 0)


def test_without_memory_there_is_the_newest_image_alone():
    """keep_s of 0 keeps nothing of earlier images."""
    memory = GridMemory(6, keep_s=0.0)
    memory.update(observed(r0c0=100), (0, 0), 1.0)
    assert memory.update(observed(r1c1=0), (0, 0), 1.1)[0, 0] == UNKNOWN
