# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One candidate in one process: it loads, waits for its turns, runs, and reports."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
import signal
from time import perf_counter
from typing import Any

import numpy as np

from comparison import machine
from comparison.case import Case
from comparison.stopwatch import elapsed, now

PEAK = 'matmul peak'

_START_S = 300.0
_ANSWER_S = 600.0


class ChildError(RuntimeError):
    """A candidate could not be loaded or has failed; the message says why."""


class Child:
    """The parent's end of a candidate."""

    def __init__(self, name: str, case: Case) -> None:
        """
        Start the process and wait until it is ready.

        :raises ChildError: The candidate cannot be loaded here.
        """
        context = get_context('spawn')
        self._connection, other = context.Pipe()
        self._process = context.Process(target=serve, args=(other, name, case), daemon=True)
        self._name = name
        self._process.start()
        other.close()
        try:
            self.facts = self._answer(_START_S)
        except ChildError:
            self.close()
            raise

    @property
    def process_id(self) -> int | None:
        """Return the number of its process."""
        return self._process.pid

    def ask(self, command: str, **options: Any) -> Any:
        """
        Have something done.

        :raises ChildError: It failed, or gave no answer in time.
        """
        try:
            self._connection.send((command, options))
        except OSError as error:
            raise self._has_died() from error
        return self._answer(_ANSWER_S)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(10.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _answer(self, seconds: float) -> Any:
        try:
            if not self._connection.poll(seconds):
                raise ChildError(f'{self._name} gave no answer within {seconds:g} s')
            good, value = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._has_died() from error
        if not good:
            raise ChildError(value)
        return value

    def _has_died(self) -> ChildError:
        self._process.join(10.0)
        return ChildError(f'{self._name} has died, exit code {self._process.exitcode}')


def serve(connection: Connection, name: str, case: Case) -> None:
    """Load a candidate and answer until the parent hangs up."""
    # Ctrl-C is for the parent, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server: Any = _peak() if name == PEAK else _Server(name, case)
        connection.send((True, server.facts))
        while True:
            command, options = connection.recv()
            connection.send((True, getattr(server, command)(**options)))
    except EOFError:
        pass
    except Exception as error:  # noqa: BLE001 whatever it is, the parent reports it
        words = ' '.join(str(error).split())
        connection.send((False, f'{name}: {type(error).__name__}: {words}'))


def _peak() -> Any:
    from comparison.peak import MatmulPeak

    return MatmulPeak()


class _Server:
    """Every public method is a command."""

    def __init__(self, name: str, case: Case) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._case = case
        self._camera, self._image = case.camera_image(), case.network_image()
        _import(name)
        baseline = machine.resident_mb()
        start = perf_counter()
        from comparison.candidates import ENTRIES

        self._candidate = ENTRIES[name].load(case)
        self.facts = {'load_s': perf_counter() - start, 'imports_mb': baseline}
        self._baseline = baseline

    def network(self, path: Path) -> dict[str, float]:
        """
        Run the network twice, write its outputs, and tell its peak memory.

        ONNX Runtime plans its memory in the first run and takes it in the second.
        """
        self._candidate.network(self._image)
        outputs = self._candidate.network(self._image)
        np.savez(path, **outputs)  # type: ignore[arg-type]
        return {'network_mb': machine.peak_mb() - self._baseline}

    def images(self, path: Path) -> dict[str, float]:
        """Run the whole way once, write its images, and tell the time and the peak memory."""
        start = now()
        result = self._candidate.images(self._camera)
        seconds = elapsed(start).clock_s
        np.savez(path, labels=result.labels, depth=result.depth)
        return {'whole_s': seconds, 'whole_mb': machine.peak_mb() - self._baseline}

    def turn(self, calls: int) -> list[tuple[float, ...]]:
        """
        Run the whole way some times.

        :returns: For each, in seconds: the whole and its network by the clock, then by the time of
            the CPU.
        """
        times: list[tuple[float, ...]] = []
        for _ in range(calls):
            start = now()
            result = self._candidate.images(self._camera)
            whole, network = elapsed(start), result.network
            times.append((whole.clock_s, network.clock_s, whole.processor_s, network.processor_s))
        return times


def _import(name: str) -> None:
    """Import what a candidate imports, so that its memory starts behind that."""
    import comparison.candidates  # noqa: F401

    if 'openvino' in name:
        # Through the backend, which keeps it from reporting to its makers.
        import segformer_ros.inference.openvino_backend  # noqa: F401
    elif 'hf_eager' not in name:
        import onnxruntime  # noqa: F401
    if name.startswith(('hf_', 'plain_')):
        import torch  # noqa: F401
        import transformers.models.segformer.image_processing_pil_segformer  # noqa: F401
    if name.startswith('hf_'):
        import comparison.hugging_face  # noqa: F401
