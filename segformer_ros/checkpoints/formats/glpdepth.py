# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""GLPDepth, the original of GLPN: one flat state dict of MiT-B4 and the depth decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, NVLABS
from segformer_ros.checkpoints.facts import homeless
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import eps_fields, Format, Guess, Options, Packed, rows
from segformer_ros.checkpoints.heads import glpdepth_head
from segformer_ros.checkpoints.links import Link, to_theirs
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES, SIZES

_NAMES = NVLABS.prefixed('encoder.')
_EPS = EPS_PROFILES['nvlabs']
_SIZE = 'b4'
# As its published files, which DataParallel wrote.
_PREFIX = 'module.'
_B0 = (
    'its decoder takes the finest stage as it is, so that this must have the 64 channels of the '
    'decoder: B0 has 32 there, and the convolution that GLPN needs for it exists in Hugging '
    "Face's format alone"
)
_NO_DEPTH = (
    'a GLPDepth file does not say its largest depth: give --max-depth, which is 10 for a network '
    'of NYU and 80 for one of KITTI'
)


def _links(config: NetworkConfig) -> list[Link]:
    return [*encoder_links(config.size, _NAMES), *glpdepth_head()]


def _guess(raw: Raw, options: Options) -> Guess | None:
    size = find_size(raw.tensors, _NAMES)
    if size is None or raw.config is not None:
        return None
    config = NetworkConfig(
        size,
        0,
        segmentation=False,
        depth_dim=rows(raw.tensors, 'last_layer_depth.0.weight'),
        depth_activation='metric',
        max_depth_m=options.max_depth_m or 10.0,
        **eps_fields(_EPS),
    )
    refusal = None if options.max_depth_m else _NO_DEPTH
    if SIZES[size].embed_dims[0] != config.depth_dim:
        refusal = f'{_B0}; GLPDepth itself exists as B4 alone'
    facts = {'mean': [0.0] * 3, 'std': [1.0] * 3}
    return Guess(config, _links(config), facts=facts, refusal=refusal)


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if config.segmentation or not config.depth:
        return 'it is a network with a depth head alone'
    if config.depth_head != 'glpn' or config.depth_stride != 1:
        return 'its depth head is that of GLPN with one value per pixel'
    if config.depth_activation != 'metric':
        return f"it gives metres from a sigmoid, not '{config.depth_activation}'"
    if SIZES[config.size].embed_dims[0] != config.depth_dim:
        return _B0
    if config.size != _SIZE or config.depth_dim != 64:
        return 'its program builds B4 with 64 channels in the decoder and nothing else'
    return None


def _pack(model: Model, options: Options) -> Packed:
    tensors = to_theirs(_links(model.config), model.tensors)
    tensors = {_PREFIX + name: item for name, item in tensors.items()}
    depth = f'its program needs --max_depth {model.config.max_depth_m:g}: the file does not say it'
    return Packed(tensors, wrapped=False, notes=(*homeless(model), depth))


FORMAT = Format('glpdepth', _EPS, _guess, _cannot, _pack, plain_input=True)
