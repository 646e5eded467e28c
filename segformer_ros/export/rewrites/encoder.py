# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The encoder for one input size, on rows of tokens."""

from __future__ import annotations

import copy
from typing import cast

from segformer_ros.export.rewrites.attention import RowAttention
from segformer_ros.export.rewrites.feed_forward import ConvFeedForward
from segformer_ros.export.rewrites.layers import map_of_rows, rows_of_map
from segformer_ros.export.rewrites.norms import fold_norms
from segformer_ros.export.rewrites.style import Style
from segformer_ros.network.mix_transformer import Block, MixTransformer, Stage, STRIDES
from torch import nn, Tensor


class RowBlock(nn.Module):
    """A transformer block on rows, its norms bare."""

    def __init__(self, block: Block, height: int, width: int, style: Style) -> None:
        super().__init__()
        block = fold_norms(block)
        self.norm1, self.norm2 = block.norm1, block.norm2
        self.attn = RowAttention(
            block.attn,
            height,
            width,
            query_rows=style.query_rows,
            fused=style.fused_attention,
        )
        self.mlp = ConvFeedForward(block.mlp, height, width)

    def forward(self, rows: Tensor) -> Tensor:
        """Turn rows (N * height * width, C) into rows of the same shape."""
        rows = rows + self.attn(self.norm1(rows))
        result: Tensor = rows + self.mlp(self.norm2(rows))
        return result


class RowStage(nn.Module):
    """A stage whose map is height x width."""

    def __init__(self, stage: Stage, height: int, width: int, style: Style) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.proj = copy.deepcopy(stage.patch_embed.proj)
        self.embed_norm = copy.deepcopy(stage.patch_embed.norm)
        self.blocks = nn.Sequential(
            *(RowBlock(cast('Block', block), height, width, style) for block in stage.blocks)
        )
        self.norm = copy.deepcopy(stage.norm)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, D, height, width)."""
        rows = self.blocks(self.embed_norm(rows_of_map(self.proj(x))))
        return map_of_rows(self.norm(rows), self.height, self.width)


class RowEncoder(nn.Module):
    """
    MixTransformer for one input size.

    Tokens are rows of one matrix, of all images together: linear layers are then plain products
    of matrices with a bias, and no shape is computed while the graph runs.
    """

    def __init__(self, encoder: MixTransformer, height: int, width: int, style: Style) -> None:
        super().__init__()
        stages = []
        for stage, stride in zip(encoder.stages, STRIDES, strict=True):
            height, width = height // stride, width // stride
            stages.append(RowStage(cast('Stage', stage), height, width, style))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Compute the features of the four stages, as MixTransformer does."""
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features
