# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The GLPN depth head with fewer and cheaper operations."""

from __future__ import annotations

from collections.abc import Sequence
import copy
import math
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


class TapSum(nn.Module):
    """
    A 3x3 convolution with one output, as nine numbers of each pixel and nine shifted sums.

    A tap is the product of a vector with the channels of a pixel, so all taps are one matrix; what
    lies outside of the map is zero. The bias, which is the largest number where depth is
    logarithmic, is added last: in a low precision only the numbers around it are rounded.

    :param height: Of the map; width likewise.
    """

    def __init__(self, predict: nn.Conv2d, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.taps = linear_layer(predict.weight[0].flatten(1).T)
        self.bias = nn.Parameter(torch.zeros(1) if predict.bias is None else predict.bias.clone())

    def products(self, x: Tensor) -> Tensor:
        """Turn some rows of the map, (N, ...) with the channels last, into (N, pixels, 9)."""
        pixels = math.prod(dims(x)[1:]) // self.taps.in_features
        products: Tensor = self.taps(x.reshape(-1, self.taps.in_features))
        return products.reshape(-1, pixels, 9)

    def forward(self, products: Sequence[Tensor]) -> Tensor:
        """Turn the products of all rows, from top to bottom, into (N, 1, height, width)."""
        taps = torch.cat(list(products), dim=1).transpose(1, 2)
        taps = functional.pad(taps.reshape(-1, 9, self.height, self.width), (1, 1, 1, 1))
        total = taps[:, :1, : self.height, : self.width]
        for index in range(1, 9):
            top, left = divmod(index, 3)
            bottom, right = top + self.height, left + self.width
            total = total + taps[:, index : index + 1, top:bottom, left:right]
        return total + self.bias[:, None, None]


class PixelRows(nn.Module):
    """
    A 1x1 convolution with one output, of some rows at a time.

    :param like: Of the same map.
    """

    def __init__(self, conv: nn.Conv2d, like: TapSum) -> None:
        super().__init__()
        self.height, self.width = like.height, like.width
        self.linear = linear_layer(conv.weight[:, :, 0, 0], conv.bias)

    def values(self, x: Tensor) -> Tensor:
        """Turn some rows of the map, (N, ...) with the channels last, into (N, pixels)."""
        pixels = math.prod(dims(x)[1:]) // self.linear.in_features
        values: Tensor = self.linear(x.reshape(-1, self.linear.in_features))
        return values.reshape(-1, pixels)

    def forward(self, values: Sequence[Tensor]) -> Tensor:
        """Turn the values of all rows, from top to bottom, into (N, 1, height, width)."""
        return torch.cat(list(values), dim=1).reshape(-1, 1, self.height, self.width)


class Prediction(nn.Module):
    """
    The last two convolutions of the head, and the upsamplings before them.

    Where there are upsamplings, the first one is a polyphase convolution, some rows at a time.

    :param head: Not changed.
    :param height: Of the map before the upsamplings; width likewise.
    :param doublings: None for stride 4, one for stride 2, two for stride 1.
    """

    def __init__(self, head: GlpnHead, height: int, width: int, doublings: int) -> None:
        super().__init__()
        conv = head.conv
        self.conv: nn.Module = copy.deepcopy(conv)
        self.polyphase = doublings > 0
        if self.polyphase:
            self.conv = PolyphaseConv(conv.weight, conv.bias, height, width, doublings=doublings)
        self.sum = TapSum(head.predict, height << doublings, width << doublings)
        self.scale = None if head.log_scale is None else PixelRows(head.log_scale, self.sum)

    def forward(self, x: Tensor, zero: Tensor) -> tuple[Tensor, Tensor | None]:
        """
        Turn (N, C, h, w) into (N, 1, factor * h, factor * w), before the activation.

        :param zero: What computed_zero gives.
        :returns: The depth, and its log scale or None.
        """
        parts = self.conv(x, zero) if self.polyphase else [self.conv(x).permute(0, 2, 3, 1)]
        products, scales = [], []
        for part in parts:
            rows = functional.relu(part)
            products.append(self.sum.products(rows))
            if self.scale is not None:
                scales.append(self.scale.values(rows))
        return self.sum(products), None if self.scale is None else self.scale(scales)


class FoldedGlpnHead(nn.Module):
    """
    GlpnHead for one size.

    :param height: Of the map of the first stage; width likewise.
    :param banded: Whether to use polyphase convolutions, in the finest fusion and behind the last
        upsamplings, and TapSum.
    """

    def __init__(self, head: GlpnHead, height: int, width: int, *, banded: bool) -> None:
        super().__init__()
        self.activation, self.max_depth_m = head.activation, head.max_depth_m
        self.convs = copy.deepcopy(head.convs)
        published = [cast('SelectiveFeatureFusion', fusion) for fusion in head.fusions]
        fusions = [FoldedFusion(fusion) for fusion in published]
        self.halved = head.stride == 8
        if banded and not self.halved:
            fusions[-1] = SplitFusion(published[-1], head.convs[-1], height, width)
        self.fusions = nn.ModuleList(fusions)
        self.doublings = max((4 // head.stride).bit_length() - 1, 0)
        height, width = height >> self.halved, width >> self.halved
        self.banded = banded
        if banded:
            self.prediction: nn.Module = Prediction(head, height, width, self.doublings)
        else:
            self.prediction = nn.Sequential(copy.deepcopy(head.conv), nn.ReLU())
            self.predict, self.log_scale = copy.deepcopy((head.predict, head.log_scale))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute the depth, as GlpnHead does."""
        zero = computed_zero(features[-1])
        coarse, *finer = reversed(features)
        x: Tensor = self.convs[0](coarse)
        for feature, conv, fusion in zip(finer, self.convs[1:], self.fusions, strict=True):
            if self.halved and feature is features[0]:
                x = fusion(conv(functional.avg_pool2d(feature, 2)), x)
                continue
            local_map = conv(feature)
            if isinstance(fusion, SplitFusion):
                x = fusion.split(feature, local_map, x, zero)
            else:
                x = fusion(local_map, upsample_twice(x))
        if self.banded:
            x, scale = self.prediction(x, zero)
        else:
            for _ in range(self.doublings):
                x = upsample_twice(x)
            x = self.prediction(x)
            scale = None if self.log_scale is None else self.log_scale(x)
            x = self.predict(x)
        depth = activate(x, self.activation, self.max_depth_m)
        return depth if scale is None else torch.cat((depth, scale), dim=1)
