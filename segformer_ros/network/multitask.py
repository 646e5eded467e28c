# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One encoder with a segmentation head and a depth head, in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

from segformer_ros.network import mlp_depth_head, mmseg_head
from segformer_ros.network.depth_activation import start_value
from segformer_ros.network.glpn_head import depth_outputs, GlpnHead
from segformer_ros.network.mix_transformer import (
    make_encoder,
    MLP_RATIOS,
    SIZES,
    SR_RATIOS,
    TOTAL_STRIDE,
)
from segformer_ros.network.mlp_depth_head import MlpDepthHead
from segformer_ros.network.mmseg_head import FcnHead, MmsegHead
from segformer_ros.network.segformer_head import SegformerHead
import torch
from torch import nn, Tensor
from torch.nn import functional

TASKS = ('segmentation', 'depth')
SEGMENTATION_STRIDE = 4
SEGMENTATION_HEADS = ('nvlabs', 'mmseg')
DEPTH_HEADS = ('glpn', 'mlp')
AUXILIARY_STAGE = 2
AUXILIARY_STRIDE = 16
# Of log depth at the start of a training; a trained network is off by 0.1 to 0.3.
_START_SCALE = 0.2


@dataclass(frozen=True)
class NetworkConfig:
    """
    Everything that makes the shape and the arithmetic of a network; docs/networks.md has tables.

    :param size: Encoder, 'b0' to 'b5'.
    :param decoder_dim: Channels of the segmentation head and of the 'mlp' depth head; None is
        the number that each head was published with.
    :param depth_dim: Channels of the 'glpn' depth head.
    :param depth_stride: Input pixels per value and side of the 'glpn' depth head, 1, 2, 4 or 8.
        The 'mlp' head has 4.
    :param depth_activation: 'metric', 'log', 'bounded_log' or 'linear'; see depth_activation.
    :param max_depth_m: What the sigmoid of 'metric' (metres) and 'bounded_log' (log metres) is
        multiplied by.
    :param depth_scale: Whether the 'glpn' depth head also predicts how far depth may be off;
        see glpn_head.SCALE.
    :param drop_rate: Dropout before the classifier.
    :param norm_eps: Of the LayerNorms of blocks and stages.
    :param embed_norm_eps: Of the LayerNorms behind patch embeddings and reduced keys; None is
        norm_eps. mix_transformer.EPS_PROFILES has the published pairs.
    :param segmentation_head: 'nvlabs' (also Hugging Face's and Segformer3D's) or 'mmseg'.
    :param depth_head: 'glpn', or 'mlp' as in Segformer3D.
    :param auxiliary_head: Whether a second segmentation head on the third stage is trained too.
    :param sr_ratios: Tokens per key and side, of each stage; others than the published ones are
        of this package alone, mlp_ratios likewise.
    :param mlp_ratios: Channels inside of each stage's Mix-FFN over those outside of it.
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
    depth_scale: bool = False
    drop_path_rate: float = 0.0
    drop_rate: float = 0.1
    norm_eps: float = 1e-5
    embed_norm_eps: float | None = None
    segmentation_head: str = 'nvlabs'
    depth_head: str = 'glpn'
    auxiliary_head: bool = False
    sr_ratios: tuple[int, ...] = SR_RATIOS
    mlp_ratios: tuple[int, ...] = MLP_RATIOS

    def __post_init__(self) -> None:
        """Take lists, as JSON has them, for tuples."""
        for name in ('sr_ratios', 'mlp_ratios'):
            object.__setattr__(self, name, tuple(getattr(self, name)))


def pad_to_stride(x: Tensor) -> Tensor:
    """Append zeros to (N, C, H, W) on the right and at the bottom, to multiples of 32."""
    height, width = x.shape[-2:]
    bottom, right = -height % TOTAL_STRIDE, -width % TOTAL_STRIDE
    return functional.pad(x, (0, right, 0, bottom)) if bottom or right else x


def crop(x: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Keep of (N, C, h, w) the cells that see the first height x width pixels."""
    return x[..., : math.ceil(height / stride), : math.ceil(width / stride)]


def _segmentation_head(config: NetworkConfig) -> SegformerHead | MmsegHead:
    size, classes, drop_rate = SIZES[config.size], config.num_classes, config.drop_rate
    if config.segmentation_head == 'nvlabs':
        channels = config.decoder_dim or size.decoder_dim
        return SegformerHead(size.embed_dims, channels, classes, drop_rate=drop_rate)
    if config.segmentation_head == 'mmseg':
        channels = config.decoder_dim or mmseg_head.DECODER_DIM
        return MmsegHead(size.embed_dims, channels, classes, drop_rate=drop_rate)
    raise ValueError(
        f'segmentation_head must be one of {", ".join(SEGMENTATION_HEADS)}, '
        f'not {config.segmentation_head!r}'
    )


