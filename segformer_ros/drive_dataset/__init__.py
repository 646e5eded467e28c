# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded drives of CARLA or of the built-in world as folders to train from."""
