# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A candidate in a process of its own."""

import os
import signal

from comparison.case import Case
from comparison.child import Child, ChildError
import pytest


def test_candidate_that_cannot_be_loaded_is_a_reason(tmp_path):
    """Without its files the child says what is missing, and its process ends."""
    with pytest.raises(ChildError, match=r'mmdeploy_like: .*labels\.onnx'):
        Child('mmdeploy_like', Case('b0', 32, 64, tmp_path, camera_h=40, camera_w=64))


def test_candidate_that_dies_is_named(case):
    """Killed by the system for its memory, for example: what it was asked for fails, at once."""
    child = Child('mmdeploy_like', case)
    os.kill(child.process_id, signal.SIGKILL)

    with pytest.raises(ChildError, match='mmdeploy_like has died, exit code -9'):
        child.ask('turn', calls=1)
    child.close()
