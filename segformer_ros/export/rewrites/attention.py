# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Efficient self-attention with fewer operations, on rows of tokens."""

from __future__ import annotations

import copy
import math
from typing import Any

from segformer_ros.export.rewrites.layers import dims, linear_layer
from segformer_ros.network.mix_transformer import EfficientSelfAttention
import torch
from torch import nn, Tensor
from torch.nn import functional


@torch.no_grad()
def drop_key_bias(attention: EfficientSelfAttention) -> EfficientSelfAttention:
    """
    Copy an attention without the bias of its keys.

    q (k + b)^T = q k^T + q b^T adds the same number to a whole row of scores, and softmax does
    not change when a constant is added to its row.
    """
    attention = copy.deepcopy(attention)
    attention.kv.bias[: attention.q.out_features] = 0.0
    return attention


@torch.no_grad()
def move_value_bias(attention: EfficientSelfAttention) -> EfficientSelfAttention:
    """
    Copy an attention with the bias of its values in the bias of the output projection.

    P (v + 1 b^T) = P v + 1 b^T, because the rows of P, a softmax, sum to one. So each output is
    W (P v) + (W b + c) instead of W (P v + b) + c.
    """
    attention = copy.deepcopy(attention)
    value_bias = attention.kv.bias[attention.q.out_features :]
    attention.proj.bias.add_(attention.proj.weight @ value_bias)
    value_bias.zero_()
    return attention


@torch.no_grad()
def scaled_query(attention: EfficientSelfAttention) -> nn.Linear:
    """
    Make the query layer whose scores need no scaling.

    (s (W x + b)) k^T = s ((W x + b) k^T) with s = 1 / sqrt(channels of a head).
    """
    scale = (attention.q.out_features // attention.num_heads) ** -0.5
    return linear_layer(attention.q.weight * scale, attention.q.bias * scale)


@torch.no_grad()
def reduction_as_matrix(conv: nn.Conv2d) -> nn.Linear:
    """
    Make the linear layer that does to patches what the reducing convolution does.

    Its stride is its kernel size, so patches do not overlap: each output is one product of the
    weights with one patch, whose values are ordered (row, column, channel) by patch_rows.
    """
    return linear_layer(conv.weight.permute(0, 2, 3, 1).flatten(1), conv.bias)


def patch_rows(rows: Tensor, height: int, width: int, side: int) -> Tensor:
    """
    Turn rows (N * height * width, C) into (N * patches, side * side * C).

    Patches at the end that are not full get copies of the last row and column.
    """
    channels = dims(rows)[1]
    bottom, right = -height % side, -width % side
    if bottom or right:
        x = rows.reshape(-1, height, width, channels)
        x = torch.cat([x, *[x[:, -1:]] * bottom], 1)
        rows = torch.cat([x, *[x[:, :, -1:]] * right], 2)
        height, width = height + bottom, width + right
    x = rows.reshape(-1, height // side, side, width // side, side * channels)
    return x.permute(0, 1, 3, 2, 4).reshape(-1, side * side * channels)


class FusedAttention(torch.autograd.Function):
    """softmax(q k^T) v of (N, L, C), (N, M, C) and (N, M, C) as one operator of ONNX Runtime."""

    @staticmethod
    def forward(_: Any, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
        """Compute it in torch, whose own operator is faster where nothing is trained."""
        split = [_heads(x, heads) for x in (query, key, value)]
        mixed = functional.scaled_dot_product_attention(split[0], split[1], split[2], scale=1.0)
        return mixed.transpose(1, 2).reshape(query.shape)

    @staticmethod
    def symbolic(graph: Any, query: Any, key: Any, value: Any, heads: int) -> Any:
        """Write com.microsoft MultiHeadAttention."""
        name = 'com.microsoft::MultiHeadAttention'
        result = graph.op(name, query, key, value, num_heads_i=heads, scale_f=1.0)
        return result.setType(query.type())


def _heads(x: Tensor, heads: int) -> Tensor:
    """Turn (N, L, C) into (N, heads, L, C / heads); of one head nothing has to move."""
    _, length, channels = dims(x)
    if heads == 1:
        return x.reshape(-1, 1, length, channels)
    return x.reshape(-1, length, heads, channels // heads).transpose(1, 2)


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int, step: int = 0) -> Tensor:
    """
    Compute softmax(q k^T) v of each head.

    :param step: Queries of a head at a time; 0: all.
    :returns: (N * L, C).
    """
    _, length, channels = dims(query)
    step = step or length
    query, value = _heads(query, heads), _heads(value, heads)
    turned = _heads(key, heads).transpose(2, 3)
    # Sizes one by one: torch 2.13 exports an uneven split by one size wrongly.
    sizes = [min(step, length - start) for start in range(0, length, step)]
    parts = torch.split(query, sizes, 2)
    mixed = torch.cat([(part @ turned).softmax(-1) @ value for part in parts], 2)
    return (mixed if heads == 1 else mixed.transpose(1, 2)).reshape(-1, channels)


class RowAttention(nn.Module):
    """
    EfficientSelfAttention on rows (N * height * width, C), without scaling and biases of k and v.

    Keys and values are one product of matrices. The queries are independent of each other, so
    that they can be taken a few at a time: their scores then stay in the cache.

    :param query_rows: Scores of so many queries, over all heads, are held at once; 0: of all.
    :param fused: Write the operator of ONNX Runtime instead.
    """

    def __init__(
        self,
        attention: EfficientSelfAttention,
        height: int,
        width: int,
        *,
        query_rows: int = 0,
        fused: bool = False,
    ) -> None:
        super().__init__()
        attention = drop_key_bias(move_value_bias(attention))
        self.height, self.width = height, width
        self.num_heads, self.sr_ratio = attention.num_heads, attention.sr_ratio
        self.query_rows, self.fused = query_rows, fused
        self.q = scaled_query(attention)
        self.kv = linear_layer(attention.kv.weight)
        self.proj = attention.proj
        if self.sr_ratio > 1:
            self.sr = reduction_as_matrix(attention.sr)
            self.norm = attention.norm

    def forward(self, rows: Tensor) -> Tensor:
        """Turn rows (N * height * width, C) into rows of the same shape."""
        channels, length = dims(rows)[1], self.height * self.width
        reduced = rows
        if self.sr_ratio > 1:
            reduced = self.norm(self.sr(patch_rows(rows, self.height, self.width, self.sr_ratio)))
        keys = math.ceil(self.height / self.sr_ratio) * math.ceil(self.width / self.sr_ratio)
        query = self.q(rows).reshape(-1, length, channels)
        key, value = (
            part.reshape(-1, keys, channels) for part in self.kv(reduced).split(channels, 1)
        )
        if self.fused:
            fused = FusedAttention.apply
            mixed = fused(query, key, value, self.num_heads)  # type: ignore[no-untyped-call]
        else:
            step = self.query_rows // self.num_heads
            mixed = _attend(query, key, value, self.num_heads, step)
        result: Tensor = self.proj(mixed.reshape(-1, channels))
        return result
