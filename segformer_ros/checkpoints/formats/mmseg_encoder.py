# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MMSegmentation, encoder alone: bare, as its configurations want it, or behind backbone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, MMSEG
from segformer_ros.checkpoints.facts import homeless
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import (
    eps_fields,
    Format,
    Guess,
    IMAGENET,
    Options,
    Packed,
)
from segformer_ros.checkpoints.links import to_theirs
from segformer_ros.checkpoints.model import has_heads, Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES

_EPS = EPS_PROFILES['mmseg']
_PREFIXES = ('', 'backbone.')


def _guess(raw: Raw, options: Options) -> Guess | None:
    if raw.config is not None:
        return None
    for prefix in _PREFIXES:
        names = MMSEG.prefixed(prefix)
        size = find_size(raw.tensors, names)
        if size is not None:
            config = NetworkConfig(
                size,
                0,
                depth=False,
                segmentation=False,
                **eps_fields(_EPS),
            )
            links = encoder_links(size, names)
            return Guess(config, links, assumed=IMAGENET)
    return None


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if has_heads(config) or config.num_classes:
        return 'it is an encoder alone'
    return None


def _pack(model: Model, options: Options) -> Packed:
    names = MMSEG.prefixed(_PREFIXES[options.backbone_prefix])
    tensors = to_theirs(encoder_links(model.config.size, names), model.tensors)
    return Packed(tensors, wrapped=False, notes=homeless(model))


FORMAT = Format('mmseg-encoder', _EPS, _guess, _cannot, _pack)
