# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The recipe of a training run, read from YAML and compared with that of an interrupted run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import contextlib
from dataclasses import fields
from pathlib import Path
from typing import Any

from segformer_ros.training.augment.config import AugmentConfig
from segformer_ros.training.config import StageConfig, TrainConfig
from segformer_ros.training.shipped_files import find_recipe
from segformer_ros.training.yaml_config import ConfigError, from_mapping, read_values


def load(name: str | Path, overrides: Iterable[str] = ()) -> TrainConfig:
    """
    Read a recipe.

    :param name: A YAML file, or the name of a shipped recipe.
    :param overrides: 'key=value' or 'part.key=value', the value in YAML.
    :raises ConfigError: A key is unknown or missing, or a value has the wrong type.
    :raises OSError: The file cannot be read.
    """
    path = find_recipe(name)
    return resolve(read_values(path, overrides), str(path))


def resolve(values: Mapping[str, Any], where: str = 'recipe') -> TrainConfig:
    """
    Make a recipe of what YAML holds: every stage gets the defaults that it does not replace.

    :raises ConfigError: As load.
    """
    defaults, stages = values.get('defaults') or {}, values.get('stages')
    if not isinstance(defaults, Mapping):
        raise ConfigError(f'{where}.defaults: expected keys and values, got {defaults!r}')
    # Mistakes in the defaults are named as such, not as those of every stage.
    from_mapping(StageConfig, {'steps': 1, **defaults}, f'{where}.defaults')
    if isinstance(stages, list):
        stages = [_over(defaults, s) if isinstance(s, Mapping) else s for s in stages]
    given = {**values, 'stages': stages} if 'stages' in values else dict(values)
    return from_mapping(TrainConfig, {**given, 'defaults': {}}, where)


def read_augment(name: str | Path, *, stage: int = 0) -> AugmentConfig:
    """
    Read the augmentation of a stage of a recipe, or of a file with the key augment alone.

    :param name: A YAML file, or the name of a shipped recipe.
    :param stage: Its number, from 0.
    :raises ConfigError: The recipe cannot be used, or has no such stage.
    :raises OSError: The file cannot be read.
    """
    path = find_recipe(name)
    values = read_values(path)
    if 'stages' not in values:
        if 'augment' not in values:
            raise ConfigError(f'{path}: expected a recipe with stages, or the key augment')
        return from_mapping(AugmentConfig, values['augment'], f'{path}.augment')
    stages = resolve(values, str(path)).stages
    if not 0 <= stage < len(stages):
        raise ConfigError(f'{path}: expected a stage below {len(stages)}, got {stage}')
    return stages[stage].augment


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay keys and values over others; lists and values are replaced as a whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _over(old, value) if both else value  # type: ignore[arg-type]
    return merged


# What may change while a run is interrupted: neither the samples nor the training on them.
_FREE = frozenset(
    item.name
    for item in fields(TrainConfig)
    if item.name
    not in {'data', 'stages', 'seed', 'network', 'classes', 'focal_length_px', 'ema_decay'}
    | {'accumulate'}
)


def check_same(found: Mapping[str, Any], wanted: TrainConfig, stage: int) -> None:
    """
    Refuse to resume a run with another recipe; later stages may be others or more.

    :param found: The recipe of the run, as as_dict gave it, perhaps of an older version: keys that
        were not there then have their defaults.
    :param stage: Number of the stage that it is in.
    :raises ConfigError: Something that has been used differs; the message says what.
    """

    def used(recipe: Mapping[str, Any]) -> dict[str, Any]:
        plain = _listed({key: value for key, value in recipe.items() if key not in _FREE})
        plain['stages'] = plain['stages'][: stage + 1]
        plain['data'] = plain['data']['train']
        return dict(plain)

    # What this version cannot read is compared as it is: the difference names it.
    with contextlib.suppress(ConfigError):
        found = resolve(found).as_dict()
    key, old, new = _difference(used(found), used(wanted.as_dict()), '')
    if key:
        raise ConfigError(
            f'{wanted.folder} holds a run whose {key[1:]} was {old!r}, now {new!r}: choose '
            'another output or remove the folder'
        )


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _difference(old: Any, new: Any, path: str) -> tuple[str, Any, Any]:
    """Find the first difference: its path ('' for none) and both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            found = _difference(old.get(key), new.get(key), f'{path}.{key}')
            if found[0]:
                return found
        return '', None, None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (mine, other) in enumerate(zip(old, new, strict=True)):
            found = _difference(mine, other, f'{path}.{index}')
            if found[0]:
                return found
        return '', None, None
    return ('', None, None) if old == new else (path, old, new)
