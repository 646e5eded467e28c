# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shards brought from elsewhere into a folder, and the oldest of them deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import hashlib
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile
from typing import cast, IO
import urllib.request

from segformer_ros.datasets.sample import DatasetError

_SCHEME = re.compile(r'[a-z][a-z0-9+.-]+:')
_TIMEOUT_S = 60.0


def is_url(text: str) -> bool:
    """Return whether this is something else than a path."""
    return _SCHEME.match(text) is not None


def join(base: str, url: str) -> str:
    """Return a URL or path that may be relative to that of a folder."""
    if is_url(url) or not is_url(base):
        return url if is_url(url) else str(Path(base) / url)
    return f'{base.rstrip("/")}/{url}'


class _Command:
    """What a command writes, as a file; when it is closed, a command that failed is an error."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE)

    def read(self, size: int = -1) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.read(size)

    def __enter__(self) -> _Command:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        assert self._process.stdout is not None
        self._process.stdout.close()
        status = self._process.wait()
        if status and kind is None:
            raise DatasetError(f'expected {self._command!r} to write a file, it failed: {status}')


def open_url(url: str, *, pipes: bool = False) -> IO[bytes]:
    """
    Open a URL: http and https here, the stores of the clouds by fsspec.

    :param pipes: Whether pipe:COMMAND may run its command.
    :raises DatasetError: It cannot be opened, or is a command that may not run.
    """
    scheme = url.partition(':')[0]
    if scheme == 'pipe' and not pipes:
        raise DatasetError(
            f'{url!r} would run a command: set pipes=true if you trust who wrote the index'
        )
    if scheme == 'pipe':
        return cast('IO[bytes]', _Command(url.partition(':')[2]))
    try:
        if scheme in {'http', 'https'}:
            return cast('IO[bytes]', urllib.request.urlopen(url, timeout=_TIMEOUT_S))
        import fsspec

        return cast('IO[bytes]', fsspec.open(url, 'rb').open())
    except ModuleNotFoundError as error:
        if error.name == 'fsspec':
            raise
        raise DatasetError(f'expected a package that reads {url}: {error}') from error
    except Exception as error:  # each store has errors of its own
        raise DatasetError(f'expected something to read at {url}: {error}') from error


class Cache:
    """A folder with copies of remote files, which several processes can share."""

    def __init__(self, folder: Path, *, keep_bytes: int = 0, pipes: bool = False) -> None:
        """
        Take a folder, which is made when it is needed.

        :param keep_bytes: Copies beyond that are deleted, those not used for longest first; 0
            keeps all.
        :param pipes: As for open_url.
        """
        self._folder, self._keep_bytes, self._pipes = folder, keep_bytes, pipes

    def fetch(self, url: str, file_bytes: int) -> Path:
        """
        Return the copy of a file; it stays readable for who has opened it, also when deleted.

        :param file_bytes: What it must have.
        :raises DatasetError: It cannot be had, or has another length.
        """
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        target = self._folder / f'{digest}.tar'
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_suffix('.lock')):
            # One of another length is that of an earlier version of the dataset.
            if not target.is_file() or target.stat().st_size != file_bytes:
                self._download(url, file_bytes, target)
            os.utime(target)
        self._tidy(target)
        return target

    def _download(self, url: str, file_bytes: int, target: Path) -> None:
        number, name = tempfile.mkstemp(prefix='.fetch-', dir=self._folder)
        try:
            with os.fdopen(number, 'wb') as file, open_url(url, pipes=self._pipes) as stream:
                shutil.copyfileobj(stream, file, 1 << 20)
            found = Path(name).stat().st_size
            if found != file_bytes:
                raise DatasetError(f'expected {file_bytes} bytes at {url}, found {found}')
            os.replace(name, target)
        except OSError as error:
            raise DatasetError(f'{url} could not be fetched to {target}: {error}') from error
        finally:
            Path(name).unlink(missing_ok=True)

    def _tidy(self, newest: Path) -> None:
        """Delete what was not used for longest, but never the newest."""
        if not self._keep_bytes:
            return
        with _locked(self._folder / 'tidy.lock'):
            found = []
            for path in self._folder.glob('*.tar'):
                facts = path.stat()
                found.append((path == newest, facts.st_mtime_ns, facts.st_size, path))
            found.sort(key=lambda item: item[:2])
            total = sum(item[2] for item in found)
            for is_newest, _, size, path in found:
                if total <= self._keep_bytes or is_newest:
                    return
                path.unlink(missing_ok=True)
                total -= size


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one thread of one process in at a time."""
    with path.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
