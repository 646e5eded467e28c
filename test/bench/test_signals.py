# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A few moments of bench/signals.py, which sweeps over all of them."""

from bag_builder import drive, write_bag
import pytest
from signals import KINDS, programs, strike
from tiny_bundle import make_tiny_bundle

pytest.importorskip('rclpy', reason='the nodes need ROS')


@pytest.mark.slow
@pytest.mark.parametrize('kind', list(KINDS))
@pytest.mark.parametrize(
    'name', ['recorder_node', 'replay_node', 'segformer_node', 'segformer run']
)
def test_a_signal_ends_a_program_in_order(tmp_path, monkeypatch, name, kind):
    """While it is imported, while it begins, and while it works."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    model = str(make_tiny_bundle(tmp_path / 'tiny'))
    for index, after_s in enumerate((0.6, 1.5, 4.0)):
        folder = tmp_path / str(index)
        write_bag(folder / 'source', drive(20))
        wrong = strike(programs(folder, model)[name], after_s, KINDS[kind])
        assert wrong in {'', 'python'}
