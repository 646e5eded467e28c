# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Random choices that are the same on every machine and version."""

from __future__ import annotations

from collections.abc import Sequence
import random
from typing import TypeVar

_T = TypeVar('_T')
_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """Hash integers to one of 64 bits (splitmix64, chained)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number & _MASK)) & _MASK
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


class RandomSource:
    """
    A stream of choices, seeded by integers.

    Only Random.random is used: Python promises that its numbers never change.
    """

    def __init__(self, *seed: int) -> None:
        self._random = random.Random(mix(*seed)).random

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._random() < probability

    def uniform(self, low: float, high: float) -> float:
        """Choose a number between low and high."""
        return low + (high - low) * self._random()

    def integer(self, low: int, high: int) -> int:
        """Choose an integer from low to high, both included."""
        return low + int((high - low + 1) * self._random())

    def sign(self) -> int:
        """Choose -1 or 1."""
        return 1 if self._random() < 0.5 else -1

    def pick(self, items: Sequence[_T]) -> _T:
        """Choose one of the items."""
        return items[int(len(items) * self._random())]

    def vary(self, color: Sequence[float], amount: float) -> tuple[float, float, float]:
        """Return the colour with another brightness and a slightly other hue."""
        # Called a thousand times per frame: uniform, written out.
        draw, low, high = self._random, 1.0 - amount, 1.0 + amount
        bright = low + (high - low) * draw()
        low, high = 1.0 - 0.3 * amount, 1.0 + 0.3 * amount
        span = high - low
        red, green, blue = color
        return (
            min(red * bright * (low + span * draw()), 1.0),
            min(green * bright * (low + span * draw()), 1.0),
            min(blue * bright * (low + span * draw()), 1.0),
        )
