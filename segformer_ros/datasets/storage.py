# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Files by name, wherever they lie: in a folder, or in a zip, tar or HDF5 archive.

An archive is read through once when it is opened, to know where in it each file lies. From then
on a file is one read at a place, which threads and forked processes can do at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import os
from pathlib import Path
import threading
from typing import Any, Protocol
import zlib

from segformer_ros.datasets import storage_index
from segformer_ros.datasets.sample import DatasetError
from segformer_ros.datasets.storage_index import Extent
from segformer_ros.file_tree import files_below

SUFFIXES: tuple[str, ...] = ('.zip', '.tar', '.hdf5')


class Storage(Protocol):
    """Files by name, with '/' between folders; picklable."""

    @property
    def path(self) -> Path:
        """Return the folder or the archive, for messages."""

    def names(self) -> Sequence[str]:
        """Return the names of all files in order; hidden files are left out."""

    def read(self, name: str) -> bytes:
        """
        Return what a file holds, from any thread or process.

        :raises DatasetError: There is no such file, or it is damaged.
        """


def open_storage(path: Path) -> Storage:
    """
    Open a folder or an archive, the kind of which is told by its suffix.

    :raises DatasetError: There is nothing, or it is no archive of its kind.
    """
    if path.is_dir():
        return FolderStorage(path)
    if path.suffix not in SUFFIXES:
        known = ', '.join(SUFFIXES)
        raise DatasetError(f'expected a folder or an archive ({known}), found {path}')
    return ArchiveStorage(path, storage_index.index(path))


class FolderStorage:
    """The files under a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: tuple[str, ...] | None = None

    def names(self) -> Sequence[str]:
        """Return the names of all files; the folder is listed once."""
        if self._names is None:
            self._names = tuple(sorted(files_below(self.path)))
        return self._names

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise DatasetError(f'expected a file {self.path / name}: {error.strerror}') from error


class ArchiveStorage:
    """The files of an archive."""

    def __init__(self, path: Path, extents: Mapping[str, Extent]) -> None:
        """
        Take an archive whose files are known.

        :param extents: Where each file lies, by its name.
        """
        self.path = path
        self._extents = dict(sorted(extents.items()))
        self._file = _PlacedFile(path)

    def names(self) -> Sequence[str]:
        """Return the names of all files."""
        return tuple(self._extents)

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        extent = self._extents.get(name)
        if extent is None:
            raise DatasetError(f'expected {name} in {self.path}, found no such file')
        try:
            if extent.kind == 'hdf5':
                return storage_index.read_hdf5(self.path, name)
            if extent.kind == 'plain':
                return self._file.read(extent.offset, extent.size)
            return self._unzip(extent)
        except (OSError, ValueError, zlib.error) as error:
            raise DatasetError(
                f'{name} in {self.path} is damaged ({error}): fetch the archive again'
            ) from error

    def _unzip(self, extent: Extent) -> bytes:
        # The lengths of name and extra field in front of the data need not be those of the table.
        head = self._file.read(extent.offset, 30)
        if head[:4] != b'PK\x03\x04':
            raise ValueError('no zip entry where the table of contents has one')
        skip = 30 + int.from_bytes(head[26:28], 'little') + int.from_bytes(head[28:30], 'little')
        data = self._file.read(extent.offset + skip, extent.size)
        if extent.kind == 'deflated':
            data = zlib.decompress(data, -zlib.MAX_WBITS)
        if zlib.crc32(data) != extent.checksum:
            raise ValueError('its checksum is wrong')
        return data


class _PlacedFile:
    """A file that is read at places; opened when it is first needed, again after unpickling."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number: int | None = None
        self._opening = threading.Lock()

    def read(self, offset: int, size: int) -> bytes:
        """Read so many bytes at a place; there is no position that threads could fight over."""
        if self._number is None:
            with self._opening:
                if self._number is None:
                    self._number = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        parts = []
        while size:
            part = os.pread(self._number, size, offset)
            if not part:
                raise ValueError('the archive ends before')
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b''.join(parts)

    def __getstate__(self) -> dict[str, Any]:
        return {'_path': self._path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state['_path'])  # type: ignore[misc]

    def __del__(self) -> None:
        if self._number is not None:
            os.close(self._number)
