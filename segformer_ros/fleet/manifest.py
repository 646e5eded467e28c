# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state of every input and shard of a labelling, in a database that survives its driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import json
from pathlib import Path
from typing import Any

from segformer_ros.fleet.database import Database
from segformer_ros.fleet.inputs import BAG, Input
from segformer_ros.fleet.records import DONE, FAILED, Known, NEW, PENDING, RUNNING, SAME, Shard

FILE = 'manifest.sqlite'


class Manifest:
    """
    The database; no other process can use it until it is closed.

    :param path: The file; created if it does not exist.
    :raises ManifestError: Another process uses it, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._data = Database(path)
        self._do, self._number = self._data.do, self._data.number

    def close(self) -> None:
        """Close the file."""
        self._data.close()

    def begin(self, retry_failed: bool) -> None:
        """
        Take up what an earlier driver has left: what was running is to be done.

        :param retry_failed: Whether what was given up is tried again.
        """
        self._do('begin')
        # What ended the driver is no fault of what was running then.
        self._do(
            'update shards set state = ?, tries = tries - 1 where state = ?', PENDING, RUNNING
        )
        self._do('update inputs set state = ?, tries = tries - 1 where state = ?', NEW, RUNNING)
        if retry_failed:
            self._do(
                "update shards set state = ?, tries = 0, reason = '' where state = ?",
                PENDING, FAILED,
            )  # fmt: skip
            self._do(
                "update inputs set state = case when sha256 is null then ? else ? end, tries = 0, "
                "reason = '' where state = ?",
                NEW, PENDING, FAILED,
            )  # fmt: skip
        self._do('commit')

    def add(self, items: Sequence[Input]) -> set[int]:
        """
        Note inputs; one that has changed since it was noted is another one.

        :returns: The ids of all of them.
        :raises OSError: An input cannot be read.
        """
        ids = set()
        self._do('begin')
        for item in items:
            key = (item.kind, str(item.path), json.dumps(item.names), *item.state())
            row = self._do(
                'select id from inputs where kind = ? and path = ? and names = ? and bytes = ? '
                'and modified_ns = ?', *key,
            ).fetchone()  # fmt: skip
            if row is None:
                row = self._do(
                    'insert into inputs (kind, path, names, bytes, modified_ns, url, name, state) '
                    'values (?, ?, ?, ?, ?, ?, ?, ?) returning id',
                    *key, item.url, self._free_name(item), NEW,
                ).fetchone()  # fmt: skip
            ids.add(int(row[0]))
        self._do('commit')
        return ids

    def _free_name(self, item: Input) -> str:
        """
        Name the results of an input: as its file, with more of its path where that is taken.

        Never a hidden name: that is what results have until they are complete.
        """
        known = (part for part in item.path.parts if part != item.path.anchor)
        parts = [part.lstrip('.') or '_' for part in known]
        for count in range(1, len(parts) + 1):
            name = '__'.join(parts[-count:])
            if not self._taken(name):
                return name
        number = 2
        while self._taken(f'{parts[-1]}__{number}'):
            number += 1
        return f'{parts[-1]}__{number}'

    def _taken(self, name: str) -> bool:
        return bool(self._number('select count(*) from inputs where name = ?', name))

    def known(self, *states: str, ids: set[int] | None = None) -> Iterator[Known]:
        """Return the inputs of some states, of all states where none is named."""
        marks = ', '.join('?' * len(states))
        where = f'where state in ({marks})' if states else ''
        rows = self._do(f'select id from inputs {where} order by id', *states).fetchall()
        for (number,) in rows:
            if ids is None or number in ids:
                yield self.input(number)

    def input(self, number: int) -> Known:
        """Return one input."""
        found, kind, path, names, url, size, name, sha256, state, frames, reason = self._do(
            'select id, kind, path, names, url, bytes, name, sha256, state, frames, reason '
            'from inputs where id = ?', number,
        ).fetchone()  # fmt: skip
        item = Input(kind, Path(path), tuple(json.loads(names)), url, size if url else 0)
        return Known(found, item, name, sha256 or '', state, frames, reason)

    def is_unchanged(self, known: Known) -> bool:
        """
        Return whether the files of an input are still those that were noted.

        :raises OSError: A file is not there any more.
        """
        row = self._do('select bytes, modified_ns from inputs where id = ?', known.id).fetchone()
        return tuple(row) == known.input.state()

    def planned(
        self, number: int, sha256: str, frames: int, cuts: Sequence[tuple[int | None, int | None]]
    ) -> bool:
        """
        Note the content of an input, and its shards.

        :param cuts: Where each shard begins and ends, as of Shard.
        :returns: False where another input has this content: nothing is to be done.
        """
        own = self.input(number).input
        row = self._do(
            'select id from inputs where sha256 = ? and kind = ? and state != ? and id != ?',
            sha256, own.kind, SAME, number,
        ).fetchone()  # fmt: skip
        self._do('begin')
        state = PENDING if row is None else SAME
        self._do(
            "update inputs set sha256 = ?, frames = ?, state = ?, same_as = ?, reason = '' "
            'where id = ?', sha256, frames, state, row and row[0], number,
        )  # fmt: skip
        if row is None:
            self._cut(number, frames, cuts)
        self._do('commit')
        return row is None

    def cut_anew(self, number: int, frames: int) -> None:
        """Let an input be one shard."""
        self._do('begin')
        self._do('delete from shards where input = ?', number)
        self._cut(number, frames, [(None, None)])
        self._do('commit')

    def _cut(
        self, number: int, frames: int, cuts: Sequence[tuple[int | None, int | None]]
    ) -> None:
        for place, (first, last) in enumerate(cuts):
            # Of a bag the places are times.
            ends = (place * frames // len(cuts), (place + 1) * frames // len(cuts))
            if self.input(number).input.kind != BAG:
                ends = (first or 0, frames if last is None else last)
            count = max(0, ends[1] - ends[0])
            self._do(
                'insert into shards (input, number, first, last, frames, state) '
                'values (?, ?, ?, ?, ?, ?)', number, place, first, last, count, PENDING,
            )  # fmt: skip

    def shards(self, number: int) -> list[Shard]:
        """Return the shards of an input."""
        rows = self._do(
            'select id, input, number, first, last, frames from shards where input = ? '
            'order by number', number,
        )  # fmt: skip
        return [Shard(*row) for row in rows]

    def next_shard(self) -> Shard | None:
        """Return a shard that is to be done, and note that it runs."""
        row = self._do(
            'select id, input, number, first, last, frames from shards where state = ? '
            'order by tries, id limit 1', PENDING,
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        self._do('update shards set state = ?, tries = tries + 1 where id = ?', RUNNING, row[0])
        return Shard(*row)

    def next_input(self) -> Known | None:
        """Return an input that is to be looked at, and note that this is done."""
        row = self._do(
            'select id from inputs where state = ? order by tries, id limit 1', NEW
        ).fetchone()
        if row is None:
            return None
        self._do('update inputs set state = ?, tries = tries + 1 where id = ?', RUNNING, row[0])
        return self.input(row[0])

    def shard_done(self, shard: Shard, frames: int, seconds: float | None) -> bool:
        """
        Note that a shard is done, and return whether all shards of its input are.

        :param frames: How many there were; those that could not be read included.
        """
        self._do(
            "update shards set state = ?, reason = '', frames = ?, seconds = ? where id = ?",
            DONE, frames, seconds, shard.id,
        )  # fmt: skip
        return not self._number(
            'select count(*) from shards where input = ? and state != ?', shard.input, DONE
        )

    def shard_failed(self, shard: Shard, reason: str, limit: int) -> None:
        """Note why a shard was not done; after so many tries it is given up, and its input too."""
        self._do('begin')
        self._do(
            'update shards set state = case when tries >= ? then ? else ? end, reason = ? '
            'where id = ?', limit, FAILED, PENDING, reason, shard.id,
        )  # fmt: skip
        self._do(
            'update inputs set state = ?, reason = ? where id = ? and exists '
            '(select 1 from shards where id = ? and state = ?)',
            FAILED, reason, shard.input, shard.id, FAILED,
        )  # fmt: skip
        self._do('commit')

    def shard_stopped(self, shard: Shard) -> None:
        """Note that a shard was not done for a reason that lies outside of it."""
        self._do('update shards set state = ?, tries = tries - 1 where id = ?', PENDING, shard.id)

    def input_done(self, number: int) -> None:
        """Note that the results of an input are in their place, and how many frames it had."""
        self._do(
            "update inputs set state = ?, reason = '', frames = coalesce("
            '(select sum(frames) from shards where input = inputs.id), frames) where id = ?',
            DONE, number,
        )  # fmt: skip

    def input_failed(self, number: int, reason: str, limit: int) -> None:
        """Note why an input could not be looked at; after so many tries it is given up."""
        self._do(
            'update inputs set state = case when tries >= ? then ? else ? end, reason = ? '
            'where id = ?', limit, FAILED, NEW, reason, number,
        )  # fmt: skip

    def input_stopped(self, number: int) -> None:
        """Note that an input was not looked at for a reason that lies outside of it."""
        self._do('update inputs set state = ?, tries = tries - 1 where id = ?', NEW, number)

    def forget(self, number: int) -> None:
        """Note that the results of an input are not there any more: it is done again."""
        self._do('update inputs set state = ? where id = ?', PENDING, number)

    def undo(self, shard: Shard) -> None:
        """Note that the part of a shard is not there any more: it is done again."""
        self._do(
            'update shards set state = ?, tries = 0 where id = ? and state = ?',
            PENDING, shard.id, DONE,
        )  # fmt: skip

    def counts(self, table: str = 'inputs') -> dict[str, int]:
        """Return how many inputs or shards are in each state."""
        assert table in {'inputs', 'shards'}
        return dict(self._do(f'select state, count(*) from {table} group by state').fetchall())

    def frames_done(self) -> int:
        """Return the number of frames of the shards that are done."""
        return self._number('select sum(frames) from shards where state = ?', DONE)

    def frames_known(self) -> int:
        """Return the number of frames of all shards, and an estimate of those not yet counted."""
        known, size = self._do(
            'select sum(frames), sum(bytes) from inputs where sha256 is not null'
        ).fetchone()
        waiting = self._number('select sum(bytes) from inputs where sha256 is null')
        shards = self._number('select sum(frames) from shards')
        return shards + round(waiting * (known or 0) / (size or 1))

    def failures(self) -> Iterator[dict[str, Any]]:
        """Return what was given up: path, shard and reason."""
        rows = self._do(
            """
            select coalesce(nullif(i.url, ''), i.path), i.name, s.number, s.first, s.last, s.tries,
            s.reason from shards s join inputs i on i.id = s.input where s.state = ? union all
            select coalesce(nullif(url, ''), path), name, null, null, null, tries, reason
            from inputs where state = ? and sha256 is null order by 2, 3
            """,
            FAILED,
            FAILED,
        )
        keys = ('input', 'name', 'shard', 'first', 'last', 'tries', 'reason')
        for row in rows:
            yield dict(zip(keys, row, strict=True))

    def same(self) -> Iterator[tuple[str, str]]:
        """Return the inputs whose content another one has: both paths."""
        yield from self._do(
            """
            select coalesce(nullif(a.url, ''), a.path), coalesce(nullif(b.url, ''), b.path)
            from inputs a join inputs b on b.id = a.same_as where a.state = ? order by a.id
            """,
            SAME,
        )
