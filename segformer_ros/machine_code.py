# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How inner loops are compiled: to machine code on the first call, then kept on disk.

There is no fast-math and no threading, so the results are the same on every machine. numba notices
a change of the file only: what a compiled function calls must be in the same file.
"""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import functools
import pickle
from typing import Any, TypeVar

from numba import njit

_Function = TypeVar('_Function', bound=Callable[..., Any])

# Of a file that a power cut has cut.
_DAMAGE = (EOFError, pickle.UnpicklingError)


def compiled(function: _Function, **options: Any) -> _Function:
    """
    Compile a function; it runs without Python's global lock.

    The machine code is kept next to the module, or in the cache folder of the user where that
    cannot be written; where neither can, or the disk is full, every process compiles again.

    :param options: Of numba.njit, beyond those that hold for all.
    """
    options = {'nogil': True, 'error_model': 'numpy', **options}
    result: Any
    try:
        result = njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for it
        result = njit(**options)(function)
    else:
        cache = result._cache
        cache.load_overload = _without_faults(cache.load_overload, cache.flush)
        cache.save_overload = _without_faults(cache.save_overload, cache.flush)
    kept: _Function = result
    return kept


def is_ready(function: Callable[..., Any]) -> bool:
    """
    Return whether a compiled function has machine code, in this process or on the disk.

    :param function: One of `compiled`. It may have it for other types than those it is called
        with.
    """
    dispatcher: Any = function
    if dispatcher.signatures:
        return True
    try:
        return bool(dispatcher._cache._cache_file._load_index())
    except (AttributeError, OSError, *_DAMAGE):  # the first where nothing is kept
        return False


def _without_faults(method: Callable[..., Any], flush: Callable[[], None]) -> Callable[..., Any]:
    """
    Have a method of the cache answer None, which is 'not there', to a fault of the disk.

    :param flush: Empties the cache of the function, for when a file of it is damaged.
    """

    @functools.wraps(method)
    def call(*arguments: Any) -> Any:
        with contextlib.suppress(OSError):
            try:
                return method(*arguments)
            except _DAMAGE:
                flush()
        return None

    return call
