# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a bag as they really are: cut off, beside a log, or unlike their metadata.yaml."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, ExitStack
from pathlib import Path
import shutil
import struct
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import apsw
from rosbags.interfaces import Connection, MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import (
    CompressionMode,
    Reader,
    ReaderError,
    storage_mcap,
    StoragePlugin,
    Writer,
)
from rosbags.rosbag2.metadata import ReaderMetadata
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import ChunkInfo, decompress, McapReader, McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader, Sqlite3Writer

SUFFIXES: tuple[str, ...] = ('.mcap', '.db3')
DAMAGE = (
    ReaderError,
    apsw.Error,
    storage_mcap.zstd.ZstdError,  # type: ignore[attr-defined]
    struct.error,
    AssertionError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What rosbags and what it stands on raise for damaged files."""

_MAGIC = b'\x89MCAP0\r\n'
_CHUNK = 0x06
_IN_CHUNKS = frozenset({0x03, 0x04, 0x05})
# Behind these follows nothing but what the records before them say again.
_ENDS = frozenset({0x00, 0x02, 0x0F})
_JOURNAL_MAGIC = bytes.fromhex('d9d505f920a163d7')


def storage_files(folder: Path) -> list[Path]:
    """List the files of a folder that may hold messages."""
    return sorted(item for item in folder.iterdir() if item.suffix in SUFFIXES)


class WholeChunks(McapReader):
    """An MCAP file; of one that was cut off, or never finished, the chunks that are whole."""

    note = ''
    """What is missing, '' where nothing is."""

    def open(self) -> None:
        """Open the file, by its index or else by its chunks."""
        try:
            super().open()
        except DAMAGE as error:
            try:
                self._open_without_index()
            except DAMAGE:
                raise ReaderError(str(error) or 'the file ends early') from error

    def _open_without_index(self) -> None:
        self.bio = self.path.open('rb')
        for kept in (self.schemas, self.channels, self.chunks, self.connections):
            kept.clear()
        try:
            header = self.bio.read(17)
            if header[:9] != _MAGIC + b'\x01':
                raise ReaderError('File magic is invalid.')
            self.data_start = 17 + int.from_bytes(header[9:], 'little')
            chunks = self._whole_records()
            self.meta_scan()
            found = self.statistics
            if found is None or not found.message_count:
                raise ReaderError('There is no whole chunk.')
        except BaseException:
            self.close()
            raise
        known = dict.fromkeys(self.channels, 1)
        self.chunks = [item._replace(channel_count=known) for item in chunks]
        self.connections = [
            item._replace(msgcount=found.channel_message_counts.get(item.id, 0))
            for item in self.connections
        ]
        duration = found.end_time - found.start_time
        self.metadata = self.metadata._replace(
            duration=duration + 1,
            start_time=found.start_time,
            end_time=found.end_time + 1,
            message_count=found.message_count,
        )
        name = Path(str(self.path)).name
        self.note = (
            f'{self.path} is unfinished or cut off: its whole chunks, {found.message_count} '
            f'messages over {duration / 1e9:.1f} s, are read, what came after them is lost '
            f'(`mcap recover {name} -o whole.mcap` makes a file with an index)'
        )

    def _whole_records(self) -> list[ChunkInfo]:
        """Find the end of what is whole, and the chunks before it."""
        assert self.bio
        size = self.bio.seek(0, 2)
        place, chunks = self.data_start, []
        while place + 9 <= size:
            self.bio.seek(place)
            start = self.bio.read(9)
            end = place + 9 + int.from_bytes(start[1:], 'little')
            if start[0] in _ENDS or end > size:
                break
            if start[0] == _CHUNK:
                chunk = _read_chunk(place, self.bio.read(end - place - 9))
                if chunk is None:
                    break
                chunks.append(chunk)
            place = end
        self.data_end = place
        return chunks


def _read_chunk(place: int, record: bytes) -> ChunkInfo | None:
    """Read what an index would say of a chunk; None where its content is damaged."""
    try:
        start_time, end_time, size, crc, name_size = struct.unpack_from('<QQQII', record)
        name = record[32 : 32 + name_size].decode()
        content = record[40 + name_size :]
        records = decompress(content, name, size, crc)
        place_in = 0
        while place_in < size:
            opcode, record_size = struct.unpack_from('<BQ', records, place_in)
            place_in += 9 + record_size
            if opcode not in _IN_CHUNKS or place_in > size:
                return None
    except DAMAGE:
        return None
    length = len(record) + 9
    return ChunkInfo(start_time, end_time, place, length, {}, 0, name, len(content), size, {})


class WholeDatabase(Sqlite3Reader):
    """A database; where a log or a journal lies beside it, a copy that holds all of it."""

    note = ''

    def open(self) -> None:
        """Open the file, or a copy of it."""
        path, self._stack = Path(str(self.path)), ExitStack()
        try:
            beside = _unfinished(path)
            if beside:
                folder = Path(self._stack.enter_context(TemporaryDirectory()))
                self.path = _recovered(path, beside, folder)
                self.note = f'{path} was not closed: it is read together with {beside.name}'
            # The path becomes part of an URI.
            self.path = Path(quote(str(self.path)))
            super().open()
        except BaseException:
            self._stack.close()
            raise
        finally:
            self.path = path

    def close(self) -> None:
        """Close the file and forget the copy."""
        super().close()
        self._stack.close()


def _unfinished(path: Path) -> Path | None:
    """Give the log or the journal that a database is not whole without."""
    log, journal = (path.with_name(f'{path.name}-{end}') for end in ('wal', 'journal'))
    if log.is_file() and log.stat().st_size > 32:
        return log
    if journal.is_file():
        with journal.open('rb') as file:
            return journal if file.read(8) == _JOURNAL_MAGIC else None
    return None


def _recovered(path: Path, beside: Path, folder: Path) -> Path:
    """Copy a database and let SQLite bring it into order."""
    copy = folder / 'bag.db3'
    try:
        shutil.copyfile(path, copy)
        shutil.copyfile(beside, folder / f'bag.db3{beside.name[len(path.name) :]}')
        with closing(apsw.Connection(str(copy))) as database:
            database.execute('PRAGMA journal_mode=DELETE').fetchall()
    except (OSError, apsw.Error) as error:
        raise ReaderError(
            f'{path.name} was not closed and cannot be read together with {beside.name}: {error}; '
            f'`sqlite3 {path.name} "PRAGMA wal_checkpoint(TRUNCATE)"` in its folder mends it'
        ) from error
    return copy


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
                '(`ros2 bag reindex` makes it anew)'
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
        """Say what is missing, or read in another way than it should be, a sentence each."""
        storage: Any = self.storage
        parts = getattr(storage, 'storages', [storage])
        return (*getattr(storage, 'notes', ()), *(item.note for item in parts if item.note))

    @property
    def span_ns(self) -> int:
        """Give the time from the first to the last message."""
        storage: Any = self.storage
        parts = getattr(storage, 'storages', [storage])
        spans = [item.metadata for item in parts if item.metadata.message_count]
        if not spans:
            return 0
        start, end = min(item.start_time for item in spans), max(item.end_time for item in spans)
        return int(end - start - 1)


class _QuotingWriter(Sqlite3Writer):
    """Writes where it is told to, also where the name means something in an URI."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(Path(quote(str(path))), compression)
        self.path = path / f'{path.name}.db3'


class BagFileWriter(Writer):
    """A writer of either kind of file."""

    STORAGE_PLUGINS = MappingProxyType(
        {StoragePlugin.MCAP: McapWriter, StoragePlugin.SQLITE3: _QuotingWriter}
    )
