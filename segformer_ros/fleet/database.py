# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The file that holds the state of a labelling: opened for one process, written at once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
import sqlite3

_TABLES = """
create table if not exists inputs (
    id integer primary key, kind text not null, path text not null, names text not null,
    url text not null, bytes integer not null, modified_ns integer not null,
    name text not null unique, sha256 text, state text not null, tries integer not null default 0,
    frames integer not null default 0, reason text not null default '', same_as integer,
    unique (kind, path, names, bytes, modified_ns));
create index if not exists inputs_by_state on inputs (state, tries);
create index if not exists inputs_by_content on inputs (sha256);
create table if not exists shards (
    id integer primary key, input integer not null references inputs, number integer not null,
    first integer, last integer, frames integer not null, state text not null,
    tries integer not null default 0, reason text not null default '', seconds real,
    unique (input, number));
create index if not exists shards_by_state on shards (state, tries);
create index if not exists shards_by_input on shards (input);
"""


class ManifestError(RuntimeError):
    """The database is used by another process, or cannot be written."""


class Database:
    """
    The database; no other process can use it until it is closed.

    :param path: The file; created if it does not exist.
    :raises ManifestError: Another process uses it, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with ExitStack() as undo:
                self._data = sqlite3.connect(path, timeout=0, isolation_level=None)
                undo.callback(self._data.close)
                # Exclusive, the log needs no shared memory, which no network file system has.
                self._data.execute('pragma locking_mode = exclusive')
                self._data.execute('pragma journal_mode = wal')
                self._data.execute('pragma synchronous = normal')
                self._data.execute('begin exclusive')
                for statement in _TABLES.split(';'):
                    self._data.execute(statement)
                self._data.execute('commit')
                undo.pop_all()
        except sqlite3.Error as error:
            if 'locked' in str(error):
                raise ManifestError(
                    f'another process is labelling into {path.parent}: wait for its end, or '
                    'choose another folder'
                ) from error
            raise ManifestError(f'{path} cannot be used: {error}') from error

    def close(self) -> None:
        """Close the file."""
        self._data.close()

    def do(self, statement: str, *values: object) -> sqlite3.Cursor:
        """
        Run a statement.

        :raises ManifestError: It cannot be written.
        """
        try:
            return self._data.execute(statement, values)
        except sqlite3.Error as error:
            raise ManifestError(f'{self._path} cannot be written: {error}') from error

    def number(self, statement: str, *values: object) -> int:
        """Return the whole number that a query finds; 0 where it finds none."""
        return int(self.do(statement, *values).fetchone()[0] or 0)
