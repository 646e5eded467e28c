# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a process does with memory that it does not need any more."""

from __future__ import annotations

import ctypes
import gc

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> None:
    """
    Keep the memory of freed images in the process.

    By default glibc gives a freed image back to the kernel, and the next one pays for a page
    fault every 4 KiB: (de)serialising 3 MB takes 4 ms instead of 0.2 ms. Does nothing where the
    C library is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 256 << 20) or mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    mallopt(_M_TRIM_THRESHOLD, 1 << 30)
    mallopt(_M_TOP_PAD, 64 << 20)


def leave_objects() -> None:
    """
    Let the process end without a look at every object that is left.

    Python searches them for garbage when it ends, which takes 0.3 s where numba or OpenVINO was
    used. What runs at the end does run; only objects that refer to one another are not finalised.
    """
    gc.freeze()
