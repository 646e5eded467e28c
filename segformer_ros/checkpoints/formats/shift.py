# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The multitask network of FoamoftheSea/shift-experiments: SegFormer with GLPN's log depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segformer_ros.checkpoints.encoders import EncoderNames, HUGGING_FACE
from segformer_ros.checkpoints.facts import KEY
from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import Format, Guess, IMAGENET, Options, Packed, rows
from segformer_ros.checkpoints.formats.hf_glpn import depth_cannot, depth_config, depth_refusal
from segformer_ros.checkpoints.formats.hf_segformer import (
    find_variant,
    links_of,
    segmentation_config,
)
from segformer_ros.checkpoints.heads import hugging_face_depth
from segformer_ros.checkpoints.hugging_face import (
    EPS,
    label_tables,
    number,
    read_input,
    read_labels,
    refusal,
    segformer_config,
    segformer_processor,
)
from segformer_ros.checkpoints.links import Link, to_theirs
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig

_DECODER, _HEAD = 'depth_decoder', 'depth_head'
_SILOG_LAMBDA = 0.25
_REDUCED = (
    'do_reduce_labels: the first channel is the class of id 1, the last one that of id 0 '
    '(unlabelled, which no image trains)'
)


def _links(config: NetworkConfig, names: EncoderNames, linear: str) -> list[Link]:
    return [*links_of(config, names, linear), *hugging_face_depth(config, _DECODER, _HEAD)]


def _guess(raw: Raw, options: Options) -> Guess | None:
    found = find_variant(raw)
    if found is None or not any(name.startswith(_DECODER) for name in raw.tensors):
        return None
    size, names, linear = found
    said = raw.config or {}
    described = said.get('depth_config')
    described = described if isinstance(described, Mapping) else {}
    config = replace(
        segmentation_config(raw, size),
        depth=True,
        depth_dim=rows(raw.tensors, f'{_HEAD}.head.0.weight'),
        depth_activation='bounded_log',
        max_depth_m=number(described, 'max_depth', 10.0),
    )
    # The class of this format adds it, and reduces unless it is told not to.
    reduced = bool(said.get('do_reduce_labels', True))
    labels = read_labels(said, config.num_classes, reduced=reduced)
    facts = {**read_input(raw), **labels, 'do_reduce_labels': reduced}
    notes = (_REDUCED,) * reduced
    wrong = refusal(raw.config, 'segformer') or depth_refusal(described)
    links = _links(config, names, linear)
    return Guess(config, links, frozenset(), facts, IMAGENET, notes, said.get(KEY), wrong)


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if not (config.segmentation and config.depth):
        return 'it has a segmentation head and a depth head, both'
    if config.auxiliary_head:
        return 'it has no auxiliary head'
    if config.segmentation_head != 'nvlabs':
        return "its segmentation head is the MLP head 'nvlabs', not that of MMSegmentation"
    return depth_cannot(config, 'bounded_log')


def _pack(model: Model, options: Options) -> Packed:
    description = segformer_config(model, 'MultitaskSegformer')
    reduced = bool(model.facts.get('do_reduce_labels', False))
    labels = list(description['id2label'].values())
    if reduced:
        description.update(label_tables([labels[-1], *labels[:-1]]))
    description.update(
        do_reduce_labels=reduced,
        depth_config={**depth_config(model.config), 'silog_lambda': _SILOG_LAMBDA},
    )
    links = _links(model.config, HUGGING_FACE.prefixed('segformer.'), 'linear_c')
    return Packed(
        to_theirs(links, model.tensors),
        config=description,
        processor=segformer_processor(model),
    )


FORMAT = Format('shift', EPS, _guess, _cannot, _pack)
