# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of bytes as the input of a network."""

from __future__ import annotations

from collections.abc import Sequence

from segformer_ros.export.rewrites.layers import conv_layer
import torch
from torch import nn, Tensor


@torch.no_grad()
def fold_std(conv: nn.Conv2d, std: Sequence[float]) -> nn.Conv2d:
    """
    Make the convolution of x / (255 std) from that of x: its weights are divided instead.

    The mean cannot go the same way, into the bias: the convolution pads with zeros, which mean
    the mean colour. Folded, they would mean black: exact inside, wrong at the border.
    """
    scale = 1.0 / (255.0 * torch.tensor(std, dtype=conv.weight.dtype))
    return conv_layer(conv, conv.weight * scale[:, None, None], conv.bias)


class ByteInput(nn.Module):
    """
    Turn (N, H, W, 3) RGB bytes into (N, 3, H, W), of zero mean, for a convolution of fold_std.

    A camera that gives BGR needs no other network: reversed weights along the input channels of
    that convolution, and a reversed mean, are the same function.

    :param mean: Of each channel on the scale 0 to 1.
    """

    mean: Tensor

    def __init__(self, mean: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer('mean', 255.0 * torch.tensor(mean, dtype=torch.float64))

    def forward(self, image: Tensor) -> Tensor:
        """Subtract the mean, on the scale of the bytes, and put the channels first."""
        return (image.to(self.mean.dtype) - self.mean).permute(0, 3, 1, 2)
