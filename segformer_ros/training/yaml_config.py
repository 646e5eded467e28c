# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses from YAML: every key is known, every value has its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass, MISSING
import difflib
from pathlib import Path
import types
import typing
from typing import Any, Literal, TypeVar, Union

import yaml

T = TypeVar('T')


class ConfigError(ValueError):
    """A recipe that cannot be used; the message says which key and why."""


def read(kind: type[T], path: Path, overrides: Iterable[str] = ()) -> T:
    """
    Read a YAML file into a config dataclass.

    :param overrides: 'key=value' or 'part.key=value' (a number picks from a list), value in YAML.
    :raises ConfigError: A key is unknown or missing, or a value has the wrong type.
    :raises OSError: The file cannot be read.
    """
    return from_mapping(kind, read_values(path, overrides), str(path))


def read_values(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """
    Read the keys and values of a YAML file, with some replaced.

    :param overrides: As for read.
    :raises ConfigError: It is not YAML, or a replacement has no place.
    :raises OSError: The file cannot be read.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path}: expected the keys of a recipe, got {values!r}')
    for override in overrides:
        _override(values, override)
    return values


def write(config: Any) -> str:
    """Write a config dataclass as YAML, in the order of its fields, defaults included."""
    return str(yaml.safe_dump(_plain(asdict(config)), sort_keys=False, default_flow_style=None))


def from_mapping(kind: type[T], values: object, where: str = 'recipe') -> T:
    """
    Make a config dataclass from what YAML holds.

    Types: bool, int, float, str, Path-free dataclasses, tuple[X, ...], tuple[X, Y], Mapping,
    Literal and X | None.

    :param where: What messages call it.
    :raises ConfigError: A key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f'{where}: expected keys and values, got {values!r}')
    hints = typing.get_type_hints(kind)
    items = fields(kind)  # type: ignore[arg-type]
    names = [item.name for item in items]
    for key in values:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1, 0.0)[0]
            raise ConfigError(f'{where}: unknown key {key!r}, the nearest known one is {near!r}')
    for item in items:
        if item.name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise ConfigError(f'{where}: the key {item.name!r} is missing')
    made = {key: _convert(hints[key], values[key], f'{where}.{key}') for key in values}
    try:
        return kind(**made)
    except ConfigError:
        raise
    except ValueError as error:
        # What __post_init__ of the dataclass does not accept.
        raise ConfigError(f'{where}: {error}') from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        rest = [item for item in arguments if item is not type(None)]
        if value is None and len(rest) < len(arguments):
            return None
        return _first_that_fits(rest, value, where)
    if origin is Literal:
        if value not in arguments:
            known = ', '.join(str(item) for item in arguments)
            raise ConfigError(f'{where}: expected one of {known}, got {value!r}')
        return value
    if is_dataclass(hint):
        return from_mapping(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        return _tuple(arguments, value, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f'{where}: expected keys and values, got {value!r}')
        return {key: _convert(arguments[1], item, f'{where}.{key}') for key, item in value.items()}
    return _scalar(hint, value, where)


def _first_that_fits(hints: list[Any], value: Any, where: str) -> Any:
    problems = []
    for hint in hints:
        try:
            return _convert(hint, value, where)
        except ConfigError as error:
            problems.append(error)
    raise problems[0]


def _tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f'{where}: expected a list, got {value!r}')
    items = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(items) != len(value):
        raise ConfigError(f'{where}: expected {len(items)} values, got {len(value)}')
    pairs = enumerate(zip(items, value, strict=True))
    return tuple(_convert(item, part, f'{where}[{index}]') for index, (item, part) in pairs)


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, (int, str)) and not isinstance(value, bool):
        # YAML 1.1 reads 1e-3 as a string.
        try:
            return float(value)
        except ValueError as error:
            raise ConfigError(f'{where}: expected a number, got {value!r}') from error
    if type(value) is not hint:
        raise ConfigError(f'{where}: expected {hint.__name__}, got {value!r}')
    return value


def _override(values: dict[str, Any], override: str) -> None:
    path, sign, text = override.partition('=')
    if not sign or not path:
        raise ConfigError(f'expected key=value, got {override!r}')
    *parents, last = path.split('.')
    target: Any = values
    for parent in parents:
        target = _step(target, parent, path)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: not YAML: {text}') from error
    if isinstance(target, list):
        _ = _step(target, last, path)
        target[int(last)] = value
    elif isinstance(target, dict):
        target[last] = value
    else:
        raise ConfigError(f'{path}: holds no keys, but {target!r}')


def _step(target: Any, key: str, path: str) -> Any:
    if isinstance(target, list):
        if not key.isdecimal() or int(key) >= len(target):
            raise ConfigError(f'{path}: expected a number below {len(target)}, got {key!r}')
        return target[int(key)]
    if not isinstance(target, dict):
        raise ConfigError(f'{path}: {key} has no place in {target!r}')
    return target.setdefault(key, {})
