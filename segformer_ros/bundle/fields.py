# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Typed access to a JSON object whose every fault is told in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from typing import Any, NoReturn

from segformer_ros.bundle.errors import BundleError

_DO = 'export the network again'


class Fields:
    """A JSON object; every method raises BundleError when a value is not what it asks for."""

    def __init__(self, content: object, where: object) -> None:
        """:param where: Name of the object for messages."""
        self._where = where
        if not isinstance(content, dict):
            raise BundleError(where, expected='a JSON object', found=_short(content), do=_DO)
        self._content: dict[str, Any] = content

    def refuse(self, key: str, expected: str, found: str) -> NoReturn:
        """Raise the error for a key."""
        raise BundleError(f'{self._where}: {key}', expected=expected, found=found, do=_DO)

    def names(self) -> tuple[str, ...]:
        """Return the keys."""
        return tuple(self._content)

    def only(self, keys: Iterable[str], *, complete: bool = False) -> None:
        """Refuse other keys than these; complete: also refuse that one of these is missing."""
        known = tuple(keys)
        for key in self._content:
            if key not in known:
                self.refuse(_short(key), f'one of the keys {", ".join(known)}', 'an unknown key')
        for key in known if complete else ():
            self.value(key)

    def having(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the object itself, which must have these keys among others."""
        for key in keys:
            self.value(key)
        return self._content

    def value(self, key: str) -> Any:
        """Return a value of any type."""
        if key not in self._content:
            self.refuse(key, 'a value', 'no such key')
        return self._content[key]

    def inner(self, key: str) -> Fields:
        """Return an object."""
        return Fields(self.value(key), f'{self._where}: {key}')

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        value = self.value(key)
        if not isinstance(value, list):
            self.refuse(key, 'a list', _short(value))
        return value

    def inners(self, key: str) -> list[Fields]:
        """Return a list of objects."""
        where = f'{self._where}: {key}'
        return [Fields(item, f'{where}[{index}]') for index, item in enumerate(self.items(key))]

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self.value(key)
        if not isinstance(value, str) or not value:
            self.refuse(key, 'a text', _short(value))
        return value

    def choice(self, key: str, values: tuple[str, ...]) -> str:
        """Return one of some texts."""
        value = self.value(key)
        if value not in values:
            self.refuse(key, ' or '.join(repr(item) for item in values), _short(value))
        return str(value)

    def whole(self, key: str, *, least: int) -> int:
        """Return a whole number, least or more."""
        value = self.value(key)
        if type(value) is not int or value < least:
            self.refuse(key, f'a whole number from {least}', _short(value))
        return value

    def number(self, key: str, *, above: float = -math.inf) -> float:
        """Return a finite number above a limit."""
        return self._finite(key, self.value(key), above)

    def numbers(self, key: str, count: int, *, above: float = -math.inf) -> tuple[float, ...]:
        """Return a list of so many finite numbers above a limit."""
        values = self.items(key)
        if len(values) != count:
            self.refuse(key, f'{count} numbers', f'{len(values)} values')
        return tuple(self._finite(key, value, above) for value in values)

    def _finite(self, key: str, value: Any, above: float) -> float:
        if type(value) not in {int, float} or not _is_finite(value) or not value > above:
            limit = f' above {above:g}' if above > -math.inf else ''
            self.refuse(key, f'a finite number{limit}', _short(value))
        return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
