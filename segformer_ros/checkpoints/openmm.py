# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the .pth files of NVlabs and MMSegmentation say next to their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segformer_ros.checkpoints.classes import class_facts, class_table
from segformer_ros.checkpoints.facts import carry, class_names, KEY
from segformer_ros.checkpoints.formats.base import Packed
from segformer_ros.checkpoints.links import Link, to_theirs
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig


def read_classes(meta: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return the facts of classes; 0.x writes CLASSES, 1.x a dataset_meta."""
    described = meta.get('dataset_meta')
    inner = described.get('classes') if isinstance(described, Mapping) else None
    names = inner or meta.get('CLASSES')
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        return class_facts(None, count)
    return class_facts(list(names), count)


def refuse_tasks(config: NetworkConfig) -> str | None:
    """Describe why a network of these tasks cannot be such a file; None when it can."""
    if not config.segmentation:
        return 'it is a network with a segmentation head'
    return 'it has no depth head' if config.depth else None


def pack(model: Model, links: Sequence[Link]) -> Packed:
    """Return weights, class names and colours where known, and our facts as text."""
    return Packed(to_theirs(links, model.tensors), _meta(model))


def _meta(model: Model) -> dict[str, Any]:
    meta: dict[str, Any] = {KEY: carry(model)}
    names = class_names(model)
    if names is not None:
        _, table = class_table(model.facts, model.config.num_classes)
        meta['CLASSES'] = tuple(names)
        meta['PALETTE'] = [list(item.color) for item in table]
    return meta
