# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NVlabs/SegFormer: {'meta', 'state_dict'} of the encoder and its MLP head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, NVLABS
from segformer_ros.checkpoints.facts import KEY
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import (
    eps_fields,
    Format,
    Guess,
    IMAGENET,
    Options,
    Packed,
    rows,
    unless,
)
from segformer_ros.checkpoints.heads import nvlabs_head, refuse_head
from segformer_ros.checkpoints.links import Link
from segformer_ros.checkpoints.model import Model
from segformer_ros.checkpoints.openmm import pack, read_classes, refuse_tasks
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES, SIZES

_NAMES = NVLABS.prefixed('backbone.')
_EPS = EPS_PROFILES['nvlabs']
# Inherited from a base class; the forward pass uses linear_pred instead.
_UNUSED = ('decode_head.conv_seg.weight', 'decode_head.conv_seg.bias')


def _links(config: NetworkConfig) -> list[Link]:
    return [*encoder_links(config.size, _NAMES), *nvlabs_head('decode_head.')]


def _guess(raw: Raw, options: Options) -> Guess | None:
    size = find_size(raw.tensors, _NAMES)
    if size is None or raw.config is not None:
        return None
    channels = rows(raw.tensors, 'decode_head.linear_fuse.conv.weight')
    config = NetworkConfig(
        size,
        rows(raw.tensors, 'decode_head.linear_pred.weight'),
        depth=False,
        decoder_dim=unless(channels, SIZES[size].decoder_dim),
        **eps_fields(_EPS),
    )
    unused = frozenset(name for name in _UNUSED if name in raw.tensors)
    note = f'left out {", ".join(sorted(unused))}: no output depends on them'
    facts = read_classes(raw.meta, config.num_classes)
    return Guess(
        config,
        _links(config),
        unused,
        facts,
        IMAGENET,
        (note,) * bool(unused),
        raw.meta.get(KEY),
    )


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    return refuse_tasks(config) or refuse_head(config)


def _pack(model: Model, options: Options) -> Packed:
    return pack(model, _links(model.config))


FORMAT = Format('nvlabs', _EPS, _guess, _cannot, _pack)
