# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth head with selective feature fusion (Kim et al. 2022, arXiv:2201.07436, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from segformer_ros.network.depth_activation import activate, check_activation
from segformer_ros.network.upsampled_conv import upsampled_conv
import torch
from torch import nn, Tensor
from torch.nn import functional

STRIDES = (1, 2, 4, 8)
SCALE = 'depth_scale'
"""
The output that says how far depth may be off: log b of each value.

b is the scale of a Laplace distribution of natural log depth about the predicted one, trained by
its likelihood next to depth (Kendall and Gal 2017, arXiv:1703.04977, section 3).
"""


def upsample_twice(x: Tensor) -> Tensor:
    """Turn (N, C, H, W) into (N, C, 2H, 2W), bilinearly."""
    return functional.interpolate(x, scale_factor=2.0, mode='bilinear', align_corners=False)


def depth_outputs(found: Tensor) -> dict[str, Tensor]:
    """
    Name what a depth head gives.

    :param found: (N, 1, h, w) depth, or (N, 2, h, w) with its SCALE.
    :returns: 'depth' and, where there is one, SCALE, each (N, 1, h, w).
    """
    if found.shape[1] == 1:
        return {'depth': found}
    return {'depth': found[:, :1], SCALE: found[:, 1:]}


def _trains_on_cpu(x: Tensor) -> bool:
    """Whether gradients are computed where it costs what it has of arithmetic."""
    autocast = torch.is_autocast_enabled('cpu')
    return x.device.type == 'cpu' and torch.is_grad_enabled() and not autocast


class SelectiveFeatureFusion(nn.Module):
    """Mix a local and a global map with two attention maps (figure 3 of the paper)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2 * dim, dim, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(dim)
        self.conv2 = nn.Conv2d(dim, dim // 2, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(dim // 2)
        self.conv3 = nn.Conv2d(dim // 2, 2, 3, padding=1)

    def forward(self, local_map: Tensor, global_map: Tensor) -> Tensor:
        """Mix two maps (N, C, h, w) into one of the same shape."""
        x = torch.cat((local_map, global_map), dim=1)
        x = functional.relu(self.norm1(self.conv1(x)))
        x = functional.relu(self.norm2(self.conv2(x)))
        attention: Tensor = self.conv3(x).sigmoid()
        return local_map * attention[:, :1] + global_map * attention[:, 1:]


class GlpnHead(nn.Module):
    """
    Decode the features of the four stages into one depth value per stride x stride pixels.

    :param dim: Channels of the decoder, 64 in the paper.
    :param stride: 1 is the paper's head. 2 and 4 leave out its last one or two upsamplings, so
        that both convolutions behind them run on 4 or 16 times fewer pixels. 8 leaves out all of
        them: the finest map is halved by means of 2x2 cells instead.
    :param activation: See depth_activation.activate; the paper's is 'metric'.
    :param scale: Also predict how far log depth may be from the truth, as SCALE says.
    :ivar training_stride: The same in training mode. The weights fit every stride, so that a
        training can leave the costly pixels to its end.
    :raises ValueError: The stride or the activation is unknown.
    """

    def __init__(
        self,
        embed_dims: Sequence[int],
        *,
        dim: int = 64,
        stride: int = 1,
        activation: str = 'metric',
        max_depth_m: float = 10.0,
        scale: bool = False,
    ) -> None:
        super().__init__()
        if stride not in STRIDES:
            raise ValueError(f'stride of the depth head must be one of {STRIDES}, not {stride}')
        check_activation(activation)
        self.decoder_dim = dim
        self.stride = stride
        self.training_stride = stride
        self.activation = activation
        self.max_depth_m = max_depth_m
        self.convs = nn.ModuleList(
            nn.Identity() if channels == dim else nn.Conv2d(channels, dim, 1)
            for channels in reversed(embed_dims)
        )
        self.fusions = nn.ModuleList(SelectiveFeatureFusion(dim) for _ in embed_dims[1:])
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.predict = nn.Conv2d(dim, 1, 3, padding=1)
        self.log_scale: nn.Conv2d | None = nn.Conv2d(dim, 1, 1) if scale else None

    @property
    def current_stride(self) -> int:
        """Return the stride of the present mode, training or not."""
        return self.training_stride if self.training else self.stride

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """
        Compute the depth.

        :param features: (N, C_i, h_i, w_i) of the four stages, the finest (stride 4) first.
        :returns: (N, 1, H / s, W / s), s being current_stride: metres, or log metres where
            depth_is_log says so; with a scale (N, 2, H / s, W / s), the second channel being its
            logarithm. depth_outputs names them.
        """
        coarse, *finer = reversed(features)
        x: Tensor = self.convs[0](coarse)
        for feature, conv, fusion in zip(finer, self.convs[1:], self.fusions, strict=True):
            if feature is features[0] and self.current_stride == 8:
                x = fusion(conv(functional.avg_pool2d(feature, 2)), x)
            else:
                x = fusion(conv(feature), upsample_twice(x))
        x = functional.relu(self._upsampled_conv(x))
        depth = activate(self.predict(x), self.activation, self.max_depth_m)
        return depth if self.log_scale is None else torch.cat((depth, self.log_scale(x)), dim=1)

    def _upsampled_conv(self, x: Tensor) -> Tensor:
        """Upsample to current_stride, and convolve; where it pays, in the other order."""
        doublings = (4 // self.current_stride).bit_length() - 1
        if doublings > 0 and self.training and _trains_on_cpu(x):
            return upsampled_conv(x, self.conv.weight, self.conv.bias, doublings)
        for _ in range(doublings):
            x = upsample_twice(x)
        result: Tensor = self.conv(x)
        return result
