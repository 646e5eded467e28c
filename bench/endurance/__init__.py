# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/soak.py: the node that is soaked, and the camera with its faults."""
