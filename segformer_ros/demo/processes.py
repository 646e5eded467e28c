# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that are started together, watched together and ended together."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
import queue
import signal
import subprocess
import sys
import threading
import time

from segformer_ros import interrupts

_LAST_LINES = 2
# What a process has said arrives after its end, on a busy machine by seconds; a child that it has
# left may hold the pipe for ever.
_LAST_WORDS_S = 10.0
# Signals, each with its share of the patience. The second disturbs no end, because a node takes
# the first alone: it is for a program whose start has swallowed that.
_IN_ORDER = ((signal.SIGINT, 0.2), (signal.SIGTERM, 0.8))
_BY_FORCE = ((signal.SIGINT, 0.2), (signal.SIGTERM, 0.6), (signal.SIGKILL, 0.2))


class ProcessError(RuntimeError):
    """A process has ended that should still run, or has ended badly."""


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let a signal that would end this program take effect after the block."""
    with interrupts.handled(None), interrupts.held():
        yield


class Process:
    """One program; what it says goes into its log and, line by line, into the common queue."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        lines: queue.SimpleQueue[tuple[str, str]],
    ) -> None:
        self.name = name
        self.log = log
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._lines = lines
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            text=True,
            errors='replace',
            # Ctrl-C reaches us alone, and we end the processes in the right order.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def fate(self) -> str:
        """Describe in one line how the process ended and what it said last."""
        self._reader.join(_LAST_WORDS_S)
        said = ' | '.join(self._last) or 'it said nothing'
        return f'{self.name} ended with exit code {self.returncode}: {said} (log: {self.log})'

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if the process still runs."""
        if self.returncode is None:
            self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False when it takes longer."""
        try:
            self._process.wait(max(0.0, timeout_s))
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(_LAST_WORDS_S)
        return True

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self.log.open('w') as log, self._process.stdout as output:
            for line in output:
                log.write(line)
                log.flush()
                text = line.rstrip()
                if text:
                    self._last.append(text)
                    self._lines.put((self.name, text))


class Processes:
    """All processes of the demonstration, to be used in a with statement that ends them all."""

    def __init__(
        self, logs: Path, environment: Mapping[str, str], *, patience_s: float = 60.0
    ) -> None:
        """
        Start with no process.

        :param logs: An existing folder for one log per process.
        :param environment: Of all processes.
        :param patience_s: Longest wait for the end of the processes, by force where it must be.
        """
        self.logs = logs
        self._patience_s = patience_s
        self._environment = environment
        self._running: dict[str, Process] = {}
        self._lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        # A second Ctrl-C would leave running what does not end at once.
        with _signals_wait():
            self.end_all()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program under a name of its own."""
        # A signal between its start and this entry would leave it running for ever.
        with _signals_wait():
            self._running[name] = Process(
                name,
                command,
                log=self.logs / f'{name}.log',
                environment=self._environment,
                lines=self._lines,
            )

    def start_node(self, module: str, arguments: Sequence[str] = ()) -> None:
        """Start a node of this package by its name."""
        command = (sys.executable, '-m', 'segformer_ros.programs', module, *arguments)
        self.start(module, command)

    def next_line(self, timeout_s: float) -> tuple[str, str] | None:
        """Return the next line that any process said, with its name; None when all are silent."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def ended(self, name: str) -> bool:
        """
        Return whether a process has ended in order.

        :raises ProcessError: It has ended otherwise.
        """
        code = self._running[name].returncode
        if code:
            raise ProcessError(self._running[name].fate())
        return code == 0

    def check(self, may_end: Collection[str] = ()) -> None:
        """
        See that everything is as it should be.

        :param may_end: Processes that may have ended in order.
        :raises ProcessError: Another one has ended, or one has failed.
        """
        for name, process in self._running.items():
            if self.ended(name) and name not in may_end:
                raise ProcessError(process.fate())

    def end(self, name: str) -> None:
        """
        End one process in order and wait until it has.

        :raises ProcessError: It does not end, or it fails while ending.
        """
        process = self._running[name]
        if not self._end([process], _IN_ORDER):
            raise ProcessError(f'{name} does not end (log: {process.log})')
        if process.returncode:
            raise ProcessError(process.fate())

    def end_all(self) -> None:
        """End what still runs, in order where it can, by force where it must."""
        self._end(list(self._running.values()), _BY_FORCE)

    def _end(
        self, processes: Sequence[Process], shares: Sequence[tuple[signal.Signals, float]]
    ) -> bool:
        """Send each signal to those that still run, and wait for its share; False: some run on."""
        for number, share in shares:
            for process in processes:
                process.signal(number)
            deadline = time.monotonic() + share * self._patience_s
            if all(item.wait(deadline - time.monotonic()) for item in processes):
                return True
        return False
