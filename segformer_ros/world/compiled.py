# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled functions of the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy.typing as npt
from segformer_ros.machine_code import compiled

__all__ = ['Array', 'Number', 'Numbers', 'compiled', 'inlined']

# What compiled code takes and gives: numba infers the types from the first call.
Number: TypeAlias = Any
Numbers: TypeAlias = tuple[Any, ...]
Array: TypeAlias = npt.NDArray[Any]

_Function = TypeVar('_Function', bound=Callable[..., Any])


def inlined(function: _Function) -> _Function:
    """Compile a small function into each of its callers."""
    return compiled(function, forceinline=True)
