# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Leave out what needs ROS where there is no ROS, unless ROS is required."""

from importlib.util import find_spec
import os

if find_spec('rclpy') is None:
    if 'ros' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(','):
        raise ImportError('SEGFORMER_TEST_REQUIRES names ros, but rclpy is not installed')
    collect_ignore = ['test_colcon.py', 'test_large_images.py', 'test_pip_install.py']
