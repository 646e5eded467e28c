# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a build is: the nested phases of the builder as one fraction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import threading
from types import ModuleType
from typing import Any

Report = Callable[[float, str], None]
"""Takes the fraction that is done, from 0 to 1, and what is being done."""


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class PhaseTree:
    """
    Phases inside steps of phases, as IProgressMonitor tells them; any thread may tell.

    The fraction never falls, although TensorRT runs several phases within one step.
    """

    def __init__(self) -> None:
        self._phases: dict[str, _Phase] = {}
        self._fraction = 0.0
        self._text = ''
        self._lock = threading.Lock()

    def start(self, name: str, parent: str | None, steps: int) -> tuple[float, str]:
        """Begin a phase; gives the fraction and the name of the innermost one, as all do."""
        with self._lock:
            self._phases[name] = _Phase(parent, max(1, steps))
            return self._state()

    def step(self, name: str, step: int) -> tuple[float, str]:
        """Take note that a step is complete."""
        with self._lock:
            if name in self._phases:
                self._phases[name].done = step + 1
            return self._state()

    def finish(self, name: str) -> tuple[float, str]:
        """End a phase."""
        with self._lock:
            phase = self._phases.pop(name, None)
            if phase is not None and phase.parent is None:
                self._fraction = 1.0
            return self._state()

    def _state(self) -> tuple[float, str]:
        roots = [name for name, phase in self._phases.items() if phase.parent is None]
        if roots:
            self._fraction = max(self._fraction, self._done(roots[0]))
        if self._phases:
            self._text = next(reversed(self._phases))
        return self._fraction, self._text

    def _done(self, name: str) -> float:
        """Return the part of a phase that is done; the newest phase inside counts for its step."""
        phase = self._phases[name]
        inner = [key for key, item in self._phases.items() if item.parent == name]
        part = self._done(inner[-1]) if inner and phase.done < phase.steps else 0.0
        return min(1.0, (phase.done + part) / phase.steps)


def make_monitor(module: ModuleType, report: Report, cancelled: Callable[[], bool]) -> Any:
    """
    Make the object that TensorRT tells its progress to.

    :param report: Called with the state after every step.
    :param cancelled: Asked after every step; True ends the build.
    :returns: An IProgressMonitor of the module. The builder calls it from threads of its own, and
        an exception there would pass through foreign code: none leaves it.
    """
    trt: Any = module

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Passes on what the builder tells."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.tree = PhaseTree()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """Begin a phase."""
            report(*self.tree.start(phase_name, parent_phase, num_steps))

        def phase_finish(self, phase_name: str) -> None:
            """End a phase."""
            report(*self.tree.finish(phase_name))

        def step_complete(self, phase_name: str, step: int) -> bool:
            """Return whether the build continues."""
            report(*self.tree.step(phase_name, step))
            return not cancelled()

    return Monitor()
