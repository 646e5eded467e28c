# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/baselines.py, and one small case that is prepared once."""

from pathlib import Path
import sys

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'bench'))


@pytest.fixture(scope='session')
def case(tmp_path_factory):
    """Export a B0 with random weights in every way, for 64x128 and a camera of 80x128."""
    pytest.importorskip('torch', reason='the baselines need torch')
    pytest.importorskip('transformers', reason='the baselines are made of transformers')
    from comparison.case import Case
    from comparison.prepare import prepare

    made = Case('b0', 64, 128, tmp_path_factory.mktemp('case'), camera_h=80, camera_w=128)
    prepare(made)
    return made
