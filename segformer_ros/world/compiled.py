# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How the inner loops are compiled: to machine code on the first call, then kept on disk.

There is no fast-math and no threading, so the numbers do not depend on the machine's load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from numba import njit
import numpy.typing as npt

# What compiled code takes and gives: numba infers the types from the first call.
Number: TypeAlias = Any
Numbers: TypeAlias = tuple[Any, ...]
Array: TypeAlias = npt.NDArray[Any]

_Function = TypeVar('_Function', bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function; it runs without Python's global lock."""
    result: _Function = njit(cache=True, nogil=True, error_model='numpy')(function)
    return result


def inlined(function: _Function) -> _Function:
    """Compile a small function into each of its callers."""
    result: _Function = njit(cache=True, nogil=True, error_model='numpy', forceinline=True)(
        function
    )
    return result
