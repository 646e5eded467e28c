# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
An engine built in a process of its own, so that nothing waits for it and nothing falls with it.

::

    handle = start_build(request)
    while not handle.done:
        show(handle.progress())
    built = handle.result()

The process ends with the one that started it. It may be started from any thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any

from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.request import BuildRequest
from segformer_ros.engines.sidecar import Sidecar

_PACKAGES = Path(__file__).resolve().parents[2]
_CHILD = 'segformer_ros.engines.builder_child'
_KILL_AFTER_S = 12.0


@dataclass(frozen=True)
class Progress:
    """How far a build is: the fraction from 0 to 1, what is being done, and for how long."""

    fraction: float
    phase: str
    elapsed_s: float


@dataclass(frozen=True)
class FinishedBuild:
    """
    What came of a build.

    :param path: The engine in the cache; get_or_build.find_engine checks it and reads it.
    :param reused: It was in the cache, or another process has built it meanwhile.
    :param notes: Why what was in the cache was refused, a sentence each.
    """

    path: Path
    sidecar: Sidecar
    reused: bool
    notes: tuple[str, ...]
    elapsed_s: float


class BuildHandle:
    """A build that runs; every method may be called from any thread and none but result waits."""

    def __init__(self, request: BuildRequest) -> None:
        self.request = request
        self._start = time.monotonic()
        self._progress = Progress(0.0, 'starting', 0.0)
        self._outcome: FinishedBuild | EngineError | None = None
        self._ended = threading.Event()
        self._cancelled = False
        self._said: deque[str] = deque(maxlen=1)
        self._process = subprocess.Popen(
            [sys.executable, '-m', _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        threading.Thread(target=self._read, daemon=True).start()
        self._write(json.dumps(request.as_json()))

    @property
    def done(self) -> bool:
        """Return whether result gives an answer at once."""
        return self._ended.is_set()

    def progress(self) -> Progress:
        """Return how far it is."""
        now = self._progress
        elapsed = now.elapsed_s if self.done else time.monotonic() - self._start
        return Progress(now.fraction, now.phase, elapsed)

    def result(self, timeout_s: float | None = None) -> FinishedBuild:
        """
        Wait for the engine.

        :raises EngineError: It could not be built, or the process has died.
        :raises BuildCancelledError: It was cancelled.
        :raises TimeoutError: It is not finished; the build continues.
        """
        if not self._ended.wait(timeout_s):
            raise TimeoutError(f'the engine is not finished after {timeout_s:g} s')
        if isinstance(self._outcome, FinishedBuild):
            return self._outcome
        assert self._outcome is not None
        raise self._outcome

    def cancel(self) -> None:
        """End the build; result then raises BuildCancelledError, soon."""
        self._cancelled = True
        if self.done:
            return
        self._write('cancel')
        threading.Thread(target=self._kill_later, daemon=True).start()

    def __enter__(self) -> BuildHandle:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel what still runs, and wait until it has ended."""
        if not self.done:
            self.cancel()
        self._ended.wait()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        # A process that has ended takes nothing more; the reader finds out why.
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f'{line}\n'.encode())
            self._process.stdin.flush()

    def _kill_later(self) -> None:
        if not self._ended.wait(_KILL_AFTER_S):
            self._process.kill()

    def _read(self) -> None:
        """Follow the process to its end."""
        assert self._process.stdout is not None
        outcome: FinishedBuild | EngineError | None = None
        with self._process.stdout as lines:
            for line in lines:
                content = json.loads(line)
                if 'fraction' in content:
                    elapsed = time.monotonic() - self._start
                    self._progress = Progress(content['fraction'], content['phase'], elapsed)
                else:
                    outcome = self._outcome_of(content)
        code = self._process.wait()
        self._listener.join()
        self._finish(outcome or self._death(code))

    def _listen(self) -> None:
        """Keep the last line of what the process says next to its messages."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                if text := line.decode('utf-8', 'replace').strip():
                    self._said.append(text)

    def _finish(self, outcome: FinishedBuild | EngineError) -> None:
        finished = isinstance(outcome, FinishedBuild)
        last = self._progress
        fraction, phase = (1.0, 'finished') if finished else (last.fraction, 'failed')
        self._progress = Progress(fraction, phase, time.monotonic() - self._start)
        self._outcome = outcome
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._ended.set()

    def _outcome_of(self, content: Mapping[str, Any]) -> FinishedBuild | EngineError:
        if 'cancelled' in content:
            return BuildCancelledError(content['cancelled'])
        if 'error' in content:
            return EngineError(content['error'])
        sidecar = content['sidecar']
        return FinishedBuild(
            Path(content['engine']),
            Sidecar(sidecar['name'], sidecar['facts'], sidecar['engine'], sidecar['build']),
            content['reused'],
            tuple(content['notes']),
            time.monotonic() - self._start,
        )

    def _death(self, code: int) -> EngineError:
        """Return an error that says how a process ended without reporting it."""
        what = self.request.name or str(self.request.graph)
        if self._cancelled:
            return BuildCancelledError(f'the build of {what} was cancelled')
        said = f': {self._said[0]}' if self._said else ''
        if code == -signal.SIGKILL:
            said = ': it was killed, most likely because the memory was used up'
        fate = f'exit code {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'
        return EngineError(f'the process that builds {what} has ended with {fate}{said}')


def start_build(request: BuildRequest) -> BuildHandle:
    """
    Start to build an engine, or to take it from the cache, in another process.

    :raises OSError: The process cannot be started.
    """
    return BuildHandle(request)


def _environment() -> dict[str, str]:
    """Let the child find this very package."""
    paths = [str(_PACKAGES), *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}
