# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One encoder with a segmentation head and a depth head, in one forward pass."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any

from segformer_ros.network.glpn_head import GlpnHead
from segformer_ros.network.mix_transformer import MixTransformer, SIZES, TOTAL_STRIDE
from segformer_ros.network.segformer_head import SegformerHead
import torch
from torch import nn, Tensor
from torch.nn import functional

SEGMENTATION_STRIDE = 4


@dataclass(frozen=True)
class NetworkConfig:
    """
    Everything that makes the shape of a network.

    :param size: Encoder, 'b0' to 'b5'.
    :param decoder_dim: Channels of the segmentation head; None is the published number.
    :param drop_rate: Dropout before the classifier.
    """

    size: str
    num_classes: int
    depth: bool = True
    segmentation: bool = True
    decoder_dim: int | None = None
    depth_dim: int = 64
    depth_stride: int = 1
    depth_activation: str = 'metric'
    max_depth_m: float = 10.0
    drop_path_rate: float = 0.0
    drop_rate: float = 0.1
    norm_eps: float = 1e-5


def pad_to_stride(x: Tensor) -> Tensor:
    """Append zeros to (N, C, H, W) on the right and at the bottom, to multiples of 32."""
    height, width = x.shape[-2:]
    bottom, right = -height % TOTAL_STRIDE, -width % TOTAL_STRIDE
    return functional.pad(x, (0, right, 0, bottom)) if bottom or right else x


def crop(x: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Keep of (N, C, h, w) the cells that see the first height x width pixels."""
    return x[..., : math.ceil(height / stride), : math.ceil(width / stride)]


class MultitaskSegformer(nn.Module):
    """
    SegFormer with an optional GLPN depth head; at least one head is on.

    :raises ValueError: The size is unknown or both heads are off.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if config.size not in SIZES:
            raise ValueError(f'size must be one of {", ".join(SIZES)}, not {config.size!r}')
        if not (config.segmentation or config.depth):
            raise ValueError('at least one of segmentation and depth must be true')
        self.config = config
        size = SIZES[config.size]
        self.encoder = MixTransformer(
            embed_dims=size.embed_dims,
            depths=size.depths,
            drop_path_rate=config.drop_path_rate,
            norm_eps=config.norm_eps,
        )
        self.segmentation_head = self.depth_head = None
        if config.segmentation:
            self.segmentation_head = SegformerHead(
                size.embed_dims,
                config.decoder_dim or size.decoder_dim,
                config.num_classes,
                drop_rate=config.drop_rate,
            )
        if config.depth:
            self.depth_head = GlpnHead(
                size.embed_dims,
                dim=config.depth_dim,
                stride=config.depth_stride,
                activation=config.depth_activation,
                max_depth_m=config.max_depth_m,
            )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Run the heads that are on.

        :param image: (N, 3, H, W) normalised RGB of any size.
        :returns: 'logits' (N, num_classes, ceil(H/4), ceil(W/4)) and 'depth'
            (N, 1, ceil(H/s), ceil(W/s)), s being the stride of the depth head; metres, or log
            metres when the activation is 'log'.
        """
        height, width = image.shape[-2:]
        features = self.encoder(pad_to_stride(image))
        outputs = {}
        if self.segmentation_head is not None:
            logits = self.segmentation_head(features)
            outputs['logits'] = crop(logits, height, width, SEGMENTATION_STRIDE)
        if self.depth_head is not None:
            depth = self.depth_head(features)
            outputs['depth'] = crop(depth, height, width, self.depth_head.stride)
        return outputs


@torch.no_grad()
def initialize(network: MultitaskSegformer, *, typical_depth_m: float = 10.0) -> None:
    """
    Draw the weights to train from scratch, with torch's global generator.

    Convolutions keep the variance of the gradient (fan-out), linear layers start small. The
    last layers start near zero, the depth at typical_depth_m: otherwise the first steps go to
    unlearning random depths that differ by many powers of e.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.weight[0, 0].numel() * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
        elif isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
    if network.segmentation_head is not None:
        nn.init.normal_(network.segmentation_head.classifier.weight, std=0.01)
    head = network.depth_head
    if head is not None:
        nn.init.normal_(head.predict.weight, std=0.01)
        share = min(typical_depth_m / head.max_depth_m, 0.99)
        start = math.log(typical_depth_m)
        start = start if head.activation == 'log' else math.log(share / (1.0 - share))
        head.predict.bias.fill_(start)  # type: ignore[union-attr]


def build(size: str, num_classes: int, **options: Any) -> MultitaskSegformer:
    """
    Make a network with freshly drawn weights.

    :param options: The other fields of NetworkConfig.
    :raises ValueError: An option has an unknown value.
    """
    network = MultitaskSegformer(NetworkConfig(size, num_classes, **options))
    initialize(network)
    return network
