# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A lock between processes: a file that one of them holds, and that ends with its process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import threading

_POLL_S = 0.1


class LockCancelledError(RuntimeError):
    """No one waits for the lock any more."""


@contextmanager
def file_lock(
    path: Path,
    *,
    waiting: Callable[[], None] = lambda: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """
    Hold a lock for the block; the file is removed with it.

    :param path: In a folder of this user alone.
    :param waiting: Called once if another process holds the lock.
    :param cancelled: Asked while waiting.
    :raises LockCancelledError: It was cancelled while waiting.
    :raises OSError: The file cannot be made.
    """
    told = False
    while (handle := _try(path)) is None:
        if not told:
            waiting()
            told = True
        if cancelled():
            raise LockCancelledError(f'no longer waiting for {path}')
        threading.Event().wait(_POLL_S)
    try:
        yield
    finally:
        # While it is held: who waits for this file finds that it is gone and makes another.
        path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock for the block if no process does; says whether."""
    handle = _try(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)
            os.close(handle)


def _try(path: Path) -> int | None:
    """Open and lock the file; None while another holder has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None
