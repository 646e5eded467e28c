# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bilinear interpolation as products with small matrices.

Interpolation is linear and separable: rows are multiplied by one matrix, columns by another. Both
matrices are banded, an output depends on inputs near it only, and away from the border they
repeat. So a few small blocks hold all of them, whatever the size of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn, Tensor
from torch.nn import functional


def upsampling(size: int, factor: int) -> Tensor:
    """
    Return the matrix of a bilinear upsampling (align_corners=False) along one axis.

    :returns: (size * factor, size) float64; each row sums to one.
    """
    unit = torch.eye(size, dtype=torch.float64)[None]
    rows = functional.interpolate(
        unit, size=size * factor, mode='linear', align_corners=False
    )  # (1, input, output)
    return rows[0].T.contiguous()


def repeated_doubling(size: int, doublings: int) -> Tensor:
    """
    Return the matrix of so many x2 upsamplings, one after the other, along one axis.

    :returns: (size * 2 ** doublings, size) float64; not the matrix of one larger upsampling.
    """
    matrix = torch.eye(size, dtype=torch.float64)
    for _ in range(doublings):
        matrix = upsampling(matrix.shape[0], 2) @ matrix
    return matrix


def shifted(matrix: Tensor) -> Tensor:
    """
    Return what the three taps of a convolution with zero padding see of upsampled values.

    :param matrix: (outputs, inputs).
    :returns: (outputs, inputs, 3): tap d sees row i + d - 1 of the matrix, zeros outside of it.
    """
    before, after = torch.zeros_like(matrix), torch.zeros_like(matrix)
    before[1:], after[:-1] = matrix[:-1], matrix[1:]
    return torch.stack((before, matrix, after), dim=2)


def unique_index(matrices: list[Tensor], matrix: Tensor) -> int:
    """Return the place of a matrix in a list of different ones; append it where it is new."""
    for index, known in enumerate(matrices):
        if known.shape == matrix.shape and torch.equal(known, matrix):
            return index
    matrices.append(matrix.contiguous())
    return len(matrices) - 1


@dataclass(frozen=True)
class BandBlock:
    """
    Some consecutive outputs of a banded matrix.

    They depend on inputs from first to last - 1 alone; matrix (outputs, (last - first) * taps) is
    number `index` of the different blocks of that matrix.
    """

    first: int
    last: int
    index: int


def row_blocks(matrix: Tensor, outputs: int) -> tuple[list[BandBlock], list[Tensor]]:
    """
    Cut a banded matrix into blocks of so many outputs.

    :param matrix: (M, inputs, taps), M a multiple of outputs.
    :returns: The blocks in order, and the different matrices among them.
    """
    blocks, matrices = [], list[Tensor]()
    for part in torch.split(matrix, outputs):
        used = part.abs().sum((0, 2)).nonzero()[:, 0]
        first, last = int(used[0]), int(used[-1]) + 1
        index = unique_index(matrices, part[:, first:last].flatten(1))
        blocks.append(BandBlock(first, last, index))
    return blocks, matrices


def largest_block(size: int, blocks: Sequence[int]) -> int:
    """
    Choose the first of some block sizes that divides a size.

    :raises ValueError: None does.
    """
    for block in blocks:
        if size % block == 0:
            return block
    raise ValueError(f'expected a multiple of one of {tuple(blocks)}, got {size}')


class ColumnBands(nn.Module):
    """
    Interpolate along the columns of a channels-last map, in blocks of columns.

    A block sees its own columns and one more on either side. At the border that column is a
    copy, which the matrix of the block does not use.

    :param matrix: (M, columns, taps).
    :param columns: Inputs of one block; divides the columns.
    """

    bands: Tensor
    order: Tensor
    gathered: Tensor

    def __init__(self, matrix: Tensor, columns: int) -> None:
        super().__init__()
        size, self.taps = matrix.shape[1], matrix.shape[2]
        self.blocks, self.seen = size // columns, columns + 2
        self.outputs = matrix.shape[0]
        padded = torch.zeros(matrix.shape[0], size + 2, self.taps, dtype=matrix.dtype)
        padded[:, 1:-1] = matrix
        matrices: list[Tensor] = []
        starts = range(0, size, columns)
        parts = torch.split(padded, matrix.shape[0] // self.blocks)
        order = [
            unique_index(matrices, part[:, start : start + self.seen].flatten(1))
            for start, part in zip(starts, parts, strict=True)
        ]
        ends = torch.arange(-1, columns + 1)
        gathered = torch.cat([(start + ends).clamp(0, size - 1) for start in starts])
        self.register_buffer('bands', torch.stack(matrices))
        self.register_buffer('order', torch.tensor(order))
        self.register_buffer('gathered', gathered)

    def gather(self, x: Tensor) -> Tensor:
        """Turn (N, h, columns, C) into (N, h, gathered columns, C)."""
        return x.index_select(2, self.gathered)

    def matrices(self, zero: Tensor) -> Tensor:
        """
        Return the matrix of each block.

        :param zero: What computed_zero gives.
        :returns: (blocks, outputs / blocks, seen * taps).
        """
        return self.bands.index_select(0, self.order) + zero

    def forward(self, x: Tensor, matrices: Tensor) -> Tensor:
        """
        Interpolate what was made of gathered columns, each by itself.

        :param x: (rows, ..., C) whose values are ordered (rows, gathered columns, taps, C).
        :param matrices: What matrices gives.
        :returns: (rows, outputs * C).
        """
        # A plain number, which a trace takes for a constant.
        channels = int(x.shape[-1])
        x = x.reshape(-1, self.blocks, self.seen * self.taps, channels)
        return (matrices @ x).reshape(-1, self.outputs * channels)
