# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our facts inside the files of others, so that nothing is lost on the way there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
from typing import Any

from segformer_ros.checkpoints.classes import class_table, plain, UNKNOWN
from segformer_ros.checkpoints.model import fingerprint, Model
from torch import Tensor

KEY = 'segformer_ros_facts'
_CLASS_FACTS = ('label_set', 'classes', 'class_names')
# Those of the format itself and of one file are told again by every reader.
_OF_THE_FILE = ('network', 'read_from')
# Told by other notes, or of no meaning outside of the file that they were read from.
_UNMISSED = frozenset(
    {
        'network',
        'format',
        'sha256',
        'source',
        'read_from',
        'mean',
        'std',
        'preprocessor',
        'classes',
    }
)


def class_names(model: Model) -> list[str] | None:
    """Name the channels of the segmentation head; None where no one knows."""
    names: Sequence[str] | None = model.facts.get('class_names')
    if names and len(names) == model.config.num_classes:
        return list(names)
    if not model.facts.get('label_set') or not model.config.segmentation:
        return None
    label_set, table = class_table(model.facts, model.config.num_classes)
    return None if label_set == UNKNOWN else [item.name for item in table]


def carry(model: Model) -> str:
    """Write all facts as JSON, with the fingerprint of the weights that they belong to."""
    facts = {name: value for name, value in model.facts.items() if name not in _OF_THE_FILE}
    names = class_names(model)
    if names is not None:
        facts['class_names'] = names
    return json.dumps({'facts': facts, 'weights': fingerprint(model.tensors)})


def carried_facts(carried: object, tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """
    Read what carry wrote.

    :returns: None when there is nothing, or when the weights have been trained since.
    """
    if not isinstance(carried, str):
        return None
    try:
        content = json.loads(carried)
        facts, weights = content['facts'], content['weights']
    except (ValueError, KeyError, TypeError):
        return None
    valid = isinstance(facts, dict) and weights == fingerprint(tensors)
    return facts if valid else None


def merge(own: Mapping[str, Any], carried: Mapping[str, Any]) -> dict[str, Any]:
    """Add carried facts to what the file says itself; its own class names win."""
    said, known = own.get('class_names'), carried.get('class_names')
    same = not said or (known and list(map(plain, said)) == list(map(plain, known)))
    left_out = () if same else _CLASS_FACTS
    merged = {name: value for name, value in carried.items() if name not in left_out}
    for name, value in own.items():
        if value is not None and not (same and name in _CLASS_FACTS and name in carried):
            merged[name] = value
    return merged


def homeless(model: Model) -> tuple[str, ...]:
    """Describe which facts a format loses that has weights and nothing else."""
    lost = [
        name
        for name, value in model.facts.items()
        if value not in (None, [], {}) and name not in _UNMISSED
    ]
    if not lost:
        return ()
    return (f'this format has no place for facts: {", ".join(lost)} are not in the file',)
