# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let the tests of the readers import the builders that lie here, such as shift_tree."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))
