# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Leave these tests out where there is no ROS, unless ROS is required; find the stand-in."""

from importlib.util import find_spec
import os
from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))

if find_spec('rclpy') is None:
    if 'ros' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(','):
        raise ImportError('SEGFORMER_TEST_REQUIRES names ros, but rclpy is not installed')
    collect_ignore_glob = ['test_*.py']
