# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files below a folder, as a person who put links and hidden files there means them."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path


def files_below(root: Path) -> Iterator[str]:
    """
    Name the files below a folder and its sub-folders, with '/' between folders.

    Links to folders are followed, but not back into a folder that they lie in. What is hidden,
    such as .thumbnails and ._name, is left out. A link to nothing is named: who reads it says so.

    :returns: In the order of the names, folder by folder.
    :raises OSError: A folder cannot be read.
    """
    return _below(root, '', frozenset())


def is_hidden(name: str) -> bool:
    """Return whether a file or a folder that it lies in is hidden; name is relative."""
    return any(part.startswith('.') for part in name.split('/'))


def _below(folder: Path, place: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    facts = folder.stat()
    own = facts.st_dev, facts.st_ino
    if own in above:
        return
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith('.'):
            continue
        if entry.is_dir():
            yield from _below(folder / entry.name, f'{place}{entry.name}/', above | {own})
        elif entry.is_file() or entry.is_symlink():
            yield f'{place}{entry.name}'
