# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All candidates of a case in their processes, as many at a time as there is memory for."""

from __future__ import annotations

from comparison import machine
from comparison.case import Case
from comparison.child import Child

# Of the memory that is free before the first one is loaded.
_KEPT_FREE = 0.15
_FIRST_GUESS = 0.25


class Field:
    """
    The processes of the candidates, started again where one had to make room for others.

    Everybody stays loaded where memory allows it, which is so for all but the largest cases.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._children: dict[str, Child] = {}
        self._needs_mb: dict[str, float] = {}
        free = machine.free_mb()
        self._guess_mb, self._reserve_mb = _FIRST_GUESS * free, _KEPT_FREE * free

    def child(self, name: str) -> Child:
        """
        Return a candidate, loaded.

        :raises ChildError: It cannot be loaded here.
        """
        if name not in self._children:
            guess = max([self._guess_mb, *self._needs_mb.values()])
            self._make_room(self._needs_mb.get(name, guess))
            self._children[name] = Child(name, self._case)
        return self._children[name]

    def is_loaded(self, name: str) -> bool:
        """Return whether a candidate is in memory."""
        return name in self._children

    def note_need(self, name: str, megabytes: float) -> None:
        """Remember how much memory a candidate takes at its peak."""
        self._needs_mb[name] = megabytes

    def close(self) -> None:
        """End all processes."""
        for name in list(self._children):
            self._children.pop(name).close()

    def _make_room(self, megabytes: float) -> None:
        """End the largest ones until there is room."""
        while self._children and machine.free_mb() - megabytes < self._reserve_mb:
            largest = max(self._children, key=lambda name: self._needs_mb.get(name, 0.0))
            self._children.pop(largest).close()
