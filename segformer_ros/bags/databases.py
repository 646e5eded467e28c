# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Databases of sqlite3, closed or not, under any name."""

from __future__ import annotations

from contextlib import closing, ExitStack
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from urllib.parse import quote

import apsw
from rosbags.rosbag2 import CompressionMode, ReaderError
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader, Sqlite3Writer

_JOURNAL_MAGIC = bytes.fromhex('d9d505f920a163d7')


class WholeDatabase(Sqlite3Reader):
    """A database; where a log or a journal lies next to it, a copy that holds all of it."""

    note = ''

    def open(self) -> None:
        """Open the file, or a copy of it."""
        path, self._stack = Path(str(self.path)), ExitStack()
        try:
            beside = unfinished(path)
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


def unfinished(path: Path) -> Path | None:
    """Return the log or the journal that a database is not whole without."""
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


class QuotingWriter(Sqlite3Writer):
    """Writes where it is told to, also where the name means something in an URI."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(Path(quote(str(path))), compression)
        self.path = path / f'{path.name}.db3'
