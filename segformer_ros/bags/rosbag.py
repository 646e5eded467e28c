# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One rosbag2 recording, read or written; every failure is a BagError of one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
from types import TracebackType
from typing import Any
import warnings

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, WriterError
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore
from segformer_ros import run_folder
from segformer_ros.bags import message_types
from segformer_ros.bags.storage import (
    BagFiles,
    BagFileWriter,
    DAMAGE,
    storage_files,
    SUFFIXES,
)

STORAGES: tuple[str, ...] = ('sqlite3', 'mcap')
MAX_TIME_NS = (1 << 63) - 1

_DAMAGE = (WriterError, *DAMAGE)
_NO_TIME = QosTime(0, 0)


class BagError(ValueError):
    """A bag is missing, damaged, of another kind, or already there."""


class BagWarning(RuntimeWarning):
    """A bag has lost something, or its files and its metadata differ; a sentence for the user."""


@dataclass(frozen=True)
class Topic:
    """A topic of a bag; type such as 'sensor_msgs/msg/Image'."""

    name: str
    type: str
    count: int


def is_bag(path: Path) -> bool:
    """Tell whether a path looks like a rosbag2 recording: a folder or one of its files."""
    if path.is_dir():
        return (path / 'metadata.yaml').is_file() or bool(storage_files(path))
    return path.suffix in SUFFIXES


