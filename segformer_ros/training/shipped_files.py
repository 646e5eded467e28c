# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes and start weights by name, from a checkout, a pip install or a workspace."""

from __future__ import annotations

from pathlib import Path

import segformer_ros
from segformer_ros.nearest import did_you_mean
from segformer_ros.training.yaml_config import ConfigError

_PACKAGE = Path(segformer_ros.__file__).resolve().parent
_RECIPES, _WEIGHTS = Path('config', 'train'), Path('weights')


def find_recipe(name: str | Path) -> Path:
    """
    Find a recipe: a file, or the name of a shipped one such as own_data.

    :raises ConfigError: There is neither; one sentence with the nearest name.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    known = {item.stem: item for item in _shipped(_RECIPES, '*.yaml')}
    found = known.get(path.name.removesuffix('.yaml'))
    if found is None or path.parent not in {Path('.'), _RECIPES}:
        near = did_you_mean(path.stem, known) or f': {", ".join(sorted(known))}'
        raise ConfigError(
            f'expected a YAML file or the name of a shipped recipe, found no {str(name)!r}{near}'
        )
    return found


def find_weights(name: str) -> str:
    """
    Find weights to start from: whatever there is under that name, or else shipped ones.

    :param name: A path, hf://org/name, or world_b0_fast or weights/world_b0_fast.safetensors for
        those that ship.
    :returns: The path of the shipped ones, or the name as it is.
    """
    path = Path(name).expanduser()
    if path.exists() or path.parent not in {Path('.'), _WEIGHTS}:
        return name
    known = {item.stem: item for item in _shipped(_WEIGHTS, '*.safetensors')}
    found = known.get(path.name.removesuffix('.safetensors'))
    return name if found is None else str(found)


def _shipped(folder: Path, pattern: str) -> list[Path]:
    """List the files of a folder in the checkout, or in the share/ that the package lies over."""
    share = Path('share', segformer_ros.__name__)
    for place in (_PACKAGE.parent, *(parent / share for parent in _PACKAGE.parents)):
        found = sorted((place / folder).glob(pattern))
        if found:
            return found
    return []