def _depth_head(config: NetworkConfig) -> GlpnHead | MlpDepthHead:
    embed_dims = SIZES[config.size].embed_dims
    if config.depth_head == 'glpn':
        return GlpnHead(
            embed_dims,
            dim=config.depth_dim,
            stride=config.depth_stride,
            activation=config.depth_activation,
            max_depth_m=config.max_depth_m,
            scale=config.depth_scale,
        )
    if config.depth_scale:
        raise ValueError(f'depth_scale is for the glpn depth head, not for {config.depth_head!r}')
    if config.depth_head == 'mlp':
        return MlpDepthHead(
            embed_dims,
            config.decoder_dim or mlp_depth_head.DECODER_DIM,
            activation=config.depth_activation,
            max_depth_m=config.max_depth_m,
            drop_rate=config.drop_rate,
        )
    raise ValueError(
        f'depth_head must be one of {", ".join(DEPTH_HEADS)}, not {config.depth_head!r}'
    )


class MultitaskSegformer(nn.Module):
    """
    SegFormer with a segmentation head, a depth head or both, and the auxiliary head in training.

    :raises ValueError: A value of the configuration is unknown, both heads are off, or the
        auxiliary head is on without segmentation.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if not (config.segmentation or config.depth):
            raise ValueError('at least one of segmentation and depth must be true')
        if config.auxiliary_head and not config.segmentation:
            raise ValueError('auxiliary_head is a second segmentation head: segmentation is off')
        if config.depth_scale and not config.depth:
            raise ValueError('depth_scale is an output of the depth head: depth is off')
        self.config = config
        self.encoder = make_encoder(
            config.size,
            sr_ratios=config.sr_ratios,
            mlp_ratios=config.mlp_ratios,
            drop_path_rate=config.drop_path_rate,
            norm_eps=config.norm_eps,
            embed_norm_eps=config.embed_norm_eps,
        )
        self.segmentation_head: SegformerHead | MmsegHead | None = None
        self.depth_head: GlpnHead | MlpDepthHead | None = None
        self.auxiliary_head: FcnHead | None = None
        if config.segmentation:
            self.segmentation_head = _segmentation_head(config)
        if config.depth:
            self.depth_head = _depth_head(config)
        if config.auxiliary_head:
            channels = SIZES[config.size].embed_dims[AUXILIARY_STAGE]
            self.auxiliary_head = FcnHead(channels, config.num_classes, drop_rate=config.drop_rate)

    def forward(self, image: Tensor, tasks: Sequence[str] = TASKS) -> dict[str, Tensor]:
        """
        Run the heads that are on.

        :param image: (N, 3, H, W) normalised RGB of any size.
        :param tasks: Heads to run, of those that are on.
        :returns: 'logits' (N, num_classes, ceil(H/4), ceil(W/4)); 'depth'
            (N, 1, ceil(H/s), ceil(W/s)), s being the stride of the depth head, log metres where
            depth_is_log says so, else metres; 'depth_scale' of the same shape where the depth
            head has one, see glpn_head.SCALE; and in training mode, when the head is on,
            'auxiliary' (N, num_classes, ceil(H/16), ceil(W/16)).
        """
        height, width = image.shape[-2:]
        features = self.encoder(pad_to_stride(image))
        outputs = {}
        if self.segmentation_head is not None and 'segmentation' in tasks:
            logits = self.segmentation_head(features)
            outputs['logits'] = crop(logits, height, width, SEGMENTATION_STRIDE)
        if self.depth_head is not None and 'depth' in tasks:
            depth = self.depth_head(features)
            depth = crop(depth, height, width, self.depth_head.current_stride)
            outputs.update(depth_outputs(depth))
        if 'logits' in outputs and self.auxiliary_head is not None and self.training:
            logits = self.auxiliary_head(features[AUXILIARY_STAGE])
            outputs['auxiliary'] = crop(logits, height, width, AUXILIARY_STRIDE)
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
    for classifying in (network.segmentation_head, network.auxiliary_head):
        if classifying is not None:
            nn.init.normal_(classifying.classifier.weight, std=0.01)
    head = network.depth_head
    if head is not None:
        last = head.predict if isinstance(head, GlpnHead) else head.classifier
        nn.init.normal_(last.weight, std=0.01)
        start = start_value(typical_depth_m, head.activation, head.max_depth_m)
        nn.init.constant_(last.bias, start)  # type: ignore[arg-type]
    if isinstance(head, GlpnHead) and head.log_scale is not None:
        nn.init.normal_(head.log_scale.weight, std=0.01)
        nn.init.constant_(head.log_scale.bias, math.log(_START_SCALE))  # type: ignore[arg-type]


def build(size: str, num_classes: int, **options: Any) -> MultitaskSegformer:
    """
    Make a network with freshly drawn weights.

    :param options: The other fields of NetworkConfig.
    :raises ValueError: An option has an unknown value.
    """
    network = MultitaskSegformer(NetworkConfig(size, num_classes, **options))
    initialize(network)
    return network
