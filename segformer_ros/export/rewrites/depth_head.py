# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The GLPN depth head with fewer and cheaper operations."""

from __future__ import annotations

from collections.abc import Sequence
import copy
from typing import cast

from segformer_ros.export.rewrites.layers import computed_zero, conv_layer, dims, linear_layer
from segformer_ros.export.rewrites.norms import fold_batch_norm
from segformer_ros.export.rewrites.polyphase import PolyphaseConv
from segformer_ros.network.depth_activation import activate
from segformer_ros.network.glpn_head import GlpnHead, SelectiveFeatureFusion, upsample_twice
import torch
from torch import nn, Tensor
from torch.nn import functional


class FoldedFusion(nn.Module):
    """SelectiveFeatureFusion with its batch norms in its convolutions."""

    def __init__(self, fusion: SelectiveFeatureFusion) -> None:
        super().__init__()
        self.conv1 = fold_batch_norm(fusion.conv1, fusion.norm1)
        self.conv2 = fold_batch_norm(fusion.conv2, fusion.norm2)
        self.conv3 = copy.deepcopy(fusion.conv3)

    def mixed(self, x: Tensor, local_map: Tensor, global_map: Tensor) -> Tensor:
        """Mix two maps with the attention that the first convolution's output x leads to."""
        x = functional.relu(self.conv2(functional.relu(x)))
        attention: Tensor = self.conv3(x).sigmoid()
        return local_map * attention[:, :1] + global_map * attention[:, 1:]

    def forward(self, local_map: Tensor, global_map: Tensor) -> Tensor:
        """Mix two maps (N, C, h, w) into one of the same shape."""
        x = self.conv1(torch.cat((local_map, global_map), dim=1))
        return self.mixed(x, local_map, global_map)


class SplitFusion(FoldedFusion):
    """
    FoldedFusion whose first convolution is split between its two maps.

    conv(concat(l, g)) is conv_l(l) + conv_g(g), and g is an upsampled map: conv_g is a polyphase
    convolution of the map before the upsampling. Where l is a 1x1 convolution A f + a of a map f
    of fewer channels, conv_l(l) is one 3x3 convolution of f with the products of both weights.
    What the bias a contributes depends on which taps lie inside of the map, as a tap bias does.

    :param projection: What makes l of the features of the stage.
    :param height: Of l and the upsampled g; width likewise.
    """

    def __init__(
        self, fusion: SelectiveFeatureFusion, projection: nn.Module, height: int, width: int
    ) -> None:
        super().__init__(fusion)
        conv = self.conv1
        del self.conv1
        local_weight, global_weight = conv.weight.chunk(2, dim=1)
        tap_bias = None
        self.composed = False
        if isinstance(projection, nn.Conv2d) and projection.in_channels < local_weight.shape[1]:
            self.composed = True
            matrix = projection.weight[:, :, 0, 0]
            if projection.bias is not None:
                tap_bias = torch.einsum('oiyx,i->oyx', local_weight, projection.bias)
            local_weight = torch.einsum('oiyx,ij->ojyx', local_weight, matrix)
        self.local_conv = conv_layer(conv, local_weight)
        self.global_conv = PolyphaseConv(
            global_weight, conv.bias, height // 2, width // 2, doublings=1, tap_bias=tap_bias
        )

    def split(self, feature: Tensor, local_map: Tensor, coarse: Tensor, zero: Tensor) -> Tensor:
        """
        Mix two maps into one (N, C, h, w).

        :param feature: (N, any, h, w) that local_map is the projection of.
        :param coarse: (N, C, h / 2, w / 2), the global map before its upsampling.
        :param zero: What computed_zero gives.
        """
        x = self.local_conv(feature if self.composed else local_map)
        rows = torch.cat(list(self.global_conv(coarse, zero)), dim=1)
        _, channels, height, width = dims(x)
        rows = rows.reshape(-1, height, width, channels)
        return self.mixed(x + rows.permute(0, 3, 1, 2), local_map, upsample_twice(coarse))


class PolyphasePrediction(nn.Module):
    """
    The two convolutions behind the last upsamplings, from the map before these.

    The first is a polyphase convolution, some rows at a time. The second has one output: its nine
    taps are products of a vector with the channels of a pixel, so they make nine numbers of each
    pixel at once, and nine shifted images of these are summed; what lies outside is zero.

    :param height: Of the map before the upsamplings; width likewise.
    :param doublings: One for stride 2, two for stride 1.
    """

    def __init__(
        self, conv: nn.Conv2d, predict: nn.Conv2d, height: int, width: int, doublings: int
    ) -> None:
        super().__init__()
        self.height, self.width = height << doublings, width << doublings
        self.conv = PolyphaseConv(conv.weight, conv.bias, height, width, doublings=doublings)
        self.taps = linear_layer(predict.weight[0].flatten(1).T)
        self.bias = nn.Parameter(torch.zeros(1) if predict.bias is None else predict.bias.clone())

    def forward(self, x: Tensor, zero: Tensor) -> Tensor:
        """Turn (N, C, h, w) into (N, 1, factor * h, factor * w), before the activation."""
        channels = self.taps.in_features
        parts = [
            self.taps(functional.relu(rows).reshape(-1, channels)).reshape(
                -1, dims(rows)[1] * self.width, 9
            )
            for rows in self.conv(x, zero)
        ]
        taps = torch.cat(parts, dim=1).transpose(1, 2)
        taps = functional.pad(taps.reshape(-1, 9, self.height, self.width), (1, 1, 1, 1))
        total = self.bias[:, None, None]
        for index in range(9):
            top, left = divmod(index, 3)
            bottom, right = top + self.height, left + self.width
            total = total + taps[:, index : index + 1, top:bottom, left:right]
        return total


class FoldedGlpnHead(nn.Module):
    """
    GlpnHead for one size.

    :param height: Of the map of the first stage; width likewise.
    :param banded: Whether to use polyphase convolutions: in the finest fusion, and where the
        stride is below 4 behind the last upsamplings.
    """

    def __init__(self, head: GlpnHead, height: int, width: int, *, banded: bool) -> None:
        super().__init__()
        self.activation, self.max_depth_m = head.activation, head.max_depth_m
        self.convs = copy.deepcopy(head.convs)
        published = [cast('SelectiveFeatureFusion', fusion) for fusion in head.fusions]
        fusions = [FoldedFusion(fusion) for fusion in published]
        if banded:
            fusions[-1] = SplitFusion(published[-1], head.convs[-1], height, width)
        self.fusions = nn.ModuleList(fusions)
        self.doublings = (4 // head.stride).bit_length() - 1
        self.polyphase = banded and self.doublings > 0
        if self.polyphase:
            self.prediction: nn.Module = PolyphasePrediction(
                head.conv, head.predict, height, width, self.doublings
            )
        else:
            conv, predict = copy.deepcopy(head.conv), copy.deepcopy(head.predict)
            self.prediction = nn.Sequential(conv, nn.ReLU(), predict)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute the depth, as GlpnHead does."""
        zero = computed_zero(features[-1])
        coarse, *finer = reversed(features)
        x: Tensor = self.convs[0](coarse)
        for feature, conv, fusion in zip(finer, self.convs[1:], self.fusions, strict=True):
            local_map = conv(feature)
            if isinstance(fusion, SplitFusion):
                x = fusion.split(feature, local_map, x, zero)
            else:
                x = fusion(local_map, upsample_twice(x))
        for _ in range(0 if self.polyphase else self.doublings):
            x = upsample_twice(x)
        x = self.prediction(x, zero) if self.polyphase else self.prediction(x)
        return activate(x, self.activation, self.max_depth_m)
