# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a dataset is written: KIND:PATH, PATH alone, or a YAML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
import difflib
from pathlib import Path
from typing import Any

from segformer_ros.datasets.registry import DatasetSpec, KINDS
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.nearest import did_you_mean
import yaml

DEFAULT_SPLIT = 'train'


def parse(
    text: str,
    *,
    split: str | None = None,
    options: Iterable[str] = (),
    default_split: str = DEFAULT_SPLIT,
) -> DatasetSpec:
    """
    Read what a person wrote of a dataset, without looking into it.

    A YAML file has the keys kind, root, split and options; its root is relative to its folder.

    :param text: 'KIND:PATH', 'KIND' for one that needs no path, PATH (its kind is recognised when
        it is opened) or a .yaml file.
    :param split: In place of that of the YAML file.
    :param options: 'key=value' each, value in YAML; over those of the YAML file.
    :param default_split: Where no one says which.
    :raises DatasetError: It is none of these, or the YAML file cannot be used.
    """
    extra = dict(_option(item) for item in options)
    kind, colon, path = text.partition(':')
    if colon and kind in KINDS:
        return DatasetSpec(kind, path, split or default_split, extra)
    if text in KINDS and not Path(text).exists():
        return DatasetSpec(text, '', split or default_split, extra)
    if Path(text).suffix in {'.yaml', '.yml'} and Path(text).is_file():
        values = _file(Path(text))
        return DatasetSpec(
            values.get('kind', ''),
            _root(Path(text), values.get('root', '')),
            split or values.get('split', default_split),
            {**values.get('options', {}), **extra},
        )
    if not Path(text).exists():
        raise DatasetError(
            f'expected KIND:PATH, a path or a .yaml file of a dataset; {text!r} is not a dataset: '
            f'the kinds are {", ".join(sorted(KINDS))}{did_you_mean(kind, KINDS)}'
        )
    return DatasetSpec('', text, split or default_split, extra)


def _option(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition('=')
    if not sign or not name:
        raise DatasetError(f'expected an option such as labels=19, got {text!r}')
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise DatasetError(f'option {name}: not YAML: {value!r}') from error


def _file(path: Path) -> Mapping[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise DatasetError(f'{path}: not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(values, dict):
        raise DatasetError(f'{path}: expected the keys of a dataset, got {values!r}')
    known = {item.name: dict if item.name == 'options' else str for item in fields(DatasetSpec)}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1, 0.0)[0]
            raise DatasetError(f'{path}: unknown key {name!r}, the nearest known one is {near!r}')
        if not isinstance(value, known[name]):
            kind = 'keys and values' if name == 'options' else 'text'
            raise DatasetError(f'{path}: expected {kind} as {name}, got {value!r}')
    return values


def _root(path: Path, root: str) -> str:
    return str(path.parent / Path(root).expanduser()) if root else ''
