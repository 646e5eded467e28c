# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One thread that computes the newest item of every source, and never an old one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
import threading
from typing import Generic, TypeVar

Source = TypeVar('Source', bound=Hashable)
Item = TypeVar('Item')

_PATIENCE_S = 0.002


class Worker(Generic[Source, Item]):
    """
    A box of one for each source, and a thread that empties all boxes at once.

    An item that is put into an occupied box takes the place of the older one, so that a slow
    computation costs frames, but never delay. No source can keep another one from its turn.
    """

    def __init__(
        self,
        compute: Callable[[dict[Source, Item]], None],
        on_error: Callable[[list[Source], Exception], None],
        steady: Callable[[], float],
    ) -> None:
        """
        Prepare the thread; start() starts it.

        :param compute: Called in the thread with the newest item of every source that has one.
        :param on_error: Called in the thread with what compute() raised; the thread continues.
        :param steady: A clock in seconds that never jumps.
        """
        self._compute = compute
        self._on_error = on_error
        self._steady = steady
        self._waiting: dict[Source, Item] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name='segformer-worker', daemon=True)

    def start(self) -> None:
        """Start the thread; once only."""
        self._thread.start()

    def put(self, source: Source, item: Item) -> bool:
        """
        Leave an item for the thread.

        :returns: Whether an older item of the same source gave way to it.
        """
        with self._changed:
            replaced = source in self._waiting
            self._waiting[source] = item
            self._changed.notify()
        return replaced

    def let_begin(self) -> None:
        """
        Wait until the thread has taken what waits, where it is free to.

        Python runs one thread at a time: without this, the thread would begin only when the
        caller next waits for something, which in an executor is 0.5 ms later.
        """
        if self._busy_since is None:
            with self._changed:
                self._changed.wait_for(lambda: not self._waiting, _PATIENCE_S)

    def forget(self) -> list[Source]:
        """Empty all boxes, and return whose items are never computed."""
        with self._changed:
            forgotten = list(self._waiting)
            self._waiting.clear()
        return forgotten

    def stop(self, timeout_s: float) -> bool:
        """
        Finish the present computation, forget what waits, and end the thread.

        :returns: Whether the thread has ended within the time.
        """
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def busy_s(self) -> float:
        """Return how long the present computation has been running; 0 when there is none."""
        since = self._busy_since
        return 0.0 if since is None else self._steady() - since

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                if self._stopping:
                    return
                items, self._waiting = self._waiting, {}
                self._busy_since = self._steady()
                self._changed.notify()
            try:
                self._compute(items)
            except Exception as error:  # noqa: BLE001 whatever it is, the next frame needs a thread
                self._on_error(list(items), error)
            self._busy_since = None
