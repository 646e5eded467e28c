# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mix-FFN as convolutions."""

from __future__ import annotations

import copy

from segformer_ros.export.rewrites.layers import map_of_rows, pointwise_conv, rows_of_map
from segformer_ros.network.mix_transformer import MixFFN
from torch import nn, Tensor
from torch.nn import functional


class ConvFeedForward(nn.Module):
    """
    MixFFN on rows (N * height * width, C): 1x1 convolution, depthwise convolution, GELU, matrix.

    A linear layer on the channels of a map is a 1x1 convolution, and GELU acts on each value
    alone, so that layouts can change in between at will: the wide map (four times the channels)
    is then never transposed on its way into the depthwise convolution, and once behind it.
    """

    def __init__(self, feed_forward: MixFFN, height: int, width: int) -> None:
        super().__init__()
        feed_forward = copy.deepcopy(feed_forward)
        self.height, self.width = height, width
        self.fc1 = pointwise_conv(feed_forward.fc1)
        self.dwconv = feed_forward.dwconv
        self.fc2 = feed_forward.fc2

    def forward(self, rows: Tensor) -> Tensor:
        """Turn rows (N * height * width, C) into rows of the same shape."""
        x = self.dwconv(self.fc1(map_of_rows(rows, self.height, self.width)))
        result: Tensor = self.fc2(functional.gelu(rows_of_map(x)))
        return result
