# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All-MLP segmentation head of SegFormer (Xie et al. 2021, arXiv:2105.15203, eq. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn, Tensor
from torch.nn import functional


def fuse_maps(maps: Sequence[Tensor]) -> Tensor:
    """
    Sum maps of several resolutions at the resolution of the first.

    :param maps: (N, C, h_i, w_i), the finest first.
    :returns: (N, C, h_0, w_0), the others bilinearly upsampled.
    """
    total = maps[0]
    size = total.shape[-2:]
    for item in maps[1:]:
        if item.shape[-2:] != size:
            item = functional.interpolate(item, size=size, mode='bilinear', align_corners=False)
        total = total + item
    return total


def join_maps(maps: Sequence[Tensor], finest: Tensor) -> Tensor:
    """
    Upsample maps of several resolutions bilinearly and concatenate them.

    :param maps: (N, C, h_i, w_i).
    :param finest: (N, any, h_0, w_0), a map of the resolution to reach.
    :returns: (N, C times their number, h_0, w_0).
    """
    size = finest.shape[-2:]
    same = [
        functional.interpolate(item, size=size, mode='bilinear', align_corners=False)
        for item in maps
    ]
    return torch.cat(same, dim=1)


class SegformerHead(nn.Module):
    """
    Project every stage to decoder_dim, fuse them at stride 4 and classify.

    The paper projects, upsamples, concatenates (the coarsest first) and fuses with a 1x1
    convolution. Upsampling and 1x1 convolutions commute, so the product of both matrices is
    applied at the resolution of each stage and the results are summed: the same function of
    the same parameters, for B0 with a thirteenth of the arithmetic of the head.
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
        self.linear_c = nn.ModuleList(nn.Linear(dim, decoder_dim) for dim in embed_dims)
        self.linear_fuse = nn.Conv2d(len(embed_dims) * decoder_dim, decoder_dim, 1, bias=False)
        self.batch_norm = nn.BatchNorm2d(decoder_dim)
        self.dropout = nn.Dropout(drop_rate)
        self.classifier = nn.Conv2d(decoder_dim, num_classes, 1)

    def stage_weights(self) -> list[tuple[Tensor, Tensor]]:
        """
        Fold the projection of each stage into its part of linear_fuse.

        :returns: Of each stage, the finest first: (decoder_dim, C_i, 1, 1) and (decoder_dim,).
        """
        parts = torch.split(self.linear_fuse.weight.flatten(1), self.decoder_dim, dim=1)
        folded = []
        for linear, part in zip(self.linear_c, reversed(parts), strict=True):
            weight, bias = linear.get_parameter('weight'), linear.get_parameter('bias')
            folded.append(((part @ weight)[:, :, None, None], part @ bias))
        return folded

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """
        Compute the logits.

        :param features: (N, C_i, h_i, w_i) of the four stages, the finest first.
        :returns: (N, num_classes, h_0, w_0).
        """
        # The product of the weights is rounded once, by the convolution, not twice.
        with torch.autocast('cuda' if features[0].is_cuda else 'cpu', enabled=False):
            weights = self.stage_weights()
        maps = [
            functional.conv2d(feature, *weight)
            for feature, weight in zip(features, weights, strict=True)
        ]
        return self._classify(fuse_maps(maps))

    def forward_as_published(self, features: Sequence[Tensor]) -> Tensor:
        """Compute what forward does in the order of the paper, with its arithmetic."""
        projected = [
            linear(feature.movedim(1, 3)).movedim(3, 1)
            for feature, linear in zip(features, self.linear_c, strict=True)
        ]
        return self._classify(self.linear_fuse(join_maps(projected[::-1], features[0])))

    def _classify(self, fused: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.dropout(self.batch_norm(fused).relu()))
        return logits
