# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a bag as they really are: cut off, next to a log, or unlike their metadata.yaml."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rosbags.interfaces import Connection, MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import (
    Reader,
    ReaderError,
    StoragePlugin,
    Writer,
)
from rosbags.rosbag2.metadata import ReaderMetadata
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import McapWriter
from segformer_ros.bags.damage import DAMAGE
from segformer_ros.bags.databases import QuotingWriter, unfinished, WholeDatabase
from segformer_ros.bags.mcap_files import WholeChunks
from segformer_ros.run_folder import temporary_name

SUFFIXES: tuple[str, ...] = ('.mcap', '.db3')


def storage_files(folder: Path) -> list[Path]:
    """List the files of a folder that may hold messages, also where a recording is written."""
    inner = _part_in(folder)
    places = [folder] if inner is None else [folder, inner]
    return sorted(item for place in places for item in place.iterdir() if item.suffix in SUFFIXES)


def is_being_written(folder: Path) -> bool:
    """Return whether this is the place of a recording that is not finished, and may never be."""
    return _part_in(folder) is not None and bool(storage_files(folder))


def written_for(path: Path) -> str:
    """Report where a recording is that is not at its path yet, or never will be; '': nowhere."""
    folder = temporary_name(path)
    if not folder.is_dir() or not is_being_written(folder):
        return ''
    return f'; {folder} has what was recorded until now, or until its recorder was killed'


def _part_in(folder: Path) -> Path | None:
    """Return where in its hidden folder a writer puts the latest part of a recording."""
    if not folder.name.startswith('.'):
        return None
    inner = (item for item in folder.iterdir() if item.is_dir())
    return next(
        (item for item in inner if temporary_name(folder.with_name(item.name)) == folder), None
    )


def message_files(path: Path) -> list[Path]:
    """
    List the files that decide which messages a bag has: also the logs of databases not closed.

    :param path: The folder, or the one file.
    """
    files = storage_files(path) if path.is_dir() else [path]
    logs = [unfinished(item) for item in files]
    return [*files, *(item for item in logs if item is not None)]


class BagFolder(DirectoryReader):
    """
    A folder with files, with or without metadata.yaml.

    Topics of the files are those of the metadata that have their name and their type; nothing
    else in there decides what is read. `notes` says what the two do not agree on.
    """

    STORAGE_PLUGINS = MappingProxyType({'mcap': WholeChunks, 'sqlite3': WholeDatabase})

    def __init__(self, path: Path) -> None:
        """
        Look what there is.

        :raises FileNotFoundError: There are neither metadata nor files.
        """
        self.notes: list[str] = []
        self._described = (path / 'metadata.yaml').is_file()
        if self._described:
            super().__init__(path)
        elif not storage_files(path):
            raise FileNotFoundError(f'no {" or ".join(SUFFIXES)} file in {path}')
        self.folder = path
        self.path = path
        self.metadata = ReaderMetadata(0, 2**63 - 1, 0, 0, None, None, None, None)
        self.connections, self.storages, self.files = [], [], []

    def open(self) -> None:
        """Open all files."""
        if self._described:
            super().open()
            self._note_others()
        else:
            self._open_files()
        self._agree()

    def _open_files(self) -> None:
        """Open the files that a recorder leaves that was killed before it wrote metadata.yaml."""
        files = storage_files(self.folder)
        with ExitStack() as stack:
            for file in files:
                plugin = WholeChunks if file.suffix == '.mcap' else WholeDatabase
                storage = plugin(file)
                try:
                    storage.open()
                except DAMAGE as error:
                    if len(files) == 1:
                        raise
                    self.notes.append(f'{file} has nothing that can be read: {error}')
                    continue
                stack.callback(storage.close)
                self.storages.append(storage)
            if not self.storages:
                raise ReaderError(f'none of its {len(files)} files can be read')
            self.stack = stack.pop_all()
        self.storages.sort(key=lambda item: item.metadata.start_time)

    def _note_others(self) -> None:
        """Name the files that metadata.yaml does not know: they are not read."""
        parts: list[Any] = self.storages
        known = {item.path.name for item in parts}
        others = [item.name for item in storage_files(self.folder) if item.name not in known]
        if others and self.metadata.compression_mode != 'file':
            self.notes.append(
                f'{", ".join(others)} in {self.path} is not named in metadata.yaml and not read '
                '(`ros2 bag reindex` rebuilds it)'
            )

    def _agree(self) -> None:
        known: dict[tuple[str, str], Connection] = {}
        for item in self.connections:
            known.setdefault((item.topic, item.msgtype), item)
        promised, found = list(known.items()), Counter[Any]()
        for storage in self.storages:
            for index, item in enumerate(storage.connections):
                key = (item.topic, item.msgtype)
                own = known.setdefault(key, item._replace(id=-len(known) - 1, owner=self))
                storage.connections[index] = item._replace(ext=own.ext, digest=own.digest)
                found[key] += item.msgcount
        fewer = [
            f'{item.topic} {found[key]} of {item.msgcount}'
            for key, item in promised
            if found[key] < item.msgcount
        ]
        if fewer:
            count = sum(found[key] for key, _ in promised)
            self.notes.append(
                f'{self.path} holds fewer messages than its metadata.yaml counts, {count} of '
                f'{sum(item.msgcount for _, item in promised)}: {", ".join(fewer)}'
            )
        self.connections = [
            item._replace(msgcount=found[key], msgdef=self._definition(item))
            for key, item in known.items()
        ]

    def _definition(self, connection: Connection) -> MessageDefinition:
        found = [
            item.msgdef
            for storage in self.storages
            for item in storage.connections
            if item.msgtype == connection.msgtype
        ]
        known = [item for item in found if item.format is not MessageDefinitionFormat.NONE]
        return known[0] if known else connection.msgdef


class BagFiles(Reader):
    """A folder, or one file of it."""

    STORAGE_PLUGINS = MappingProxyType(
        {'dir': BagFolder, '.mcap': WholeChunks, '.db3': WholeDatabase}
    )

    @property
    def notes(self) -> tuple[str, ...]:
        """Describe what is missing, or read in another way than it should be, a sentence each."""
        storage: Any = self.storage
        parts = getattr(storage, 'storages', [storage])
        return (*getattr(storage, 'notes', ()), *(item.note for item in parts if item.note))

    @property
    def span_ns(self) -> int:
        """Return the time from the first to the last message."""
        spans = self._spans()
        return max(end for _, end in spans) - self.begin_ns - 1 if spans else 0

    @property
    def begin_ns(self) -> int:
        """Return the time of the first message, 0 where there is none."""
        return min((start for start, _ in self._spans()), default=0)

    def _spans(self) -> list[tuple[int, int]]:
        storage: Any = self.storage
        found = [item.metadata for item in getattr(storage, 'storages', [storage])]
        return [(int(item.start_time), int(item.end_time)) for item in found if item.message_count]


class BagFileWriter(Writer):
    """A writer of either kind of file."""

    STORAGE_PLUGINS = MappingProxyType(
        {StoragePlugin.MCAP: McapWriter, StoragePlugin.SQLITE3: QuotingWriter}
    )
