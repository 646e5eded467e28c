# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files with the real launch, where ROS brings it."""

from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch is not on PyPI; a ROS installation has it')

LAUNCH = Path(__file__).parents[2] / 'launch'


@pytest.mark.parametrize('path', sorted(LAUNCH.glob('*.launch.py')), ids=lambda item: item.name)
def test_launch_accepts_the_file_and_its_arguments(path):
    """What the stand-in accepts, launch accepts too."""
    from launch.launch_description_sources import (
        get_launch_description_from_python_launch_file,
    )

    description = get_launch_description_from_python_launch_file(str(path))
    arguments = description.get_launch_arguments()
    assert arguments
    assert all(item.description for item in arguments)
