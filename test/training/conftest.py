# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let the tests import the coloured squares and the tiny datasets, and recipes name the former."""

from pathlib import Path
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'datasets'))
sys.path.insert(0, str(Path(__file__).parent))
pytest.importorskip('torch', reason='training needs torch')

import square_dataset

square_dataset.register()
