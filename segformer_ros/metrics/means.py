# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Means over what is known."""

from __future__ import annotations

from collections.abc import Iterable
import math


def known_mean(values: Iterable[float]) -> float:
    """Average the values that are not NaN, the same in any order; NaN without any."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
