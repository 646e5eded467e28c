# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in torch: Mix Transformer encoder, segmentation head and depth head."""

from segformer_ros.network.multitask import build, MultitaskSegformer, NetworkConfig

__all__ = ['MultitaskSegformer', 'NetworkConfig', 'build']
