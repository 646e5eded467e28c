# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a recording of the viewer holds."""

import subprocess

from segformer_ros.viewer import server


def rows(path):
    """Verify a file; give the number of its chunks by entity, as the program of rerun counts."""
    program = server._program()
    subprocess.run([program, 'rrd', 'verify', path], check=True, capture_output=True)
    stats = subprocess.run(
        [program, 'rrd', 'stats', path], check=True, capture_output=True, text=True
    ).stdout
    parts = (line.rpartition(': ') for line in stats.splitlines() if line.startswith('/'))
    return {name: int(count) for name, _, count in parts}
