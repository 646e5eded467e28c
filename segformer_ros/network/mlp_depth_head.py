# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth from the all-MLP head of SegFormer with a single channel, as in Segformer3D."""

from __future__ import annotations

from collections.abc import Sequence

from segformer_ros.network.depth_activation import activate, check_activation
from segformer_ros.network.segformer_head import SegformerHead
from torch import Tensor

DECODER_DIM = 256
"""Channels that Segformer3D publishes."""
STRIDE = 4


class MlpDepthHead(SegformerHead):
    """
    A head for one depth per 4x4 pixels; layers and their names are those of SegformerHead.

    :param activation: See depth_activation.activate; Segformer3D's is 'linear'.
    """

    def __init__(
        self,
        embed_dims: Sequence[int],
        decoder_dim: int = DECODER_DIM,
        *,
        activation: str = 'linear',
        max_depth_m: float = 10.0,
        drop_rate: float = 0.1,
    ) -> None:
        check_activation(activation)
        super().__init__(embed_dims, decoder_dim, 1, drop_rate=drop_rate)
        self.stride = self.current_stride = STRIDE
        self.activation = activation
        self.max_depth_m = max_depth_m

    def _classify(self, fused: Tensor) -> Tensor:
        return activate(super()._classify(fused), self.activation, self.max_depth_m)
