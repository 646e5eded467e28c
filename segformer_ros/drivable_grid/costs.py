# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What each class costs a robot that drives over it, as a table in a YAML file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import LabelClass
import yaml

LETHAL = 100
DEFAULT_FILE = Path(__file__).with_name('costs.yaml')
_SECTIONS = ('ground', 'obstacles', 'ignored')


@dataclass(frozen=True)
class ClassCosts:
    """
    Costs by class name, each 0 to LETHAL.

    :param ground: Classes that lie: a robot could stand on them.
    :param obstacles: Classes that stand; so do all that are in none of the three, at LETHAL.
    :param ignored: Classes that say nothing about the ground.
    """

    ground: dict[str, int] = field(default_factory=dict)
    obstacles: dict[str, int] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    def tables(
        self, classes: Iterable[LabelClass]
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
        """
        Look the classes of a network up.

        :returns: (256,) cost by class id, -1 for ids that are ignored or are not of a class; and
            (256,) whether it is an obstacle.
        """
        costs, stands = np.full(256, -1, np.int8), np.zeros(256, np.bool_)
        for item in classes:
            if item.name in self.ignored:
                continue
            stands[item.id] = item.name not in self.ground
            own = self.obstacles if stands[item.id] else self.ground
            costs[item.id] = own.get(item.name, LETHAL)
        return costs, stands

    def unlisted(self, classes: Iterable[LabelClass]) -> list[str]:
        """Name the classes that are in none of the three."""
        listed = {*self.ground, *self.obstacles, *self.ignored}
        return [item.name for item in classes if item.name not in listed]


def read_costs(path: Path | None = None) -> ClassCosts:
    """
    Read a table; see costs.yaml.

    :param path: None reads the one that ships with the package.
    :raises ValueError: The file is not there, is no YAML, or holds something else.
    """
    file = path or DEFAULT_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f'cannot read the class costs of {file}: {error}') from error
    try:
        return _parse(content)
    except ValueError as error:
        raise ValueError(f'{file}: {error}') from error


def _parse(content: Any) -> ClassCosts:
    if not isinstance(content, dict) or not set(content) <= set(_SECTIONS):
        found = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f'expected the sections {", ".join(_SECTIONS)}, found {found}')
    ignored = content.get('ignored') or []
    if not isinstance(ignored, list) or not all(isinstance(name, str) for name in ignored):
        raise ValueError(f'ignored: expected a list of class names, found {ignored!r}')
    tables = {name: _table(name, content.get(name) or {}) for name in _SECTIONS[:2]}
    names = [*tables['ground'], *tables['obstacles'], *ignored]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'{", ".join(twice)}: expected each class once')
    return ClassCosts(tables['ground'], tables['obstacles'], frozenset(ignored))


def _table(section: str, content: Any) -> dict[str, int]:
    if not isinstance(content, dict):
        raise ValueError(f'{section}: expected class names with costs, found {content!r}')
    for name, cost in content.items():
        right = isinstance(cost, int) and not isinstance(cost, bool) and 0 <= cost <= LETHAL
        if not isinstance(name, str) or not right:
            raise ValueError(
                f'{section}: expected a class name with a cost of 0 to {LETHAL}, '
                f'found {name!r}: {cost!r}'
            )
    return dict(content)
