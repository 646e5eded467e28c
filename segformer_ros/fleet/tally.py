# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What each worker has done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Row:
    """
    One worker.

    :param worker: Its machine and process.
    :param shards: Number that it has done; likewise failed.
    :param frames: Of its shards; those that could not be read included.
    :param seconds: That it took for them, reading and writing included.
    """

    worker: str
    shards: int = 0
    failed: int = 0
    frames: int = 0
    seconds: float = 0.0


class Tally:
    """A row for each worker, in the order in which they came."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self.died = 0
        """Number of workers that died in a task."""

    def count(self, worker: str, frames: int, seconds: float, *, failed: bool) -> None:
        """Count a shard that a worker has done, or could not do."""
        row = self._rows.get(worker, Row(worker))
        if failed:
            row = replace(row, failed=row.failed + 1)
        else:
            row = replace(
                row,
                shards=row.shards + 1,
                frames=row.frames + frames,
                seconds=round(row.seconds + seconds, 3),
            )
        self._rows[worker] = row

    def table(self) -> list[dict[str, Any]]:
        """Return the rows as JSON values, with frames per second."""
        return [
            asdict(row) | {'rate_hz': round(row.frames / row.seconds, 2) if row.seconds else None}
            for row in self._rows.values()
        ]
