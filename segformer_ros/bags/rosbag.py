# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One rosbag2 recording, read; every failure is a BagError of one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
import warnings

from rosbags.interfaces import (
    Connection,
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore
from segformer_ros.bags import message_types
from segformer_ros.bags.damage import DAMAGE
from segformer_ros.bags.storage import BagFiles, storage_files, SUFFIXES, written_for

STORAGES: tuple[str, ...] = ('sqlite3', 'mcap')

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
    """Return whether a path looks like a rosbag2 recording: a folder or one of its files."""
    if path.is_dir():
        return (path / 'metadata.yaml').is_file() or bool(storage_files(path))
    return path.suffix in SUFFIXES


class BagReader:
    """
    A bag, to be used in a with statement.

    :param path: The folder of a rosbag2 recording, or its .mcap or .db3 file.
    :param distribution: The ROS 2 that recorded it, as make_store() takes it, for types whose text
        the bag does not carry.
    :raises BagError: There is no such bag, or it is damaged.

    A bag that is not whole is read as far as it is, with a BagWarning for everything that is
    missing or had to be mended.
    """

    def __init__(self, path: Path, distribution: str = '') -> None:
        self.path = path
        self.store: Typestore = message_types.make_store(distribution)
        try:
            self._reader = BagFiles(path)
            self._reader.open()
        except FileNotFoundError as error:
            found = f'found nothing{written_for(path)}'
            raise BagError(f'expected a bag in {path}, {found}') from error
        except DAMAGE as error:
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
    def start_ns(self) -> int:
        """Time of receipt of the first message, 0 where there is none."""
        return self._reader.begin_ns

    @property
    def notes(self) -> tuple[str, ...]:
        """The texts of the warnings."""
        return self._reader.notes

    def connections(self, topics: Collection[str] | None = None) -> list[Connection]:
        """Return the connections (of rosbags) of some topics; None gives all."""
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
        except DAMAGE as error:
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
