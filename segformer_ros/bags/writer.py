# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 recording, written so that little of it can be lost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
import sqlite3
import time
from types import TracebackType
from typing import Any

from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinitionFormat, Qos
from rosbags.rosbag2 import StoragePlugin, WriterError
from rosbags.typesys.store import Typestore
from segformer_ros import interrupts
from segformer_ros.bags.parts import combine, gather, put_by
from segformer_ros.bags.rosbag import BagError, qos, STORAGES
from segformer_ros.bags.storage import BagFileWriter
from segformer_ros.workplace import HeldError, Workplace

COMMIT_PERIOD_S = 0.5

_FAILURES = (WriterError, sqlite3.Error, OSError, AssertionError, ValueError)


class BagWriter:
    """
    A new bag, to be used in a with statement; it appears when the block ends well.

    Until then it is in a folder of another name, where everything but the latest half second
    survives a process that is killed. When the block ends with an error, what there is stays
    under a name of its own. `left` is such a bag of a former writer, `unfinished` that of this
    one; None where there is none.

    :param path: The folder to make.
    :param storage: 'sqlite3' or 'mcap'.
    :param store: Types of the messages.
    :param max_file_bytes: A file that has become larger is followed by another one; 0 never.
    :raises BagError: There is something in the place of the folder, or another process makes it.
    :raises ValueError: There is no such storage.
    """

    def __init__(
        self, path: Path, storage: str, store: Typestore, *, max_file_bytes: int = 0
    ) -> None:
        if storage not in STORAGES:
            raise ValueError(f'bag format must be one of {", ".join(STORAGES)}, not {storage!r}')
        if path.exists():
            raise BagError(f'{path} is already there: choose another place or delete it')
        self.path = path
        self.store = store
        self.unfinished: Path | None = None
        self._plugin = StoragePlugin.MCAP if storage == 'mcap' else StoragePlugin.SQLITE3
        self._max_bytes = max_file_bytes
        self._written = self._uncommitted = 0
        self._committed_s = time.monotonic()
        self._place = Workplace(path)
        try:
            self.left = self._place.set_aside(lambda folder: gather(folder, path.name))
        except HeldError as error:
            raise BagError(f'another process is writing {path}: choose another place') from error
        except OSError as error:
            raise BagError(f'{path} cannot be made: {error.strerror}') from error

    def __enter__(self) -> BagWriter:
        try:
            self._place.open()
            self._open_part()
        except _FAILURES as error:
            raise BagError(f'could not write {self.path}: {error}') from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with interrupts.held():
            try:
                self._part.close()
                if kind is None:
                    combine(self._place.folder, self.path.name)
                    self._place.finish(self._place.folder / self.path.name)
                else:
                    self._keep()
            except _FAILURES as damage:
                with suppress(Exception):
                    self._part.abort()
                self._keep()
                raise BagError(self._sentence(damage)) from damage

    def _keep(self) -> None:
        if self._written:
            with suppress(OSError):
                gather(self._place.folder, self.path.name)
            self.unfinished = self._place.keep()
        else:
            self._place.remove()

    def _sentence(self, damage: BaseException) -> str:
        kept = f'; what was written until then is in {self.unfinished}' if self.unfinished else ''
        return f'could not write {self.path}: {damage}{kept}'

    def _open_part(self, announced: Sequence[Connection] = ()) -> None:
        folder = self._place.folder / self.path.name
        self._part = BagFileWriter(folder, version=9, storage_plugin=self._plugin)
        self._part.open()
        for item in announced:
            self._part.add_connection(
                item.topic,
                item.msgtype,
                msgdef=item.msgdef.data,
                rihs01=item.digest,
                offered_qos_profiles=item.ext.offered_qos_profiles,  # type: ignore[union-attr]
            )

    def add_topic(self, name: str, message_type: str, offered: Qos | None = None) -> Connection:
        """
        Announce a topic.

        :param message_type: A type that the store knows.
        :param offered: QoS profile, reliable and volatile when None.
        """
        return self._part.add_connection(
            name,
            message_type,
            typestore=self.store,
            offered_qos_profiles=[offered or qos()],
        )

    def add_copy(self, source: Connection) -> Connection | None:
        """
        Announce a topic as it is in another bag; once, also when it is called again.

        :returns: None where no one knows what its type is made of.
        """
        profiles = []
        if isinstance(source.ext, ConnectionExtRosbag2):
            profiles = source.ext.offered_qos_profiles
        for made in self._part.connections:
            # Several publishers of one topic are several channels of an MCAP file.
            if (made.topic, made.msgtype) == (source.topic, source.msgtype):
                return made
        text = (
            source.msgdef.data if source.msgdef.format is not MessageDefinitionFormat.NONE else ''
        )
        if text and source.digest:
            return self._part.add_connection(
                source.topic,
                source.msgtype,
                msgdef=text,
                rihs01=source.digest,
                offered_qos_profiles=profiles,
            )
        if source.msgtype not in self.store.fielddefs:
            return None
        return self._part.add_connection(
            source.topic, source.msgtype, typestore=self.store, offered_qos_profiles=profiles
        )

    def write(self, connection: Connection, time_ns: int, raw: bytes | memoryview) -> None:
        """
        Write one message.

        :param time_ns: Time of receipt.
        :param raw: CDR bytes.
        :raises BagError: The bag cannot be written, as on a full disk.
        """
        with interrupts.held():
            try:
                self._part.write(self._part.connections[connection.id - 1], time_ns, raw)
                self._written += 1
                self._uncommitted += 1
                if time.monotonic() - self._committed_s >= COMMIT_PERIOD_S:
                    self._commit()
            except _FAILURES as error:
                raise BagError(f'could not write {self.path}: {error}') from error

    def commit(self) -> None:
        """
        Let everything that was written survive the process.

        :raises BagError: The bag cannot be written, as on a full disk.
        """
        with interrupts.held():
            try:
                self._commit()
            except _FAILURES as error:
                raise BagError(f'could not write {self.path}: {error}') from error

    def _commit(self) -> None:
        self._committed_s = time.monotonic()
        if not self._uncommitted:
            return
        storage: Any = self._part.storage
        if self._plugin is StoragePlugin.MCAP:
            if storage.chunk.msgs:
                storage.close_chunk()
            storage.bio.flush()
        else:
            storage.conn.commit()
        self._uncommitted = 0
        if 0 < self._max_bytes < storage.path.stat().st_size:
            self._part.close()
            put_by(self._place.folder, self.path.name)
            self._open_part(self._part.connections)

    def write_message(self, connection: Connection, time_ns: int, message: object) -> None:
        """Write one message of the store."""
        self.write(connection, time_ns, self.store.serialize_cdr(message, connection.msgtype))
