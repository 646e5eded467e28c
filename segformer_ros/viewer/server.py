# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The page of the viewer and what feeds it, on an address that we choose.

The server inside the SDK listens on every interface, and has no argument against it. The program
of the same package has one (--bind), so that one is started.
"""

from __future__ import annotations

from contextlib import closing, suppress
import importlib.util
from ipaddress import ip_address
import os
from pathlib import Path
import socket
import subprocess
import time
from types import TracebackType
from urllib.parse import quote

from segformer_ros import interrupts
from segformer_ros.reserved import reserve
from segformer_ros.viewer.sdk import load, ViewerError

LOOPBACK = '127.0.0.1'
PAGE_PORT, DATA_PORT = 9090, 9876
# It is a program of 200 MB: on a busy computer it starts slowly.
_PATIENCE_S = 240.0
_LOOK_S = 0.05
_ANY = (0, 0, 0)


class Server:
    """The program that serves the viewer, to be used in a with statement that ends it."""

    def __init__(
        self,
        address: str = LOOPBACK,
        port: int = PAGE_PORT,
        memory_mb: int = 1024,
        file: Path | None = None,
    ) -> None:
        """
        Choose where; the with statement starts it.

        :param address: IP address of the interface to listen on.
        :param port: Of the page; another one is taken where it is in use, always for 0.
        :param memory_mb: Of what was logged that much is kept for browsers that come later.
        :param file: A recording that is shown.
        :raises ViewerError: The viewer is not installed, or the address is not of this computer.
        """
        load()
        self.address = address
        self._memory_mb = memory_mb
        self._files = [] if file is None else [str(file.resolve())]
        # Until the program listens there, nobody else sees that they are taken.
        self._reserved: list[int] = []
        self._page_port = _free_port(address, port, self._reserved)
        self._data_port = _free_port(address, DATA_PORT, self._reserved)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def page(self) -> str:
        """The address to open in a browser."""
        data = f'rerun+http://{_host(self.address)}:{self._data_port}/proxy'
        return f'http://{_host(self.address)}:{self._page_port}/?url={quote(data, safe="")}'

    @property
    def feed(self) -> str:
        """The address that a recording is sent to."""
        return f'rerun+http://{_host(self.address)}:{self._data_port}/proxy'

    def __enter__(self) -> Server:
        # The program itself: its wrapper in Python leaves it running when it is ended.
        command = [
            str(_program()),
            *('--bind', self.address, '--serve-web', '--port', str(self._data_port)),
            *('--web-viewer-port', str(self._page_port)),
            *('--server-memory-limit', f'{self._memory_mb}MB'),
            *self._files,
        ]
        try:
            # A signal before it is known here would leave it running for ever.
            with interrupts.held():
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # Ctrl-C reaches us alone, and we end it when everything was sent.
                    start_new_session=True,
                )
            self._wait()
        except BaseException:
            self._end()
            raise
        finally:
            self._release()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def check(self) -> None:
        """
        See that it still runs.

        :raises ViewerError: It has ended.
        """
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise ViewerError(f'the server of the viewer has ended with exit code {code}')

    def _release(self) -> None:
        while self._reserved:
            os.close(self._reserved.pop())

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        waiting = [self._data_port, self._page_port]
        while waiting:
            self.check()
            if _answers(self.address, waiting[-1]):
                waiting.pop()
            elif time.monotonic() > deadline:
                raise ViewerError(
                    f'the server of the viewer does not answer on {self.address}:{waiting[-1]}'
                )
            else:
                time.sleep(_LOOK_S)

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        with interrupts.held():
            process.terminate()
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _program() -> Path:
    """
    Find the program in the package.

    :raises ViewerError: It is not there.
    """
    found = importlib.util.find_spec('rerun_cli')
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder) / 'rerun'
        if path.is_file():
            return path
    raise ViewerError('expected the program rerun in the package rerun-sdk, found none')


def _free_port(address: str, port: int, reserved: list[int]) -> int:
    """
    Return a port that can be listened on: this one, or any.

    :param reserved: Gets the handle that keeps others from taking it too.
    :raises ViewerError: The address is not one of this computer.
    """
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError) as error:
        raise ViewerError(
            f'expected an IP address of this computer, such as {LOOPBACK}, found {address!r}: '
            f'{error}'
        ) from error
    if not 0 <= port < 1 << 16:
        raise ViewerError(f'expected a port from 0 to 65535, found {port}')
    for choice in (port, *_ANY):
        with suppress(OSError), closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, choice))
            found: int = probe.getsockname()[1]
            handle = reserve(f'port {found}')
            if handle is not None:
                reserved.append(handle)
                return found
    raise ViewerError(f'every TCP port of {address} is in use')


def _host(address: str) -> str:
    """Write an address as a URL does; one for every interface is reached by this computer."""
    if address == '0.0.0.0':
        return LOOPBACK
    return f'[{address}]' if ':' in address else address


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((_host(address).strip('[]'), port), timeout=1.0):
            return True
    except OSError:
        return False