class BagReader:
    """
    A bag, to be used in a with statement.

    :param path: The folder of a rosbag2 recording, or its .mcap or .db3 file.
    :raises BagError: There is no such bag, or it is damaged.

    A bag that is not whole is read as far as it is, with a BagWarning for everything that is
    missing or had to be mended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store: Typestore = message_types.make_store()
        try:
            self._reader = BagFiles(path)
            self._reader.open()
        except FileNotFoundError as error:
            raise BagError(f'expected a bag in {path}, found nothing') from error
        except _DAMAGE as error:
            raise BagError(
                f'expected a bag in {path}, but it is damaged or of another kind: {error}'
            ) from error
        for connection in self._reader.connections:
            if connection.msgdef.format is MessageDefinitionFormat.MSG:
                message_types.learn(self.store, connection.msgtype, connection.msgdef.data)
        for note in self._reader.notes:
            warnings.warn(note, BagWarning, stacklevel=2)

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    @property
    def topics(self) -> tuple[Topic, ...]:
        """
        The topics by name and type.

        One recorded from publishers of different QoS is still one.
        """
        counts = Counter[tuple[str, str]]()
        for item in self._reader.connections:
            counts[item.topic, item.msgtype] += item.msgcount
        return tuple(Topic(*key, counts[key]) for key in sorted(counts))

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last message."""
        return self._reader.span_ns / 1e9

    @property
    def notes(self) -> tuple[str, ...]:
        """The texts of the warnings."""
        return self._reader.notes

    def connections(self, topics: Collection[str] | None = None) -> list[Connection]:
        """Give the connections (of rosbags) of some topics; None gives all."""
        return [
            item for item in self._reader.connections if topics is None or item.topic in topics
        ]

    def messages(
        self,
        topics: Collection[str] | None = None,
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """
        Read in the order of the times of receipt.

        :param topics: None reads all topics.
        :param start_ns: First time of receipt that is read; where there is an index, at once.
        :param stop_ns: First one that is not read any more.
        :returns: Connection (topic, msgtype), time of receipt in nanoseconds, CDR bytes.
        :raises BagError: The bag is damaged further on.
        """
        wanted = self.connections(topics)
        if not wanted:
            return
        count = 0
        try:
            for item in self._reader.messages(wanted, start_ns, stop_ns):
                yield item
                count += 1
        except _DAMAGE as error:
            raise BagError(f'{self.path} is damaged after {count} messages: {error}') from error

    def deserialize(self, raw: bytes, name: str) -> Any:
        """
        Turn CDR bytes into a message.

        :raises ValueError: The bytes are no such message.
        """
        try:
            return self.store.deserialize_cdr(raw, name)
        except (SerdeError, UnicodeDecodeError) as error:
            raise ValueError(
                f'expected a {name}, found {len(raw)} other bytes: {error}'
            ) from error


def qos(*, reliable: bool = True, latched: bool = False, depth: int = 5) -> Qos:
    """Make the QoS profile that a topic is offered with."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_NO_TIME,
        lifespan=_NO_TIME,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_NO_TIME,
        avoid_ros_namespace_conventions=False,
    )


class BagWriter:
    """
    A new bag, to be used in a with statement; it appears when the block ends well.

    :param path: The folder to make.
    :param storage: 'sqlite3' or 'mcap'.
    :param store: Types of the messages.
    :raises BagError: There is something in the place of the folder.
    :raises ValueError: There is no such storage.
    """

    def __init__(self, path: Path, storage: str, store: Typestore) -> None:
        if storage not in STORAGES:
            raise ValueError(f'bag format must be one of {", ".join(STORAGES)}, not {storage!r}')
        if path.exists():
            raise BagError(f'{path} is already there: choose another place or delete it')
        self.path = path
        self.store = store
        # The name of the file inside is that of the folder it is made in.
        self._workplace = run_folder.temporary_name(path)
        shutil.rmtree(self._workplace, ignore_errors=True)
        plugin = StoragePlugin.MCAP if storage == 'mcap' else StoragePlugin.SQLITE3
        self._writer = BagFileWriter(self._workplace / path.name, version=9, storage_plugin=plugin)

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.__exit__(kind, error, trace)
            if kind is None:
                os.rename(self._workplace / self.path.name, self.path)
        except _DAMAGE as damage:
            raise BagError(f'could not write {self.path}: {damage}') from damage
        finally:
            shutil.rmtree(self._workplace, ignore_errors=True)

    def add_topic(self, name: str, message_type: str, offered: Qos | None = None) -> Connection:
        """
        Announce a topic.

        :param message_type: A type that the store knows.
        :param offered: QoS profile, reliable and volatile when None.
        """
        return self._writer.add_connection(
            name,
            message_type,
            typestore=self.store,
            offered_qos_profiles=[offered or qos()],
        )

    def add_copy(self, source: Connection) -> Connection | None:
        """
        Announce a topic as it is in another bag; once, also when it is called again.

        :returns: None where nobody knows what its type is made of.
        """
        profiles = []
        if isinstance(source.ext, ConnectionExtRosbag2):
            profiles = source.ext.offered_qos_profiles
        for made in self._writer.connections:
            # Several publishers of one topic are several channels of an MCAP file.
            if (made.topic, made.msgtype) == (source.topic, source.msgtype):
                return made
        text = (
            source.msgdef.data if source.msgdef.format is not MessageDefinitionFormat.NONE else ''
        )
        if text and source.digest:
            return self._writer.add_connection(
                source.topic,
                source.msgtype,
                msgdef=text,
                rihs01=source.digest,
                offered_qos_profiles=profiles,
            )
        if source.msgtype not in self.store.fielddefs:
            return None
        return self._writer.add_connection(
            source.topic, source.msgtype, typestore=self.store, offered_qos_profiles=profiles
        )

    def write(self, connection: Connection, time_ns: int, raw: bytes | memoryview) -> None:
        """
        Write one message.

        :param time_ns: Time of receipt.
        :param raw: CDR bytes.
        :raises BagError: The bag cannot be written, as on a full disk.
        """
        try:
            self._writer.write(connection, time_ns, raw)
        except _DAMAGE as error:
            raise BagError(f'could not write {self.path}: {error}') from error

    def write_message(self, connection: Connection, time_ns: int, message: object) -> None:
        """Write one message of the store."""
        self.write(connection, time_ns, self.store.serialize_cdr(message, connection.msgtype))
