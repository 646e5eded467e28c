# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node over DDS with faults between its frames, as bench/soak.py runs it."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

PROGRAM = Path(__file__).parents[2] / 'bench' / 'soak.py'
# As many as of a run of 100 000 images at one per cent: a short one is still warming up.
MEMORY = '0.05'


@pytest.mark.slow
def test_two_thousand_images_with_faults_between_are_all_accounted_for(own):
    """Sums are equal, nothing wrong is published, no thread and no file handle is left behind."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), '--max-frames', '2000', '--seed', '3', '--memory', MEMORY],
        capture_output=True,
        text=True,
        env=os.environ | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'},
        timeout=600.0,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [line for line in done.stdout.splitlines() if line.endswith(('| yes |', '| NO |'))]
    assert len(rows) == 14
    assert all(row.endswith('| yes |') for row in rows)
    pairs = [line.strip('| ').split(' | ') for line in done.stdout.splitlines()]
    faults = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    assert int(faults['damage']) > 0
    assert int(faults['backend raises']) > 0
