# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hugging Face SegFormer: a folder for labelling, for classification, or of the encoder alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segformer_ros.checkpoints.encoders import (
    encoder_links,
    EncoderNames,
    find_size,
    HUGGING_FACE,
    HUGGING_FACE_MODULES,
)
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
from segformer_ros.checkpoints.heads import hugging_face_head, refuse_head
from segformer_ros.checkpoints.hugging_face import (
    EPS,
    number,
    read_input,
    read_labels,
    refusal,
    segformer_config,
    segformer_processor,
)
from segformer_ros.checkpoints.links import layer, Link, to_theirs
from segformer_ros.checkpoints.model import has_heads, Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import SIZES

_PREFIX = 'segformer.'
_VARIANTS = tuple(
    (names.prefixed(prefix), linear)
    for prefix in (_PREFIX, '')
    for names, linear in ((HUGGING_FACE, 'linear_c'), (HUGGING_FACE_MODULES, 'linear_projections'))
)


def links_of(config: NetworkConfig, names: EncoderNames, linear: str) -> list[Link]:
    """Link encoder and head."""
    links = encoder_links(config.size, names)
    if config.segmentation:
        return [*links, *hugging_face_head(linear)]
    return [*links, *layer('head', 'classifier')] if config.num_classes else links


def segmentation_config(raw: Raw, size: str) -> NetworkConfig:
    """Read the configuration of encoder and segmentation head."""
    said = raw.config or {}
    channels = rows(raw.tensors, 'decode_head.linear_fuse.weight')
    return NetworkConfig(
        size,
        rows(raw.tensors, 'decode_head.classifier.weight'),
        depth=False,
        decoder_dim=unless(channels, SIZES[size].decoder_dim),
        drop_path_rate=number(said, 'drop_path_rate', 0.1),
        drop_rate=number(said, 'classifier_dropout_prob', 0.1),
        **eps_fields(EPS),
    )


def find_variant(raw: Raw) -> tuple[str, EncoderNames, str] | None:
    """Find the size and which of the namings the file has."""
    for names, linear in _VARIANTS:
        size = find_size(raw.tensors, names)
        if size is not None:
            return size, names, linear
    return None


def _guess(raw: Raw, options: Options) -> Guess | None:
    found = find_variant(raw)
    if found is None:
        return None
    size, names, linear = found
    said = raw.config or {}
    if any(name.startswith('decode_head.') for name in raw.tensors):
        config = segmentation_config(raw, size)
    else:
        head = 'classifier.weight'
        config = NetworkConfig(
            size,
            rows(raw.tensors, head) if head in raw.tensors else 0,
            depth=False,
            segmentation=False,
            drop_path_rate=number(said, 'drop_path_rate', 0.1),
            **eps_fields(EPS),
        )
    facts = {**read_input(raw), **read_labels(said, config.num_classes)}
    notes: tuple[str, ...] = ()
    if raw.processor.get('do_reduce_labels') or raw.processor.get('reduce_labels'):
        facts['do_reduce_labels'] = True
        notes += ('do_reduce_labels: channel 0 is label 1 of the label images it was trained on',)
    if config.segmentation and config.num_classes == 1:
        notes += ('one class: above 0 is the class, below is background (a sigmoid, no softmax)',)
    links = links_of(config, names, linear)
    wrong = refusal(raw.config, 'segformer')
    return Guess(config, links, frozenset(), facts, IMAGENET, notes, said.get(KEY), wrong)


def _cannot(config: NetworkConfig, facts: Mapping[str, Any]) -> str | None:
    if config.depth:
        return 'it has no depth head'
    return refuse_head(config)


def _pack(model: Model, options: Options) -> Packed:
    config = model.config
    architecture = 'SegformerForSemanticSegmentation'
    prefix = _PREFIX
    if not has_heads(config):
        architecture = (
            'SegformerForImageClassification' if config.num_classes else 'SegformerModel'
        )
        prefix = _PREFIX if config.num_classes else ''
    links = links_of(config, HUGGING_FACE.prefixed(prefix), 'linear_c')
    return Packed(
        to_theirs(links, model.tensors),
        config=segformer_config(model, architecture),
        processor=segformer_processor(model),
    )


FORMAT = Format('hf-segformer', EPS, _guess, _cannot, _pack)
