# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images of 3 MB arrive between two processes, thanks to the shipped Fast DDS profile."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys
import uuid

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / 'config' / 'fastdds_large_images.xml'
PROGRAM = Path(__file__).parent / 'image_stream.py'
FRAMES = 60
DEADLINE_S = 60


def count_arrivals(profile: Path | None) -> int:
    """Send FRAMES best-effort images from one process to another and count the arrivals."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('FASTRTPS_', 'FASTDDS_'))
    }
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if profile is not None:
        environment['FASTRTPS_DEFAULT_PROFILES_FILE'] = str(profile)
    topic = f'/large_images_{uuid.uuid4().hex}'
    command = [sys.executable, str(PROGRAM)]
    arguments = [topic, str(FRAMES)]
    with (
        subprocess.Popen(
            [*command, 'count', *arguments], env=environment, stdout=subprocess.PIPE, text=True
        ) as counter,
        subprocess.Popen([*command, 'send', *arguments], env=environment) as sender,
    ):
        try:
            output, _ = counter.communicate(timeout=DEADLINE_S)
            sender.wait(timeout=DEADLINE_S)
        finally:
            counter.kill()
            sender.kill()
    assert counter.returncode == 0
    assert sender.returncode == 0
    return int(output)


def test_profile_delivers_large_images():
    """With the profile 95 of 100 images arrive; without it they do not, so the check can fail."""
    with_profile = count_arrivals(PROFILE)
    without_profile = count_arrivals(None)

    sys.stdout.write(f'{FRAMES} sent, {with_profile} with and {without_profile} without profile\n')
    assert with_profile >= 0.95 * FRAMES
    assert without_profile < 0.95 * FRAMES
