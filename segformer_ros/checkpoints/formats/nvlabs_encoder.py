# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NVlabs/SegFormer, encoder alone: mit_b*.pth with the head of its ImageNet training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, NVLABS
from segformer_ros.checkpoints.facts import homeless
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import (
    eps_fields,
    Format,
    Guess,
    IMAGENET,
    Options,
    Packed,
    rows,
)
from segformer_ros.checkpoints.links import layer, Link, to_theirs
from segformer_ros.checkpoints.model import has_heads, Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES

_EPS = EPS_PROFILES['nvlabs']
_PREFIXES = ('', 'backbone.')


def _links(config: NetworkConfig, prefix: str) -> list[Link]:
    head = layer('head', f'{prefix}head') if config.num_classes else []
    return [*encoder_links(config.size, NVLABS.prefixed(prefix)), *head]


def _guess(raw: Raw, options: Options) -> Guess | None:
    if raw.config is not None:
        return None
    for prefix in _PREFIXES:
        size = find_size(raw.tensors, NVLABS.prefixed(prefix))
        if size is not None:
            head = f'{prefix}head.weight'
            config = NetworkConfig(
                size,
                rows(raw.tensors, head) if head in raw.tensors else 0,
                depth=False,
                segmentation=False,
                **eps_fields(_EPS),
            )
            links = _links(config, prefix)
            return Guess(config, links, assumed=IMAGENET)
    return None


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    return 'it is an encoder alone' if has_heads(config) else None


def _pack(model: Model, options: Options) -> Packed:
    prefix = _PREFIXES[options.backbone_prefix]
    tensors = to_theirs(_links(model.config, prefix), model.tensors)
    return Packed(tensors, wrapped=False, notes=homeless(model))


FORMAT = Format('nvlabs-encoder', _EPS, _guess, _cannot, _pack)
