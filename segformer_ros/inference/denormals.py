# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Denormal numbers, which count as zero while a network is computed.

The attention of trained networks gives most keys next to nothing: in the last stage up to a tenth
of the probabilities are denormal numbers of float32 (below 1.2e-38). They change no result, but
Intel's CPUs compute several times slower with them than with others. The switch is one of
the calling thread; threads that it starts take it over. The option of ONNX Runtime is right for
the threads of a session. In the calling one only the first session of a process obeys it, and
leaves the switch on: findings/onnxruntime_denormals_once.sh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
import functools
import platform
import sys

import numpy as np

_MATHEMATICS = 'libm.so.6'
# Of MXCSR: flush to zero (results), denormals are zero (operands). Intel 64 and IA-32
# Architectures Software Developer's Manual, volume 1, 10.2.3.
_AS_ZERO = 1 << 15 | 1 << 6


class _Environment(ctypes.Structure):
    """fenv_t of x86-64."""

    _fields_ = (('x87', ctypes.c_uint32 * 7), ('mxcsr', ctypes.c_uint32))


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """
    Count denormal numbers as zero in this thread, and in threads that it starts meanwhile.

    At the end this thread is as it was, but not those that it has started, such as torch's own;
    those that torch had started before are not switched. Where can_switch is false, nothing is
    changed.
    """
    library = _library()
    if library is None:
        yield
        return
    before = _Environment()
    library.fegetenv(ctypes.byref(before))
    changed = _Environment(before.x87, before.mxcsr | _AS_ZERO)
    try:
        library.fesetenv(ctypes.byref(changed))
        yield
    finally:
        library.fesetenv(ctypes.byref(before))


def read_limits() -> None:
    """
    Have numpy look at the limits of its types while there are denormal numbers.

    It warns when it first looks at them in a thread where these count as zero.
    """
    for kind in (np.float32, np.float64):
        _ = np.finfo(kind).smallest_subnormal


def can_switch() -> bool:
    """Return whether this is x86-64 with the GNU C library."""
    return _library() is not None


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.PyDLL | None:
    if sys.platform != 'linux' or platform.machine() != 'x86_64':
        return None
    read_limits()
    try:
        return ctypes.PyDLL(_MATHEMATICS)
    except OSError:  # another C library
        return None
