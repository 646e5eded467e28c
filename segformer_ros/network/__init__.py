# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in torch: Mix Transformer encoder, segmentation heads and depth heads."""

from segformer_ros.network.depth_activation import depth_is_log
from segformer_ros.network.multitask import build, MultitaskSegformer, NetworkConfig

__all__ = ['MultitaskSegformer', 'NetworkConfig', 'build', 'depth_is_log']
