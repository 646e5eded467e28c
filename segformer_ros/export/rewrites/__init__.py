# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a network that compute the same with less: one for each engine and input size."""

from segformer_ros.export.rewrites.network import rewrite, RewrittenNetwork
from segformer_ros.export.rewrites.style import CPU, GPU, ONNX_RUNTIME, Style, TORCH

__all__ = ['CPU', 'GPU', 'ONNX_RUNTIME', 'TORCH', 'RewrittenNetwork', 'Style', 'rewrite']
