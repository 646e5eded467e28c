# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Segformer3D: one flat state dict of an encoder with two MLP heads, classes and depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, SEGFORMER3D
from segformer_ros.checkpoints.facts import homeless
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import (
    eps_fields,
    Format,
    Guess,
    Options,
    Packed,
    rows,
)
from segformer_ros.checkpoints.heads import segformer3d_head
from segformer_ros.checkpoints.links import Link, to_theirs
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES, SIZES
from segformer_ros.network.mlp_depth_head import DECODER_DIM
from segformer_ros.network.normalization import STD

_NAMES = SEGFORMER3D.prefixed('backbone.')
_EPS = EPS_PROFILES['segformer3d']
_SIZE = 'b3'
# Its programs subtract 0.56 from green in training and test, where ImageNet has 0.456.
_MEAN = (0.485, 0.56, 0.406)
_NOTES = (
    'the mean of green is 0.56 as in its programs, not 0.456 as in ImageNet',
    'its test programs feed blue, green, red (cv2.imread) with the mean and std of red, green, '
    'blue; which order its training arrays have is not known: compare both on an image',
    'its depth is not bounded and can be negative; its test programs show the absolute value',
)


def _links(config: NetworkConfig) -> list[Link]:
    return [
        *encoder_links(config.size, _NAMES),
        *segformer3d_head('segmentation_head', 'decoder_head'),
        *segformer3d_head('depth_head', 'depth_head'),
    ]


def _guess(raw: Raw, options: Options) -> Guess | None:
    size = find_size(raw.tensors, _NAMES)
    if size is None or raw.config is not None:
        return None
    config = NetworkConfig(
        size,
        rows(raw.tensors, 'decoder_head.linear_pred.weight'),
        decoder_dim=rows(raw.tensors, 'decoder_head.linear_fuse.weight'),
        depth_head='mlp',
        depth_activation='linear',
        **eps_fields(_EPS),
    )
    facts = {'mean': list(_MEAN), 'std': list(STD)}
    return Guess(config, _links(config), facts=facts, notes=_NOTES)


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if not (config.segmentation and config.depth):
        return 'it has a segmentation head and a depth head, both'
    if config.auxiliary_head:
        return 'it has no auxiliary head'
    if config.segmentation_head != 'nvlabs' or config.depth_head != 'mlp':
        return "both of its heads are MLP heads (segmentation 'nvlabs', depth 'mlp')"
    if config.depth_activation != 'linear':
        return f"its depth is what the last layer gives, not '{config.depth_activation}'"
    channels = config.decoder_dim or SIZES[config.size].decoder_dim
    if config.size != _SIZE or channels != DECODER_DIM:
        return (
            f'its program builds B3 with {DECODER_DIM} channels in the heads and nothing else, '
            f'not {config.size.upper()} with {channels}'
        )
    return None


def _pack(model: Model, options: Options) -> Packed:
    tensors = to_theirs(_links(model.config), model.tensors)
    return Packed(tensors, wrapped=False, notes=homeless(model))


FORMAT = Format('segformer3d', _EPS, _guess, _cannot, _pack)
