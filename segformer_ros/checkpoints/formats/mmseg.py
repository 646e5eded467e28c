# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MMSegmentation: {'meta', 'state_dict'} of its encoder and its own convolutional head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, MMSEG
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
from segformer_ros.checkpoints.heads import mmseg_auxiliary_head, mmseg_head
from segformer_ros.checkpoints.links import Link
from segformer_ros.checkpoints.model import Model
from segformer_ros.checkpoints.openmm import pack, read_classes, refuse_tasks
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import EPS_PROFILES
from segformer_ros.network.mmseg_head import DECODER_DIM

_NAMES = MMSEG.prefixed('backbone.')
_EPS = EPS_PROFILES['mmseg']


def _links(config: NetworkConfig) -> list[Link]:
    auxiliary = mmseg_auxiliary_head() if config.auxiliary_head else []
    return [*encoder_links(config.size, _NAMES), *mmseg_head(), *auxiliary]


def _guess(raw: Raw, options: Options) -> Guess | None:
    size = find_size(raw.tensors, _NAMES)
    if size is None or raw.config is not None:
        return None
    channels = rows(raw.tensors, 'decode_head.fusion_conv.conv.weight')
    config = NetworkConfig(
        size,
        rows(raw.tensors, 'decode_head.conv_seg.weight'),
        depth=False,
        segmentation_head='mmseg',
        decoder_dim=unless(channels, DECODER_DIM),
        auxiliary_head=any(name.startswith('auxiliary_head.') for name in raw.tensors),
        **eps_fields(_EPS),
    )
    facts = read_classes(raw.meta, config.num_classes)
    links = _links(config)
    return Guess(config, links, facts=facts, assumed=IMAGENET, carried=raw.meta.get(KEY))


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    reason = refuse_tasks(config)
    if reason is None and config.segmentation_head != 'mmseg':
        reason = (
            'its head has batch norm and ReLU behind each projection, which the linear '
            'projections of this network lack'
        )
    return reason


def _pack(model: Model, options: Options) -> Packed:
    return pack(model, _links(model.config))


FORMAT = Format('mmseg', _EPS, _guess, _cannot, _pack)
