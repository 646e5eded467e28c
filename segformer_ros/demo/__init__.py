# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demonstration: all nodes as processes, a table while they run, a video afterwards."""
