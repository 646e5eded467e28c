# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images of 3 MB arrive between two processes, thanks to the shipped Fast DDS profile."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys
import time
import uuid

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / 'config' / 'fastdds_large_images.xml'
PROGRAM = Path(__file__).parent / 'image_stream.py'
FRAMES = 60
DEADLINE_S = 60
# Between two pauses the receiver catches up; one pause is about three images long.
PAUSE_S, CATCH_UP_S = 0.1, 0.2


def count_arrivals(profile: Path | None) -> int:
    """
    Send FRAMES best-effort images from one process to another and count the arrivals.

    The receiving process is stopped for PAUSE_S again and again, as one is that waits for a CPU:
    what arrives meanwhile has to lie in shared memory until it continues.
    """
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
            deadline = time.monotonic() + DEADLINE_S
            while sender.poll() is None and time.monotonic() < deadline:
                time.sleep(CATCH_UP_S)
                counter.send_signal(signal.SIGSTOP)
                time.sleep(PAUSE_S)
                counter.send_signal(signal.SIGCONT)
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
    # A receiver that waits longer for a CPU than it is paused loses images too: the best of three.
    with_profile = 0
    for _ in range(3):
        with_profile = max(with_profile, count_arrivals(PROFILE))
        if with_profile >= 0.95 * FRAMES:
            break
    without_profile = count_arrivals(None)

    sys.stdout.write(f'{FRAMES} sent, {with_profile} with and {without_profile} without profile\n')
    assert with_profile >= 0.95 * FRAMES
    assert without_profile < 0.95 * FRAMES
