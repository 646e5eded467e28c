# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ours: safetensors with the description of the network and of its training in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.files import NATIVE_KEY, Raw
from segformer_ros.checkpoints.formats.base import Format, Guess, IMAGENET, Options, Packed
from segformer_ros.checkpoints.links import Link
from segformer_ros.checkpoints.model import Model, network_facts, skeleton
from segformer_ros.network import NetworkConfig
from segformer_ros.network.checkpoint import CheckpointError, config_of, parse_facts


def _guess(raw: Raw, options: Options) -> Guess | None:
    if raw.config is not None or NATIVE_KEY not in raw.meta:
        return None
    facts = parse_facts(raw.meta[NATIVE_KEY], raw.path)
    config = config_of(facts, raw.path)
    names = set(raw.tensors)
    prefix = next((p for p in ('ema.', 'model.') if any(n.startswith(p) for n in names)), '')
    ignored = frozenset(n for n in names if prefix and not n.startswith(prefix))
    try:
        names_of_ours = list(skeleton(config).state_dict())
    except CheckpointError as error:
        raise CheckpointError(
            f'{raw.path} describes no network of this release: {error}'
        ) from error
    links = [Link((name,), (prefix + name,)) for name in names_of_ours]
    # What training feeds; a file that was converted says it itself.
    facts = {**IMAGENET, **facts}
    note = f'a file to resume a training from: took its weights {prefix}*'
    return Guess(config, links, ignored, facts, notes=(note,) * bool(prefix))


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    return None


def _pack(model: Model, options: Options) -> Packed:
    facts = {**model.facts, 'network': network_facts(model.config)}
    return Packed(model.tensors, facts, native=True)


FORMAT = Format('native', None, _guess, _cannot, _pack)
