# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Engines that are missing, built next to the work of the backend that stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import threading
from typing import Any, Generic, Protocol, TypeVar

from segformer_ros.bundle import BundleError
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.request import BuildRequest
from segformer_ros.inference.backend import BackendError, EngineMissingError

Opened = TypeVar('Opened')

_POLL_S = 0.2


class Progress(Protocol):
    """How far a build is, as engines.builder_process.Progress."""

    @property
    def fraction(self) -> float:
        """Return the part that is done, 0 to 1."""

    @property
    def phase(self) -> str:
        """Describe what is being done."""

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the start."""


class Build(Protocol):
    """A build that runs in another process, as engines.builder_process.BuildHandle."""

    def progress(self) -> Progress:
        """Return how far it is."""

    def result(self, timeout_s: float | None = None) -> Any:
        """
        Wait for the engine.

        :raises EngineError: It could not be built.
        :raises TimeoutError: It is not finished; the build continues.
        """

    def cancel(self) -> None:
        """End the build."""


class EngineBuilder(Generic[Opened]):
    """
    A thread that builds what some backends lack, the best first, until one of them is open.

    It waits for processes and opens the network; neither holds up the frames.
    """

    def __init__(
        self,
        missing: Sequence[tuple[str, Sequence[BuildRequest]]],
        open_step: Callable[[str], Opened],
        start_build: Callable[[BuildRequest], Build],
    ) -> None:
        """
        Start the thread.

        :param missing: Steps of an order and the engines that each lacks.
        :param open_step: Loads and checks a step, called in the thread.
        :param start_build: Starts a build and does not wait.
        """
        self._missing, self._open, self._start = tuple(missing), open_step, start_build
        self._build: Build | None = None
        self._step, self._count = self._missing[0][0], ''
        self._opened: tuple[str, Opened] | None = None
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.refused: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._run, name='segformer-builder', daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Return whether something may still come of it."""
        return self._thread.is_alive()

    def text(self) -> str:
        """Return how far it is, in words; empty when it is done."""
        if not self.running:
            return ''
        build = self._build
        if build is None:
            return f'{self._step}: loading the engine'
        now = build.progress()
        done = f'{now.fraction:.0%} after {now.elapsed_s:.0f} s'
        return f'{self._step}: building engine {self._count}, {done}: {now.phase}'

    def take(self) -> tuple[str, Opened] | None:
        """Return the step that was opened and what it is, once."""
        with self._lock:
            opened, self._opened = self._opened, None
        return opened

    def stop(self) -> tuple[str, Opened] | None:
        """End builds and thread, and give what was opened and never taken."""
        self._stop.set()
        build = self._build
        if build is not None:
            build.cancel()
        self._thread.join()
        return self.take()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False where the time did not suffice."""
        self._thread.join(timeout_s)
        return not self.running

    def _run(self) -> None:
        for step, requests in self._missing:
            self._step = step
            try:
                self._make(requests)
                if self._stop.is_set():
                    return
                opened = self._open(step)
            except EngineMissingError as error:
                self.refused.append((step, f'was built and is not found: {error}'))
            except (BackendError, BundleError, EngineError, OSError) as error:
                self.refused.append((step, str(error)))
            else:
                with self._lock:
                    self._opened = (step, opened)
                return

    def _make(self, requests: Sequence[BuildRequest]) -> None:
        for number, request in enumerate(requests):
            if self._stop.is_set():
                return
            self._count = f'{number + 1} of {len(requests)}'
            self._build = self._start(request)
            try:
                self._wait_for(self._build)
            finally:
                self._build = None

    def _wait_for(self, build: Build) -> None:
        while True:
            try:
                build.result(_POLL_S)
            except TimeoutError:
                if self._stop.is_set():
                    build.cancel()
            else:
                return
