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
VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
# A burst is what comes while a receiver waits for a CPU for a tenth of a second.
BURST = 3
# Fast DDS takes a receiver for dead that does not move for a second.
LONGEST_STOP_S = 0.5
# Never the time that the test takes: it only ends one that fails.
DEADLINE_S = 240.0


class Program:
    """One side of the stream, which does what it is asked to."""

    def __init__(self, role: str, topic: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), role, topic],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._role = role

    def ask(self, count: int) -> int:
        """Ask, and wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f'{self._role} {count}\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> int:
        """End it, and return its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def count_arrivals(profile: Path | None, bursts: int) -> int:
    """
    Send best-effort images from one process to another, and count the arrivals of some bursts.

    The receiving process is stopped during each burst: what is sent then has to lie in shared
    memory until it continues. One that was stopped for too long, on a busy machine, counts not.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('FASTRTPS_', 'FASTDDS_'))
    }
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if profile is not None:
        environment |= dict.fromkeys(VARIABLES, str(profile))
    topic = f'/large_images_{uuid.uuid4().hex}'
    counter, sender = (Program(role, topic, environment) for role in ('count', 'send'))
    try:
        # Both have met.
        assert (counter.ask(0), sender.ask(0)) == (0, 0)
        before, arrivals, end = 0, [], time.monotonic() + DEADLINE_S
        while len(arrivals) < bursts:
            assert time.monotonic() < end, arrivals
            start = time.monotonic()
            counter.process.send_signal(signal.SIGSTOP)
            sender.ask(BURST)
            counter.process.send_signal(signal.SIGCONT)
            stopped_s = time.monotonic() - start
            now = counter.ask(before + BURST)
            if stopped_s < LONGEST_STOP_S:
                arrivals.append(now - before)
            before = now
        assert (counter.end(), sender.end()) == (0, 0)
    finally:
        for program in (counter, sender):
            program.process.kill()
            program.end()
    return sum(arrivals)


def test_profile_delivers_large_images():
    """With the profile 95 of 100 images arrive; without it they do not, so the check can fail."""
    with_profile, without_profile = count_arrivals(PROFILE, 20), count_arrivals(None, 2)

    sys.stdout.write(f'{with_profile} of 60 with and {without_profile} of 6 without profile\n')
    assert with_profile >= 57
    assert without_profile < 5
