# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let every test folder import the builders that lie here, such as tiny_bundle."""

from pathlib import Path
import signal
import sys

sys.path.insert(0, str(Path(__file__).parent))

# A shell that runs the tests in the background has them ignore SIGINT, and so would every process
# that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
