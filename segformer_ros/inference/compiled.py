# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How the inner loops are compiled: to machine code on the first call, then kept on disk.

There is no fast-math and no threading, so the results are the same on every machine. numba notices
a change of the file only: what a compiled function calls must be in the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from numba import njit
import numpy.typing as npt

# What compiled code takes: numba infers the types from the first call.
Number: TypeAlias = Any
Array: TypeAlias = npt.NDArray[Any]

_Function = TypeVar('_Function', bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """
    Compile a function; it runs without Python's global lock.

    The machine code is kept beside the module, or in the cache folder of the user where that
    cannot be written; where neither can, every process compiles anew.
    """
    result: _Function
    try:
        result = njit(cache=True, nogil=True, error_model='numpy')(function)
    except RuntimeError:
        result = njit(nogil=True, error_model='numpy')(function)
    return result
