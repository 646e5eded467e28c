# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hugging Face GLPN: a folder of an encoder and the depth head of GLPN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import encoder_links, find_size, HUGGING_FACE
from segformer_ros.checkpoints.facts import carry, KEY
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import eps_fields, Format, Guess, Options, Packed, rows
from segformer_ros.checkpoints.heads import hugging_face_depth
from segformer_ros.checkpoints.hugging_face import encoder_config, EPS, number, refusal
from segformer_ros.checkpoints.links import Link, to_theirs
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig

_NAMES = HUGGING_FACE.prefixed('glpn.')
_PROCESSOR = {
    'image_processor_type': 'GLPNImageProcessor',
    'do_resize': True,
    'do_rescale': True,
    'rescale_factor': 1 / 255,
    'size_divisor': 32,
    'resample': 2,
}


def _links(config: NetworkConfig) -> list[Link]:
    return [*encoder_links(config.size, _NAMES), *hugging_face_depth(config, 'decoder', 'head')]


def depth_refusal(said: Mapping[str, Any]) -> str | None:
    """Describe why a depth configuration cannot be read; None when it can."""
    if said.get('head_in_index', -1) != -1:
        return f'head_in_index is {said["head_in_index"]}, expected -1: the last decoder stage'
    return None


def depth_cannot(config: NetworkConfig, activation: str) -> str | None:
    """Describe why a depth head is not that of GLPN in Hugging Face with this activation."""
    if config.depth_head != 'glpn':
        return f"its depth head is that of GLPN, not '{config.depth_head}'"
    if config.depth_stride != 1:
        return (
            'its depth head gives one value per pixel, this one a value per '
            f'{config.depth_stride}x{config.depth_stride} pixels'
        )
    if config.depth_activation != activation:
        return (
            f"its depth is '{activation}', max_depth times a sigmoid, "
            f"not '{config.depth_activation}'"
        )
    if not float(config.max_depth_m).is_integer():
        return f'its max_depth is a whole number, not {config.max_depth_m:g}'
    return None


def depth_config(config: NetworkConfig) -> dict[str, Any]:
    """Return what config.json says of the depth head."""
    return {
        'model_type': 'glpn',
        **encoder_config(config),
        'decoder_hidden_size': config.depth_dim,
        'max_depth': int(config.max_depth_m),
        'head_in_index': -1,
    }


def _guess(raw: Raw, options: Options) -> Guess | None:
    size = find_size(raw.tensors, _NAMES)
    if size is None:
        return None
    said = raw.config or {}
    config = NetworkConfig(
        size,
        0,
        segmentation=False,
        depth_dim=rows(raw.tensors, 'head.head.0.weight'),
        depth_activation='metric',
        max_depth_m=number(said, 'max_depth', 10.0),
        drop_path_rate=number(said, 'drop_path_rate', 0.1),
        **eps_fields(EPS),
    )
    facts = {'mean': [0.0] * 3, 'std': [1.0] * 3}
    wrong = refusal(raw.config, 'glpn') or depth_refusal(said)
    return Guess(config, _links(config), facts=facts, carried=said.get(KEY), refusal=wrong)


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if config.segmentation or not config.depth:
        return 'it is a network with a depth head alone'
    return depth_cannot(config, 'metric')


def _pack(model: Model, options: Options) -> Packed:
    description = {
        'architectures': ['GLPNForDepthEstimation'],
        **depth_config(model.config),
        KEY: carry(model),
    }
    return Packed(
        to_theirs(_links(model.config), model.tensors), config=description, processor=_PROCESSOR
    )


FORMAT = Format('hf-glpn', EPS, _guess, _cannot, _pack, plain_input=True)
