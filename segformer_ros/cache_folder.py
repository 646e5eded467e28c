# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder where the run time keeps what it can make again, readable by its user alone."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import stat

_PRIVATE = 0o700


class CacheFolderError(OSError):
    """There is no folder that only this user can write to."""


def cache_folder(*names: str) -> Path | None:
    """
    Return a folder below that of the package in the user's cache, made where it is missing.

    The cache is XDG_CACHE_HOME, else ~/.cache (XDG Base Directory Specification 0.8).

    :param names: Of the folder and the folders around it, the outermost first.
    :returns: None where there is no home, it cannot be written, or the folder of the package
        belongs to another user: do without then.
    """
    try:
        return private_folder(package_cache(), *names)
    except (OSError, RuntimeError):
        return None


def keep_newest(folder: Path, most: int) -> None:
    """Remove the folders next to this one that were touched longest ago, beyond so many in all."""
    try:
        others = sorted(folder.parent.iterdir(), key=lambda path: -path.stat().st_mtime)
    except OSError:
        return
    for other in others[most:]:
        shutil.rmtree(other, ignore_errors=True)


def package_cache() -> Path:
    """
    Return the folder of the package in the user's cache, which may be missing.

    :raises RuntimeError: The user has no home.
    """
    given = Path(os.environ.get('XDG_CACHE_HOME', ''))
    home = given if given.is_absolute() else Path.home() / '.cache'
    return home / 'segformer_ros'


def private_folder(folder: Path, *names: str) -> Path:
    """
    Return a folder that only this user can read and write, made where it is missing.

    :param names: Of a folder inside and the folders around that, the outermost first.
    :raises CacheFolderError: It is a file, belongs to another user or cannot be written; one
        sentence.
    """
    try:
        _make(folder)
        _take(folder)
        for name in names:
            folder /= name
            _make(folder)
    except (FileExistsError, NotADirectoryError) as error:
        raise _refusal(folder, 'a file in its place') from error
    except PermissionError as error:
        raise _refusal(folder, 'no permission to make it') from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refusal(folder, 'one that cannot be written')
    return folder


def _make(folder: Path) -> None:
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)


def _take(folder: Path) -> None:
    """Take away what others may do with the folder, if it is the user's own."""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise _refusal(folder, f'one of user {found.st_uid}')
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(_PRIVATE)


def _refusal(folder: Path, found: str) -> CacheFolderError:
    return CacheFolderError(
        f'expected a folder of user {os.geteuid()} alone at {folder}, found {found}: choose '
        'another folder or set XDG_CACHE_HOME'
    )
