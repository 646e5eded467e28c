# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A 3x3 convolution of an upsampled map, trained before the upsampling, on a CPU."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from segformer_ros.network.bands import repeated_doubling, row_blocks, shifted
import torch
from torch import Tensor

# Inputs of one block along an axis: of 4 to 16 the fastest for B0's head at 320x512.
_BLOCK = 8


class _Block(NamedTuple):
    """Some outputs of one axis, the inputs that they see, and the (outputs, inputs) matrix."""

    outputs: slice
    inputs: slice
    matrix: Tensor


@lru_cache(maxsize=32)
def _blocks(size: int, doublings: int, dtype: torch.dtype) -> tuple[_Block, ...]:
    """Cut the matrix from three taps of so many inputs to the upsampled outputs into blocks."""
    blocks, matrices = row_blocks(shifted(repeated_doubling(size, doublings)), _BLOCK << doublings)
    found, start = [], 0
    for block in blocks:
        matrix = matrices[block.index].to(dtype)
        outputs = slice(start, start + len(matrix))
        found.append(_Block(outputs, slice(3 * block.first, 3 * block.last), matrix))
        start = outputs.stop
    return tuple(found)


class _Interpolation(torch.autograd.Function):
    """
    A banded matrix times (N, K, inner), block by block, into one result (N, M, inner).

    torch would give the gradient of every block as a map of the whole size.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, blocks: tuple[_Block, ...]) -> Tensor:
        context.blocks, context.shape = blocks, x.shape
        result = x.new_empty(len(x), blocks[-1].outputs.stop, x.shape[2])
        for image, target in zip(x, result, strict=True):
            for block in blocks:
                torch.mm(block.matrix, image[block.inputs], out=target[block.outputs])
        return result

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0].contiguous()
        result = gradient.new_zeros(context.shape)
        for image, target in zip(gradient, result, strict=True):
            for block in context.blocks:
                target[block.inputs].addmm_(block.matrix.T, image[block.outputs])
        return result, None


def upsampled_conv(x: Tensor, weight: Tensor, bias: Tensor | None, doublings: int) -> Tensor:
    """
    Compute conv3x3(up(x)) with zero padding, up being bilinear x2 upsamplings.

    Weights act on channels, upsampling on positions, so they commute: the sum over taps t of
    W_t shift_t(up(x)) is the sum of shift_t(up(W_t x)). The products with the weights are
    done on 4 or 16 times fewer pixels, forward and backward; what is left is banded
    interpolation along columns and rows, whose matrices are zero where a tap sees the padding.

    :param x: (N, I, h, w).
    :param weight: (O, I, 3, 3).
    :param bias: (O,).
    :param doublings: 1 or more upsamplings.
    :returns: (N, O, H, W), channels last in memory, H being h times 2 to the doublings.
    """
    count, channels, height, width = x.shape
    outputs = weight.shape[0]
    pixels = x.permute(0, 3, 2, 1).reshape(-1, channels)
    # Columns of taps, then rows of taps, then channels.
    taps = pixels @ weight.permute(1, 3, 2, 0).reshape(channels, -1)
    taps = taps.reshape(count, width, height, 3, 3 * outputs).transpose(2, 3)
    taps = taps.reshape(count, 3 * width, -1)
    interpolate: Any = _Interpolation.apply
    wide: Tensor = interpolate(taps, _blocks(width, doublings, x.dtype))
    wide = wide.reshape(count, -1, 3 * height, outputs).transpose(1, 2)
    wide = wide.reshape(count, 3 * height, -1)
    result: Tensor = interpolate(wide, _blocks(height, doublings, x.dtype))
    result = result.reshape(count, height << doublings, width << doublings, outputs)
    return (result if bias is None else result + bias).permute(0, 3, 1, 2)
