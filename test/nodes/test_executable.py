# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every node does as a process."""

import ctypes

import pytest
import rclpy
from segformer_ros.nodes import executable


@pytest.fixture
def alone(monkeypatch):
    """Keep ROS to this process."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')


def _node_that(act):
    def make():
        node = rclpy.create_node('short')
        node.create_timer(0.0, act)
        return node

    return make


def test_node_that_shuts_ros_down_ends_with_status_0(alone):
    """A drive that is over is no error."""
    assert executable.run(_node_that(rclpy.shutdown), []) == 0
    assert not rclpy.ok()


def test_interrupt_ends_with_status_0(alone):
    """As SIGINT does."""

    def interrupt():
        raise KeyboardInterrupt

    assert executable.run(_node_that(interrupt), []) == 0


def test_bug_is_not_hidden(alone):
    """A RuntimeError while ROS is up has its traceback."""

    def fail():
        raise RuntimeError('a bug')

    with pytest.raises(RuntimeError, match='a bug'):
        executable.run(_node_that(fail), [])
    assert not rclpy.ok()


def test_refusal_is_one_line(alone, capsys):
    """The node says what is wrong, on stderr, with status 1."""

    def refuse():
        raise ValueError('expected this,\n  found that')

    assert executable.run(refuse, []) == 1
    assert capsys.readouterr().err == 'expected this, found that\n'
    assert not rclpy.ok()


def test_allocator_is_left_alone_where_it_is_another_one(monkeypatch):
    """Not every C library has mallopt."""
    monkeypatch.setattr(ctypes, 'CDLL', lambda name: object())
    executable.set_allocator_limits()
