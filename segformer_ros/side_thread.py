# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a program does next to its main work: reading ahead of it, and finishing behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Any, TypeVar

from segformer_ros import interrupts

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')
_LOOK_S = 0.1


class _End:
    """Behind the last item: the error that has ended them, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[_Item], count: int) -> Generator[_Item, None, None]:
    """
    Yield items in their order, made by a thread of their own before they are asked for.

    :param items: Used by that thread alone, which has ended when the generator is closed.
    :param count: How many wait at most.
    """
    made: Queue[_Item | _End] = Queue(count)
    closed = Event()

    def put(item: _Item | _End) -> None:
        while not closed.is_set():
            with suppress(Full):
                made.put(item, timeout=_LOOK_S)
                return

    def make() -> None:
        error = None
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
        except BaseException as fault:  # noqa: BLE001
            error = fault
        put(_End(error))

    thread = Thread(target=make, name='ahead', daemon=True)
    thread.start()
    try:
        while True:
            item = made.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        with interrupts.held():
            closed.set()
            thread.join()


def in_order(
    items: Iterable[_Item], work: Callable[[_Item], _Result], count: int
) -> Generator[tuple[_Item, _Result], None, None]:
    """
    Yield items in their order, each with what the work makes of it, several of them at once.

    :param items: Used by the calling thread, by a few more than were asked for. What ends them is
        raised behind the results of those before it.
    :param work: What it raises is raised in the place of its result, and ends the rest.
    :param count: How many threads work; 1: the calling one, on what is asked for.
    """
    if count < 2:
        for item in items:
            yield item, work(item)
        return
    waiting: deque[tuple[_Item, Future[_Result]]] = deque()
    pool = ThreadPoolExecutor(count, 'in_order')
    source = iter(items)
    error: Exception | None = None
    try:
        while True:
            # One more than can work, so that none of them waits for the one that takes.
            while len(waiting) <= count and error is None:
                try:
                    item = next(source)
                except StopIteration as end:
                    error = end
                except Exception as fault:  # noqa: BLE001
                    error = fault
                else:
                    waiting.append((item, pool.submit(work, item)))
            if not waiting:
                break
            item, result = waiting.popleft()
            yield item, result.result()
        if not isinstance(error, StopIteration) and error is not None:
            raise error
    finally:
        with interrupts.held():
            pool.shutdown(cancel_futures=True)


class Together:
    """Threads that do the same to several items at once, and wait for more of them."""

    def __init__(self, count: int) -> None:
        """:param count: How many there are; they start when they are first needed."""
        self._count = count
        self._pool: ThreadPoolExecutor | None = None

    def all(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """
        Return what the work makes of each item, in their order.

        An item alone, or all where there is one thread, is done by the calling thread.

        :raises Exception: What the work raises of the first item that fails, when no item is being
            worked on any more.
        """
        if min(self._count, len(items)) < 2:
            return [work(item) for item in items]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, 'together')
        futures = [self._pool.submit(work, item) for item in items]
        wait(futures)
        return [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


class Behind:
    """
    A thread that runs what it is given in this order, to be used in a with statement.

    At the end of the block all of it has been done, also where the block ends with an error. What
    raises is raised again by the next call, or by the end of the block; what comes after it is
    not done.
    """

    def __init__(self, count: int) -> None:
        """:param count: How many wait at most; a call then waits too."""
        self._waiting: Queue[tuple[Callable[..., object], tuple[Any, ...]] | None] = Queue(count)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name='behind', daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with interrupts.held():
            self._waiting.put(None)
            self._thread.join()
        if kind is None:
            self._raise()

    def do(self, work: Callable[..., object], *arguments: Any) -> None:
        """
        Run something after all that was given before.

        :raises BaseException: What a former one has raised.
        """
        self._raise()
        self._waiting.put((work, arguments))

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _work(self) -> None:
        failed = False
        while (item := self._waiting.get()) is not None:
            if failed:
                continue
            work, arguments = item
            try:
                work(*arguments)
            except BaseException as fault:  # noqa: BLE001
                self._error, failed = fault, True
