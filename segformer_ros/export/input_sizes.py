# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The input sizes of a bundle for which no one has named any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STRIDE = 32
DEFAULT = ((256, 512), (288, 512), (320, 512))
"""(height, width) of each, where the checkpoint says nothing."""

Sizes = tuple[tuple[int, int], ...]


def own_sizes(facts: Mapping[str, Any]) -> tuple[Sizes, str]:
    """
    Return the sizes that a checkpoint was made for, and where that is said.

    :param facts: Of the checkpoint.
    :returns: (height, width) of each, multiples of 32 rounded up; and a phrase for people.
    """
    # A conversion to Hugging Face keeps the recipe, and writes a size of its own.
    crops = _crops_of_recipe(facts.get('recipe'))
    if crops:
        return (max(crops, key=lambda size: size[0] * size[1]),), 'the largest crop of the recipe'
    said = _size_of_processor(facts.get('preprocessor'))
    if said is not None:
        return (said,), 'of preprocessor_config.json'
    return DEFAULT, 'the checkpoint names none'


def _size_of_processor(processor: object) -> tuple[int, int] | None:
    size = processor.get('size') if isinstance(processor, Mapping) else None
    if isinstance(size, Mapping):
        return _rounded((size.get('height'), size.get('width')))
    return _rounded((size, size))


def _crops_of_recipe(recipe: object) -> Sizes:
    value: Any = recipe
    for key in ('stages', -1, 'augment', 'crop', 'sizes'):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return ()
    sizes = (_rounded(item) for item in value) if isinstance(value, list) else ()
    return tuple(size for size in sizes if size is not None)


def _rounded(size: Any) -> tuple[int, int] | None:
    """Round up to whole strides; None: these are no height and width."""
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        return None
    if not all(type(side) is int and side > 0 for side in size):
        return None
    height, width = (-(-side // _STRIDE) * _STRIDE for side in size)
    return height, width
