# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure deployed networks against ground truth."""
