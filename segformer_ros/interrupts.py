# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
SIGINT and SIGTERM, without a traceback and without loss.

Python raises KeyboardInterrupt wherever the program is: inside an import, which may swallow it or
turn it into an ImportError, inside the writing of a record, which leaves half of it, and a second
time while the first one closes the files. Here it comes where the program says it may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
import signal
import sys
import threading
import time
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)

# Of a double Ctrl-C, and of launch next to the terminal, the second signal is not meant.
_REPEATED_S = 1.0
_LONGEST_IMPORT_S = 2.0
_LOOK_PERIOD_S = 0.02
_IMPORTING = '<frozen importlib._bootstrap>'
# Of numba: C calls back into it, and its objects free themselves even when they are half made.
_COMPILER = f'{os.sep}llvmlite{os.sep}'


class Interrupts:
    """
    The handler of both signals; `number` is the first one that came, 0 before.

    At first it ends the process at once: nothing is at stake while a program is imported. From
    begin() on it raises KeyboardInterrupt, but not inside held(), and not inside an import, a
    finalizer or the compiler, which may swallow it and which it waits for; from note() on it only
    remembers, except for what is interruptible().
    """

    def __init__(self, code: int | None) -> None:
        """
        Start to end the process at once.

        :param code: Its exit code then; None is 128 and the number of the signal.
        """
        self.number = 0
        self._code = code
        self._process = os.getpid()
        self._at_once, self._raises = True, False
        self._held = 0
        self._waits = self._owed = False
        self._raised_s = self._waits_since_s = float('-inf')

    def begin(self) -> None:
        """Raise KeyboardInterrupt from now on."""
        self._at_once, self._raises = False, True

    def note(self) -> None:
        """Only remember from now on: the end is somebody else's, or on its way."""
        self._at_once = self._raises = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if os.getpid() != self._process:
            # A child that was forked ends as one that knows nothing of this.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        if number != signal.SIGALRM:
            self.number = self.number or number
        elif not self._waits:
            return
        self.stop_waiting()
        now_s = time.monotonic()
        if self._at_once:
            self._leave()
        elif not self._raises or now_s - self._raised_s < _REPEATED_S:
            return
        elif self._held:
            self._owed = True
        elif _would_be_lost(frame):
            self._wait(now_s, again=number == signal.SIGALRM)
        else:
            self._raise()

    def _raise(self) -> None:
        self._raised_s = time.monotonic()
        raise KeyboardInterrupt

    def _wait(self, now_s: float, *, again: bool) -> None:
        """Come back when what would lose it may have ended."""
        if not again:
            self._waits_since_s = now_s
        elif now_s - self._waits_since_s > _LONGEST_IMPORT_S:
            self._leave()
        self._waits = True
        signal.signal(signal.SIGALRM, self)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_PERIOD_S)

    def stop_waiting(self) -> None:
        """Look no more: SIGALRM would kill a process whose Python has taken its handlers down."""
        if self._waits:
            self._waits = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _leave(self) -> None:
        with suppress(Exception):
            sys.stdout.flush()
        os._exit(128 + self.number if self._code is None else self._code)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal take effect after the block."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            owed, self._owed = self._owed, self._owed and bool(self._held)
        if owed and not self._held:
            self._raise()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise KeyboardInterrupt inside the block, at once if a signal has come."""
        before, self._raises = self._raises, True
        try:
            if self.number and not before:
                self._raise()
            yield
        finally:
            self._raises = before


def _would_be_lost(frame: FrameType | None) -> bool:
    """Return whether an exception that is raised here may not arrive."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name == _IMPORTING or _COMPILER in name or frame.f_code.co_name == '__del__':
            return True
        frame = frame.f_back
    return False


def installed() -> Interrupts | None:
    """Return the handler of this process; None where another one is installed, or in a thread."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handlers = (signal.getsignal(number) for number in NUMBERS)
    return next((item for item in handlers if isinstance(item, Interrupts)), None)


def install(code: int | None) -> Interrupts:
    """
    Install the handler for the rest of the process.

    A signal that is ignored stays so, as a shell has it for what it starts in the background.

    :param code: As of Interrupts.
    """
    handler = Interrupts(code)
    for number in NUMBERS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
    return handler


@contextmanager
def handled(code: int | None) -> Iterator[Interrupts]:
    """
    Yield the handler of the process, or install one for the block, which raises.

    Nothing is installed outside the main thread, where Python knows no signals.
    """
    handler = installed()
    if handler is not None or threading.current_thread() is not threading.main_thread():
        yield handler or Interrupts(code)
        return
    before = {number: signal.getsignal(number) for number in NUMBERS}
    handler = install(code)
    handler.begin()
    try:
        yield handler
    finally:
        handler.stop_waiting()
        for number, former in before.items():
            # None stands for a handler that Python has not installed.
            signal.signal(number, signal.SIG_DFL if former is None else former)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal to this process take effect after the block: it leaves nothing half done."""
    handler = installed()
    if handler is None:
        yield
        return
    with handler.held():
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a signal end the block at once where it would otherwise wait for its end."""
    handler = installed()
    if handler is None:
        yield
        return
    with handler.interruptible():
        yield


def end() -> None:
    """Ignore both signals until the process is gone."""
    handler = installed()
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    if handler is not None:
        handler.stop_waiting()
    # Where KeyboardInterrupt came out of an exec() of text, as of dataclasses, `python -m` ends
    # by SIGINT, whatever its exit code was to be; the next exec() of text makes it forget that.
    exec('')
