# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hold a simulated world back until the results for its last frame have come."""

from __future__ import annotations

from collections.abc import Iterable


class LockStep:
    """
    The rule when the next frame may be published.

    `timeouts` counts the frames that were given up.
    """

    def __init__(self, wait_for: Iterable[str], *, timeout_s: float) -> None:
        """
        Start without a frame on its way.

        :param wait_for: Names of the results that every frame must have.
        :param timeout_s: Longest wait for them.
        """
        self.timeouts = 0
        self._names = frozenset(wait_for)
        self._timeout_s = timeout_s
        self._missing: set[str] = set()
        self._stamp_ns = -1
        self._deadline_s = 0.0

    def sent(self, stamp_ns: int, now_s: float) -> None:
        """Note that the frame of this stamp was published."""
        self._stamp_ns = stamp_ns
        self._missing = set(self._names)
        self._deadline_s = now_s + self._timeout_s

    def received(self, name: str, stamp_ns: int) -> None:
        """Note that a result has come; one for an older frame is ignored."""
        if stamp_ns == self._stamp_ns:
            self._missing.discard(name)

    def missing(self) -> tuple[str, ...]:
        """Name the results that the last frame still waits for."""
        return tuple(sorted(self._missing))

    def ready(self, now_s: float) -> bool:
        """Return whether the next frame may go; a wait that took too long is given up here."""
        if self._missing and now_s >= self._deadline_s:
            self.timeouts += 1
            self._missing.clear()
        return not self._missing
