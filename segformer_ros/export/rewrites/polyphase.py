# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A 3x3 convolution of an upsampled map, computed from the map before its upsampling."""

from __future__ import annotations

from collections.abc import Iterator

from segformer_ros.export.rewrites.layers import dims
from segformer_ros.network.bands import (
    ColumnBands,
    largest_block,
    repeated_doubling,
    row_blocks,
    shifted,
)
import torch
from torch import nn, Tensor
from torch.nn import functional

# Measured on ONNX Runtime and OpenVINO: docs/performance.md.
_COLUMNS = (8, 4)
_ROWS = 4
_CHUNK_ROWS = 16


class PolyphaseConv(nn.Module):
    """
    conv3x3(up(x)) with zero padding, up being one or two bilinear x2 upsamplings.

    Both are linear, and the weights of the nine taps act on channels, the upsampling on
    positions, so they commute: sum over taps t of W_t shift_t(up(x)) is the sum over t of
    shift_t(up(W_t x)). So the products with the weights, nearly all of the arithmetic, are done
    on 4 or 16 times fewer pixels; what is left is separable and banded interpolation, whose
    matrices have zero rows where a tap would see the padding.

    A bias of a tap counts where the tap lies inside of the map, because the rows of an
    interpolation sum to one. The middle tap always does, so that its bias is that of the
    convolution. All biases come with a channel of ones: no operation is spent on them.

    :param weight: (O, I, 3, 3).
    :param bias: (O,); None: zeros.
    :param tap_bias: (O, 3, 3), what each tap adds where it lies inside; None: nothing.
    :param height: Of x, a multiple of 4; width likewise.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        height: int,
        width: int,
        *,
        doublings: int,
        tap_bias: Tensor | None = None,
    ) -> None:
        super().__init__()
        channels = weight.shape[0]
        taps = torch.zeros_like(weight[:, :1]) if tap_bias is None else tap_bias[:, None].clone()
        if bias is not None:
            taps[:, 0, 1, 1] += bias
        # (3 rows of taps, I + 1, 3 columns of taps * O)
        matrix = torch.cat((weight, taps), dim=1).permute(2, 1, 3, 0)
        self.weight = nn.Parameter(matrix.reshape(3, -1, 3 * channels).clone())
        self.channels = channels
        block = largest_block(width, _COLUMNS)
        self.columns = ColumnBands(shifted(repeated_doubling(width, doublings)), block)
        rows = shifted(repeated_doubling(height, doublings))
        self.blocks, matrices = row_blocks(rows, _ROWS << doublings)
        self.bands = nn.ParameterList(nn.Parameter(item, requires_grad=False) for item in matrices)

    def forward(self, x: Tensor, zero: Tensor) -> Iterator[Tensor]:
        """
        Compute some rows at a time.

        :param x: (N, I, height, width).
        :param zero: What computed_zero gives.
        :returns: (N, rows, columns * O) from top to bottom, channels last.
        """
        x = functional.pad(self.columns.gather(x.permute(0, 2, 3, 1)), (0, 1), value=1.0)
        weight, columns = self.weight + zero, self.columns.matrices(zero)
        bands = [band + zero for band in self.bands]
        step = _CHUNK_ROWS // _ROWS
        for start in range(0, len(self.blocks), step):
            blocks = self.blocks[start : start + step]
            first, last = blocks[0].first, blocks[-1].last
            lines = self._lines(x[:, first:last], weight, columns)
            for block in blocks:
                used = lines[:, 3 * (block.first - first) : 3 * (block.last - first)]
                yield bands[block.index] @ used

    def _lines(self, x: Tensor, weight: Tensor, matrices: Tensor) -> Tensor:
        """Turn gathered columns (N, h, columns, I + 1) into (N, h * 3, wide columns * O)."""
        height, columns, channels = dims(x)[1:]
        products = x.reshape(-1, height, 1, columns, channels) @ weight
        wide = self.columns(products.reshape(-1, columns * 3, self.channels), matrices)
        result: Tensor = wide.reshape(-1, 3 * height, self.columns.outputs * self.channels)
        return result
