# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant in a process of its own."""

from contest.case import Case
from contest.child import Child, ChildError
import pytest


def test_contestant_that_cannot_be_loaded_is_a_reason(tmp_path):
    """Without its files the child says what is missing, and its process ends."""
    with pytest.raises(ChildError, match=r'mmdeploy_like: .*labels\.onnx'):
        Child('mmdeploy_like', Case('b0', 32, 64, tmp_path, camera_h=40, camera_w=64))
