# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bundles whose files are links, as engines take them: as real files next to each other.

The cache of the Hugging Face hub, DVC, git-annex and installations by links keep the content under
other names in other folders. Engines follow a graph to its weights and refuse what lies outside
its folder (OpenVINO 2026.4, ONNX Runtime 1.32), which protects from graphs that read anything; of
a bundle the sha256 of every file was compared.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
import shutil
import tempfile

from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.folder import Bundle
from segformer_ros.cache_folder import cache_folder, keep_newest
from segformer_ros.file_hash import sha256_of

_MOST_BUNDLES = 8
_DO = 'copy the bundle with cp -rL, or set XDG_CACHE_HOME to a folder that can be written'


def engine_folder(bundle: Bundle) -> Path:
    """
    Return a folder with all files of a bundle, none of which is a link.

    It is the bundle's own where that has no links; else one in the user's cache, of hard links
    where the disk is the same and of copies where it is not.

    :raises BundleError: There is no place for it.
    """
    names = tuple(bundle.manifest.files)
    if not any(bundle.file(name).is_symlink() for name in names):
        return bundle.path
    digest = hashlib.sha256(bundle.file('manifest.json').read_bytes()).hexdigest()
    folder = cache_folder('bundles', digest[:16])
    if folder is None:
        raise _refusal(bundle, 'no folder for them in the cache')
    try:
        for name in names:
            _place(bundle.file(name).resolve(), folder / name, bundle.manifest.files[name])
        folder.touch()
    except OSError as error:
        raise _refusal(bundle, f'{type(error).__name__}: {error.strerror}') from error
    keep_newest(folder, _MOST_BUNDLES)
    return folder


def _refusal(bundle: Bundle, found: str) -> BundleError:
    return BundleError(
        bundle.path,
        expected='real files for the engine in the place of links',
        found=found,
        do=_DO,
    )


def _place(source: Path, target: Path, sha256: str) -> None:
    """Put a file into the cache, unless it is there and right."""
    there = target.is_file() and not target.is_symlink()
    if there and (target.samefile(source) or sha256_of(target) == sha256):
        return
    with tempfile.TemporaryDirectory(prefix='.new.', dir=target.parent) as name:
        fresh = Path(name) / 'file'
        try:
            os.link(source, fresh)
        except OSError:
            # Another disk, or a file of somebody else.
            shutil.copyfile(source, fresh)
        fresh.replace(target)
