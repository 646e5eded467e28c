# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Leave the ROS tests out where there is no ROS, unless ROS is required; find bench/."""

from importlib.util import find_spec
import os
from pathlib import Path
import sys
import warnings

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / 'bench'))

_REQUIRED = 'ros' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(',')

if find_spec('rclpy') is None:
    if _REQUIRED:
        raise ImportError('SEGFORMER_TEST_REQUIRES names ros, but rclpy is not installed')
    collect_ignore_glob = ['test_*.py']
else:
    with warnings.catch_warnings():
        # The parser that rclpy loads with the first message imports the deprecated sre_parse.
        warnings.simplefilter('ignore', DeprecationWarning)
        import rosidl_generator_py  # noqa: F401 this import is the point


@pytest.fixture
def ros(monkeypatch):
    """Yield the test a ROS of its own that no other process hears."""
    import rclpy

    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    rclpy.init()
    yield rclpy
    rclpy.try_shutdown()


@pytest.fixture
def own():
    """Return the messages of this package; without them the test is left out, unless required."""
    from segformer_ros.nodes import own_messages

    if own_messages._own is None:
        outcome = pytest.fail if _REQUIRED else pytest.skip
        outcome('the messages of segformer_ros are not built: make setup')
    return own_messages._own


@pytest.fixture
def make_rig(ros):
    """Yield nodes under test that are gone after the test."""
    from node_rig import Rig

    rigs = []

    def make(**kwargs):
        rigs.append(Rig(**kwargs))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()
