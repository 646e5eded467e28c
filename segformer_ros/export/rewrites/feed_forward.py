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
    MixFFN on rows (N * height * width, C): three convolutions, 1x1 at both ends, and GELU.

    A linear layer on the channels of a map is a 1x1 convolution. So the wide map (four times the
    channels) is never transposed, and an engine keeps the layout of its convolutions in between.
    """

    def __init__(self, feed_forward: MixFFN, height: int, width: int) -> None:
        super().__init__()
        feed_forward = copy.deepcopy(feed_forward)
        self.height, self.width = height, width
        self.fc1 = pointwise_conv(feed_forward.fc1)
        self.dwconv = feed_forward.dwconv
        self.fc2 = pointwise_conv(feed_forward.fc2)

    def forward(self, rows: Tensor) -> Tensor:
        """Turn rows (N * height * width, C) into rows of the same shape."""
        x = self.dwconv(self.fc1(map_of_rows(rows, self.height, self.width)))
        return rows_of_map(self.fc2(functional.gelu(x)))
