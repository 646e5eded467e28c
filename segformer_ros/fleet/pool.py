# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Worker processes of this machine, by Python's own means; one that dies costs its task alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
import multiprocessing
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
import os
import signal
from threading import Thread
from typing import Any, Protocol

from segformer_ros.fleet.settings import Settings
from segformer_ros.fleet.work import Answer, Task, Worker

_STOP_S = 5.0


class PoolError(RuntimeError):
    """There are no workers."""


@dataclass(frozen=True)
class Outcome:
    """
    What became of a task.

    :param key: As it was handed in.
    :param answer: None: its worker died.
    :param reason: How it died.
    """

    key: int
    answer: Answer | None
    reason: str = ''


class Runner(Protocol):
    """Processes that do tasks, wherever they are."""

    def free(self) -> int:
        """Return how many tasks it takes now."""

    def pending(self) -> bool:
        """Return whether there will be workers that are not there yet."""

    def submit(self, key: int, task: Task) -> None:
        """Let a free worker do a task."""

    def wait(self, timeout_s: float) -> Sequence[Outcome]:
        """Return what has ended, after the time at the latest."""

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""


class _Process:
    """One worker and the task that it has."""

    def __init__(self, settings: Settings, threads: int) -> None:
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_serve, args=(theirs, settings, threads), name='label worker', daemon=True
        )
        self.process.start()
        theirs.close()
        self.key: int | None = None

    def outcome(self) -> Outcome | None:
        """Take the answer of the worker, or say how it died; None: neither."""
        if self.key is None:
            return None
        try:
            if not self.connection.poll():
                return None
            return Outcome(self.key, self.connection.recv())
        except (EOFError, OSError):
            self.process.join(_STOP_S)
            return Outcome(self.key, None, _death(self.process.exitcode))


class LocalPool:
    """
    Worker processes on this machine, restarted when they die.

    :param count: How many.
    :param threads: Threads of each.
    """

    def __init__(self, settings: Settings, count: int, threads: int) -> None:
        self._start = settings, threads
        self._workers = [_Process(*self._start) for _ in range(count)]

    def free(self) -> int:
        """Return the number of workers without a task."""
        return sum(worker.key is None for worker in self._workers)

    def pending(self) -> bool:
        """Return whether there will be workers that are not there yet: they are, at once."""
        return False

    def submit(self, key: int, task: Task) -> None:
        """Let a free worker do a task; one that has died meanwhile is replaced."""
        index = next(i for i, worker in enumerate(self._workers) if worker.key is None)
        if not self._workers[index].process.is_alive():
            self._workers[index] = _Process(*self._start)
        worker = self._workers[index]
        worker.key = key
        # Where it died since, its end is found by wait.
        with suppress(OSError):
            worker.connection.send(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        """Return what has ended, after the time at the latest."""
        wait([worker.connection for worker in self._workers if worker.key is not None], timeout_s)
        found = []
        for index, worker in enumerate(self._workers):
            outcome = worker.outcome()
            if outcome is None:
                continue
            found.append(outcome)
            worker.key = None
            if outcome.answer is None:
                worker.connection.close()
                self._workers[index] = _Process(*self._start)
        return found

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        memory = ': out of memory?' if name == 'SIGKILL' else ''
        return f'its worker was ended by {name}{memory}'
    return f'its worker ended with status {code}'


def _serve(connection: Connection[Any, Any], settings: Settings, threads: int) -> None:
    """Do tasks until the driver ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_driver, daemon=True).start()
    worker = Worker(settings, threads)
    while True:
        try:
            task = connection.recv()
            connection.send(worker.do(task))
        except (EOFError, OSError):
            return


def _end_with_driver() -> None:
    """End this process when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
