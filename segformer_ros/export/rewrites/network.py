# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All rewrites together."""

from __future__ import annotations

from collections.abc import Sequence
import copy
from functools import partial
from typing import cast

from segformer_ros.export.rewrites.depth_head import FoldedGlpnHead
from segformer_ros.export.rewrites.encoder import RowEncoder
from segformer_ros.export.rewrites.image_input import ByteInput, fold_std
from segformer_ros.export.rewrites.mlp_heads import BandedHead, ResizedHead
from segformer_ros.export.rewrites.style import Style
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.depth_activation import activate
from segformer_ros.network.glpn_head import depth_outputs, GlpnHead
from segformer_ros.network.mix_transformer import Stage, TOTAL_STRIDE
from segformer_ros.network.mlp_depth_head import MlpDepthHead
from segformer_ros.network.mmseg_head import MmsegHead
from segformer_ros.network.segformer_head import SegformerHead
import torch
from torch import nn, Tensor


class RewrittenNetwork(nn.Module):
    """A network for one input size; what `rewrite` returns."""

    def __init__(
        self,
        image_input: nn.Module | None,
        encoder: nn.Module,
        segmentation_head: nn.Module | None,
        depth_head: nn.Module | None,
    ) -> None:
        super().__init__()
        self.image_input = image_input
        self.encoder = encoder
        self.segmentation_head = segmentation_head
        self.depth_head = depth_head

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the outputs of the heads that there are, as MultitaskSegformer does."""
        features = self.encoder(image if self.image_input is None else self.image_input(image))
        outputs = {}
        if self.segmentation_head is not None:
            outputs['logits'] = self.segmentation_head(features)
        if self.depth_head is not None:
            outputs.update(depth_outputs(self.depth_head(features)))
        return outputs


def _mlp_head(
    head: SegformerHead | MmsegHead, height: int, width: int, style: Style
) -> BandedHead | ResizedHead:
    activation = None
    if isinstance(head, MlpDepthHead):
        activation = partial(activate, activation=head.activation, max_depth_m=head.max_depth_m)
    if style.banded:
        return BandedHead(head, height, width, activation)
    return ResizedHead(head, activation)


@torch.no_grad()
def rewrite(
    network: MultitaskSegformer,
    height: int,
    width: int,
    style: Style,
    *,
    bytes_of: tuple[Sequence[float], Sequence[float]] | None = None,
) -> RewrittenNetwork:
    """
    Make the network that computes the same for one input size with fewer operations.

    :param network: Not changed; the auxiliary head is left out.
    :param height: Of the input, a multiple of 32; width likewise.
    :param bytes_of: Mean and standard deviation, scale 0 to 1, for an input of bytes
        (N, H, W, 3); None: (N, 3, H, W), normalised already.
    :returns: In evaluation mode and float64, so that nothing is lost before its use.
    :raises ValueError: The size is no multiple of 32.
    """
    if height % TOTAL_STRIDE or width % TOTAL_STRIDE:
        raise ValueError(f'input sizes must be multiples of {TOTAL_STRIDE}, not {height}x{width}')
    plain = copy.deepcopy(network).double().eval()
    image_input = None
    if bytes_of is not None:
        mean, std = bytes_of
        image_input = ByteInput(mean)
        first = cast('Stage', plain.encoder.stages[0]).patch_embed
        first.proj = fold_std(first.proj, std)
    encoder = RowEncoder(plain.encoder, height, width, style)
    fine = height // 4, width // 4
    segmentation, depth = plain.segmentation_head, plain.depth_head
    segmentation_head = None if segmentation is None else _mlp_head(segmentation, *fine, style)
    depth_head: nn.Module | None = None
    if isinstance(depth, GlpnHead):
        depth_head = FoldedGlpnHead(depth, *fine, banded=style.banded)
    elif depth is not None:
        depth_head = _mlp_head(depth, *fine, style)
    return RewrittenNetwork(image_input, encoder, segmentation_head, depth_head).eval()
