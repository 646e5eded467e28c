# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs that other programs wrote, made into bundles."""
