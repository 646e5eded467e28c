# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that speaks ROS: messages, parameters, life cycle, diagnostics."""
