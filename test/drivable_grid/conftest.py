# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let the tests of this folder import the ground truth of the world."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))
