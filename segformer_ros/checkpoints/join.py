# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two checkpoints with the same encoder as one network, which computes it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segformer_ros.checkpoints.model import Model, network_facts, only
from segformer_ros.network.normalization import MEAN, STD
import torch

_ENCODER = ('size', 'norm_eps', 'embed_norm_eps', 'sr_ratios', 'mlp_ratios')
_DEPTH = (
    'depth_dim', 'depth_stride', 'depth_activation', 'max_depth_m', 'depth_scale', 'depth_head',
)  # fmt: skip
_DEPTH_FACTS = ('depth_range_m', 'focal_length_px', 'max_depth_m')
_ORIGIN = ('source', 'sha256', 'format', 'read_from', 'licence')


def joined(labels: Model, depth: Model) -> Model | None:
    """
    Put the head for labels of one network and that for depth of another on their encoder.

    :returns: None where a weight of the encoders differs, or the way in which they are computed,
        or how images are normalised: these are two networks.
    :raises CheckpointError: A network lacks its head.
    """
    one, other = only(labels, 'segmentation'), only(depth, 'depth')
    if not _same_encoder(one, other) or not _heads_fit(one, other):
        return None
    of_depth: dict[str, Any] = {name: getattr(other.config, name) for name in _DEPTH}
    config = replace(one.config, depth=True, **of_depth)
    facts = _facts(one.facts, other.facts) | {'network': network_facts(config)}
    tensors = {**other.tensors, **one.tensors}
    return replace(one, config=config, tensors=tensors, facts=facts, notes=())


def _same_encoder(one: Model, other: Model) -> bool:
    shapes = [[getattr(item.config, name) for name in _ENCODER] for item in (one, other)]
    inputs = [
        [tuple(item.facts.get(name) or usual) for name, usual in (('mean', MEAN), ('std', STD))]
        for item in (one, other)
    ]
    if shapes[0] != shapes[1] or inputs[0] != inputs[1]:
        return False
    names = {name for name in one.tensors if name.startswith('encoder.')}
    if names != {name for name in other.tensors if name.startswith('encoder.')}:
        return False
    return all(torch.equal(one.tensors[name], other.tensors[name]) for name in names)


def _heads_fit(one: Model, other: Model) -> bool:
    """Return whether one configuration can describe both heads."""
    return other.config.depth_head != 'mlp' or one.config.decoder_dim == other.config.decoder_dim


def _facts(labels: Mapping[str, Any], depth: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what is known of both; of two trainings neither recipe is that of the whole."""
    facts = {**labels, **{name: depth[name] for name in _DEPTH_FACTS if name in depth}}
    if 'recipe' in labels and labels['recipe'] == depth.get('recipe'):
        return facts
    facts.pop('recipe', None)
    for name in _ORIGIN:
        found = {task: item[name] for task, item in (('labels', labels), ('depth', depth))
                 if name in item}  # fmt: skip
        if found:
            facts[name] = ', '.join(f'{task} {value}' for task, value in found.items())
    return facts
