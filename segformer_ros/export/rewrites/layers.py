# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Layers with given weights, and maps as rows."""

from __future__ import annotations

import torch
from torch import nn, Tensor


@torch.no_grad()
def linear_layer(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """Make a linear layer; weight (out, in) and bias (out,) are copied."""
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, bias=bias is not None, dtype=weight.dtype)
    layer.weight.copy_(weight)
    if bias is not None:
        layer.bias.copy_(bias)
    return layer


@torch.no_grad()
def conv_layer(like: nn.Conv2d, weight: Tensor, bias: Tensor | None = None) -> nn.Conv2d:
    """
    Make a convolution with the stride, padding and groups of another one.

    :param weight: (out, in / groups, h, w), copied; bias (out,) likewise.
    """
    outputs, inputs, height, width = weight.shape
    layer = nn.Conv2d(
        inputs * like.groups,
        outputs,
        (height, width),
        stride=like.stride,  # type: ignore[arg-type]
        padding=like.padding,  # type: ignore[arg-type]
        groups=like.groups,
        bias=bias is not None,
        dtype=weight.dtype,
    )
    layer.weight.copy_(weight)
    if layer.bias is not None and bias is not None:
        layer.bias.copy_(bias)
    return layer


def pointwise_conv(linear: nn.Linear) -> nn.Conv2d:
    """Make the 1x1 convolution that does to each pixel what a linear layer does to a vector."""
    like = nn.Conv2d(1, 1, 1)
    return conv_layer(like, linear.weight[:, :, None, None], linear.bias)


def dims(x: Tensor) -> tuple[int, ...]:
    """
    Return the shape in plain numbers, which a trace takes for constants.

    Rewritten modules are made for one size: only the number of images, always -1, stays free.
    """
    return tuple(int(size) for size in x.shape)


def computed_zero(x: Tensor) -> Tensor:
    """
    Return a zero (1,) that no engine knows before it has x (N, C, H, W), which must be finite.

    A constant to which it is added stays what it is, but looks computed. OpenVINO 2026.4 asked for
    bfloat16 computes a product in float32, with conversions before and behind it, when one of the
    matrices is a constant and the other one has more than two dimensions.
    """
    return x[:1, :1, :1, :1].reshape(1) * 0.0


def map_of_rows(rows: Tensor, height: int, width: int) -> Tensor:
    """Turn (N * height * width, C) into (N, C, height, width)."""
    return rows.reshape(-1, height, width, dims(rows)[1]).permute(0, 3, 1, 2)


def rows_of_map(x: Tensor) -> Tensor:
    """Turn (N, C, H, W) into (N * H * W, C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, dims(x)[1])
