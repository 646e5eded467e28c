# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scales and shifts of normalisations, folded into the layers next to them."""

from __future__ import annotations

import copy
from typing import TypeVar

from segformer_ros.export.rewrites.layers import conv_layer, linear_layer
from segformer_ros.network.mix_transformer import Block
import torch
from torch import nn, Tensor

Layer = TypeVar('Layer', nn.Linear, nn.Conv2d)


def batch_norm_affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return scale and shift (C,) such that the norm in evaluation is scale x + shift."""
    mean, variance = norm.get_buffer('running_mean'), norm.get_buffer('running_var')
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


@torch.no_grad()
def fold_batch_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """
    Make one convolution of a convolution and the batch norm behind it.

    s (W x + b) + t = (s W) x + (s b + t), s and t being constants in evaluation.
    """
    scale, shift = batch_norm_affine(norm)
    bias = shift if conv.bias is None else conv.bias * scale + shift
    return conv_layer(conv, conv.weight * scale[:, None, None, None], bias)


def bare(norm: nn.LayerNorm) -> nn.LayerNorm:
    """Make the same norm without scale and shift."""
    return nn.LayerNorm(norm.normalized_shape[0], eps=norm.eps, elementwise_affine=False)


@torch.no_grad()
def fold_layer_norm(norm: nn.LayerNorm, layer: Layer) -> Layer:
    """
    Move scale and shift of a layer norm into the layer behind it.

    W (g n + c) + b = (W diag(g)) n + (W c + b), n being the bare norm. A convolution must not
    pad: the shift would reach into the padding.

    :raises ValueError: The convolution pads.
    """
    if isinstance(layer, nn.Linear):
        bias = layer.weight @ norm.bias
        bias = bias if layer.bias is None else bias + layer.bias
        return linear_layer(layer.weight * norm.weight, bias)
    if layer.padding != (0, 0):
        raise ValueError(f'expected a convolution without padding, got {layer.padding}')
    bias = layer.weight.sum((2, 3)) @ norm.bias
    bias = bias if layer.bias is None else bias + layer.bias
    return conv_layer(layer, layer.weight * norm.weight[:, None, None], bias)


def fold_norms(block: Block) -> Block:
    """Copy a block with bare norms: the layers behind each of them take its scale and shift."""
    block = copy.deepcopy(block)
    attention = block.attn
    if attention.sr_ratio > 1:
        attention.kv = fold_layer_norm(attention.norm, attention.kv)
        attention.norm = bare(attention.norm)
        attention.sr = fold_layer_norm(block.norm1, attention.sr)
    else:
        attention.kv = fold_layer_norm(block.norm1, attention.kv)
    attention.q = fold_layer_norm(block.norm1, attention.q)
    block.mlp.fc1 = fold_layer_norm(block.norm2, block.mlp.fc1)
    block.norm1, block.norm2 = bare(block.norm1), bare(block.norm2)
    return block
