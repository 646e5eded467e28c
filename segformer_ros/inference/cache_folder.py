# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder where the run time keeps what it can make again, readable by its user alone."""

from __future__ import annotations

import os
from pathlib import Path
import stat

_PRIVATE = 0o700


def cache_folder(*names: str) -> Path | None:
    """
    Give a folder below that of the package in the user's cache, made where it is missing.

    The cache is XDG_CACHE_HOME, else ~/.cache (XDG Base Directory Specification 0.8).

    :param names: Of the folder and the folders around it, the outermost first.
    :returns: None where there is no home, it cannot be written, or the folder of the package
        belongs to another user: do without then.
    """
    try:
        folder = _cache_home() / 'segformer_ros'
        _make(folder)
        if not _is_own(folder):
            return None
        for name in names:
            folder /= name
            _make(folder)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _cache_home() -> Path:
    given = Path(os.environ.get('XDG_CACHE_HOME', ''))
    return given if given.is_absolute() else Path.home() / '.cache'


def _make(folder: Path) -> None:
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)


def _is_own(folder: Path) -> bool:
    """Take away what others may do with the folder, if it is the user's own."""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return False
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(_PRIVATE)
    return True
