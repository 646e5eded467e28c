# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The SegFormer head of MMSegmentation, and the fully convolutional auxiliary head next to it."""

from __future__ import annotations

from collections.abc import Sequence

from segformer_ros.network.segformer_head import fuse_maps, join_maps
import torch
from torch import nn, Tensor
from torch.nn import functional

DECODER_DIM = 256
"""Channels of both heads, for every size of the encoder."""


class MmsegHead(nn.Module):
    """
    Project every stage with convolution, batch norm and ReLU, fuse at stride 4 and classify.

    Other weights than those of SegformerHead and another function: there the projections are
    linear, so that no renaming turns one into the other. The finest stage comes first in the
    concatenation. Upsampling and the fusing 1x1 convolution commute, so each stage is multiplied
    by its part of the fusion at its own resolution, and the results are summed: the same function
    of the same parameters with less arithmetic.
    """

    def __init__(
        self,
        embed_dims: Sequence[int],
        decoder_dim: int,
        num_classes: int,
        *,
        drop_rate: float = 0.1,
    ) -> None:
        super().__init__()
        self.decoder_dim = decoder_dim
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, decoder_dim, 1, bias=False) for channels in embed_dims
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(decoder_dim) for _ in embed_dims)
        self.fusion_conv = nn.Conv2d(len(embed_dims) * decoder_dim, decoder_dim, 1, bias=False)
        self.fusion_norm = nn.BatchNorm2d(decoder_dim)
        self.dropout = nn.Dropout2d(drop_rate)
        self.classifier = nn.Conv2d(decoder_dim, num_classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """
        Compute the logits.

        :param features: (N, C_i, h_i, w_i) of the four stages, the finest first.
        :returns: (N, num_classes, h_0, w_0).
        """
        parts = torch.split(self.fusion_conv.weight, self.decoder_dim, dim=1)
        maps = [
            functional.conv2d(item, part)
            for item, part in zip(self._project(features), parts, strict=True)
        ]
        return self._classify(fuse_maps(maps))

    def forward_as_published(self, features: Sequence[Tensor]) -> Tensor:
        """Compute what forward does in the order of the original, with its arithmetic."""
        return self._classify(self.fusion_conv(join_maps(self._project(features), features[0])))

    def _project(self, features: Sequence[Tensor]) -> list[Tensor]:
        layers = zip(features, self.convs, self.norms, strict=True)
        return [norm(conv(feature)).relu() for feature, conv, norm in layers]

    def _classify(self, fused: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.dropout(self.fusion_norm(fused).relu()))
        return logits


class FcnHead(nn.Module):
    """
    Classify one stage with a convolution of its own, for a second loss in training.

    Gradients reach the middle of the encoder on a short way (Zhao et al. 2017, arXiv:1612.01105,
    section 3.3); the run time leaves the head out.

    :param in_chans: Channels of the stage.
    """

    def __init__(
        self,
        in_chans: int,
        num_classes: int,
        *,
        decoder_dim: int = DECODER_DIM,
        drop_rate: float = 0.1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_chans, decoder_dim, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(decoder_dim)
        self.dropout = nn.Dropout2d(drop_rate)
        self.classifier = nn.Conv2d(decoder_dim, num_classes, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """Turn one stage (N, C, h, w) into logits (N, num_classes, h, w)."""
        x = self.norm(self.conv(feature)).relu()
        logits: Tensor = self.classifier(self.dropout(x))
        return logits
