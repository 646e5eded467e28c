# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The all-MLP heads, folded to one chain of matrices per stage and one interpolated sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from segformer_ros.export.rewrites.layers import (
    computed_zero,
    dims,
    linear_layer,
    pointwise_conv,
)
from segformer_ros.export.rewrites.norms import batch_norm_affine, fold_batch_norm
from segformer_ros.network.bands import (
    ColumnBands,
    largest_block,
    row_blocks,
    unique_index,
    upsampling,
)
from segformer_ros.network.mmseg_head import MmsegHead
from segformer_ros.network.segformer_head import SegformerHead
import torch
from torch import nn, Tensor
from torch.nn import functional

# Measured on ONNX Runtime and OpenVINO: docs/performance.md.
_COLUMNS = (64, 32, 16, 8)
_ROWS = 8
_FACTORS = (2, 4, 8)


@torch.no_grad()
def folded_stages(head: SegformerHead | MmsegHead) -> list[list[nn.Linear]]:
    """
    Fold a head up to its last ReLU into a few layers for each stage, the finest first.

    The fusion is one matrix F = (F_0 ... F_3) on concatenated maps, so that F concat(u_i) is the
    sum of F_i u_i; an interpolation up_i and a matrix on channels commute, so F_i up_i(x_i) is
    up_i(F_i x_i) and is computed at the resolution of its stage. Batch norm is s y + t: s scales
    the rows of every F_i, and t is added once, to the finest stage, as are all biases, because
    the rows of an interpolation sum to one. In SegformerHead the projection P_i of a stage is
    linear too and is multiplied into F_i; in MmsegHead a ReLU lies between them.

    :returns: Of each stage the layers, with a ReLU between two of them.
    """
    if isinstance(head, SegformerHead):
        scale, shift = batch_norm_affine(head.batch_norm)
        weights = [(weight[:, :, 0, 0], bias) for weight, bias in head.stage_weights()]
        total = shift + scale * sum(bias for _, bias in weights)
        biases = [total, None, None, None]
        return [
            [linear_layer(weight * scale[:, None], bias)]
            for (weight, _), bias in zip(weights, biases, strict=True)
        ]
    scale, shift = batch_norm_affine(head.fusion_norm)
    parts = torch.split(head.fusion_conv.weight[:, :, 0, 0], head.decoder_dim, dim=1)
    stages = []
    for index, (conv, norm, part) in enumerate(zip(head.convs, head.norms, parts, strict=True)):
        first = fold_batch_norm(cast('nn.Conv2d', conv), cast('nn.BatchNorm2d', norm))
        bias = shift if index == 0 else None
        stages.append(
            [
                linear_layer(first.weight[:, :, 0, 0], first.bias),
                linear_layer(part * scale[:, None], bias),
            ]
        )
    return stages


def _chain(layers: Sequence[nn.Module]) -> nn.Sequential:
    joined: list[nn.Module] = []
    for layer in layers:
        joined += [layer] if not joined else [nn.ReLU(), layer]
    return nn.Sequential(*joined)


class ResizedHead(nn.Module):
    """
    A folded head on maps: 1x1 convolutions and Resize.

    :param activate: Applied to the output.
    """

    def __init__(
        self, head: SegformerHead | MmsegHead, activate: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        stages = folded_stages(head)
        self.stages = nn.ModuleList(
            _chain([pointwise_conv(layer) for layer in layers]) for layers in stages
        )
        weight = head.classifier.weight[:, :, 0, 0]
        self.classifier = pointwise_conv(linear_layer(weight, head.classifier.bias))
        self.activate = activate

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Turn the features of the four stages into (N, classes, h_0, w_0)."""
        total, *coarser = (stage(x) for stage, x in zip(self.stages, features, strict=True))
        for item, factor in zip(coarser, _FACTORS, strict=True):
            total = total + functional.interpolate(
                item, scale_factor=factor, mode='bilinear', align_corners=False
            )
        result: Tensor = self.classifier(functional.relu(total))
        return result if self.activate is None else self.activate(result)


class BandedHead(nn.Module):
    """
    A folded head on rows, with the interpolations of three stages as one product of matrices.

    Columns are interpolated at the height of each stage. Then a few rows at a time are: one
    matrix holds the weights of all three stages, so that its product is their sum, and the sum
    goes through ReLU and classifier while it is in the cache. No map of all channels at full
    resolution ever exists. The weights of the classifier come first in its product: OpenVINO then
    does not round the output to bfloat16 (see computed_zero).

    :param height: Of the map of the first stage, a multiple of 8; width likewise.
    :param activate: Applied to the output.
    """

    def __init__(
        self,
        head: SegformerHead | MmsegHead,
        height: int,
        width: int,
        activate: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.height, self.width, self.activate = height, width, activate
        self.stages = nn.ModuleList(_chain(layers) for layers in folded_stages(head))
        self.classifier = linear_layer(head.classifier.weight[:, :, 0, 0], head.classifier.bias)
        block = largest_block(width, _COLUMNS)
        self.columns = nn.ModuleList(
            ColumnBands(upsampling(width // factor, factor)[..., None], block // factor)
            for factor in _FACTORS
        )
        self._make_rows([upsampling(height // factor, factor) for factor in _FACTORS])

    def _make_rows(self, matrices: Sequence[Tensor]) -> None:
        cut = [row_blocks(matrix[..., None], _ROWS) for matrix in matrices]
        different: list[Tensor] = []
        self.blocks = []
        for parts in zip(*(blocks for blocks, _ in cut), strict=True):
            bands = [known[part.index] for part, (_, known) in zip(parts, cut, strict=True)]
            ranges = [(part.first, part.last) for part in parts]
            self.blocks.append((ranges, unique_index(different, torch.cat(bands, dim=1))))
        self.bands = nn.ParameterList(
            nn.Parameter(item, requires_grad=False) for item in different
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Turn the features of the four stages into (N, classes, height, width)."""
        zero = computed_zero(features[-1])
        finest, *coarser = (item.permute(0, 2, 3, 1) for item in features)
        channels = dims(finest)[3]
        finest = finest.reshape(-1, self.height, self.width * channels)
        wide = []
        layers = zip(coarser, self.stages[1:], self.columns, strict=True)
        for x, stage, module in layers:
            columns = cast('ColumnBands', module)
            rows = stage(columns.gather(x).reshape(-1, dims(x)[3]))
            lines = columns(rows, columns.matrices(zero))
            wide.append(lines.reshape(-1, dims(x)[1], self.width * dims(rows)[1]))
        bands = [band + zero for band in self.bands]
        done = []
        for index, (ranges, band) in enumerate(self.blocks):
            used = [x[:, first:last] for x, (first, last) in zip(wide, ranges, strict=True)]
            total = bands[band] @ torch.cat(used, dim=1)
            rows = finest[:, index * _ROWS : (index + 1) * _ROWS].reshape(-1, channels)
            own = self.stages[0](rows)
            fused = functional.relu(own + total.reshape(-1, dims(own)[1]))
            fused = fused.reshape(-1, _ROWS * self.width, dims(own)[1])
            done.append(self.classifier.weight @ fused.transpose(1, 2))
        result = torch.cat(done, dim=2) + self.classifier.bias[:, None]
        result = result.reshape(-1, dims(result)[1], self.height, self.width)
        return result if self.activate is None else self.activate(result)
