# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The labels and depths of a drive against its ground truth, from image messages to a report.

The live evaluation and that of a recording both consist of it, so their figures are the same.
"""
