# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer label` as a process that can be killed."""

import subprocess
import sys


def begin(model, folder, out, *options):
    """Start the command as a process."""
    words = ['label', str(folder), '--out', str(out), '--model', str(model), *options]
    return subprocess.Popen(
        [sys.executable, '-m', 'segformer_ros.programs', 'segformer', *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
