# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one pixel attends to in each stage of the encoder."""

from __future__ import annotations

import math

from segformer_ros.network.mix_transformer import MixTransformer
import torch
from torch import Tensor


@torch.no_grad()
def attention_maps(encoder: MixTransformer, image: Tensor, x: float, y: float) -> list[Tensor]:
    """
    Compute the attention of the last block of each stage for the token that covers one pixel.

    All stages reduce their keys to one grid (arXiv:2105.15203, section 3.1), so that their maps
    can be compared cell by cell.

    :param image: (1, 3, H, W) normalised, H and W multiples of 32.
    :param x: Column of the pixel, 0 <= x < W; y likewise its row.
    :returns: (heads, H/32, W/32) for each stage: shares that sum to 1 in each head.
    """
    inputs: list[tuple[Tensor, int, int]] = []
    attentions = [stage.blocks[-1].attn for stage in encoder.stages]  # type: ignore[index,union-attr]
    hooks = [
        attention.register_forward_pre_hook(lambda _, args: inputs.append(args))
        for attention in attentions
    ]
    try:
        encoder(image)
    finally:
        for hook in hooks:
            hook.remove()
    image_h, image_w = image.shape[-2:]
    maps = []
    for attention, (tokens, height, width) in zip(attentions, inputs, strict=True):
        row, column = int(y * height / image_h), int(x * width / image_w)
        shares = attention.attention_weights(tokens, height, width, row * width + column)[0]
        maps.append(shares.unflatten(1, (math.ceil(height / attention.sr_ratio), -1)))
    return maps
