# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to a bundle: ONNX graphs, shared weights, golden outputs."""
