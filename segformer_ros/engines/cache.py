# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Engines that were built, kept in a folder of this user alone.

An engine is machine code that runs in the process that loads it. What is not the file that was
written here, by this user, for this GPU and this TensorRT, is refused before TensorRT sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
import errno
import hashlib
import json
import os
from pathlib import Path
import stat
from typing import Any

from segformer_ros.cache_folder import CacheFolderError, package_cache, private_folder
from segformer_ros.engines.build import BuiltEngine
from segformer_ros.engines.errors import EngineError, EngineRefusedError
from segformer_ros.engines.file_lock import file_lock, try_lock
from segformer_ros.engines.request import DEFAULT_LIMIT_BYTES
from segformer_ros.engines.sidecar import first_difference, key_of, parse_sidecar, Sidecar

_ENGINE, _SIDECAR, _LOCK = '.engine', '.json', '.lock'
_KEY_DIGITS = 32
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class StoredEngine:
    """An engine of the cache; data is what was checked and is to be given to TensorRT."""

    path: Path
    sidecar: Sidecar
    data: bytes


@dataclass(frozen=True)
class Entry:
    """What the cache holds under one key; sidecar is None where it is damaged."""

    key: str
    sidecar: Sidecar | None
    total_bytes: int
    used_at: float


class EngineCache:
    """
    The engines of one folder.

    :param folder: None is the one in the user's cache.
    :param limit_bytes: Of all engines together.
    :raises EngineError: The folder is not, or cannot be made, one of this user alone.
    """

    def __init__(
        self, folder: Path | None = None, *, limit_bytes: int = DEFAULT_LIMIT_BYTES
    ) -> None:
        try:
            if folder is None:
                self.folder = private_folder(package_cache(), 'engines')
            else:
                self.folder = private_folder(folder.expanduser().absolute())
        except CacheFolderError as error:
            raise EngineError(str(error)) from error
        except (OSError, RuntimeError) as error:
            raise EngineError(
                f'expected a folder for engines, found none ({error}): choose one with --cache'
            ) from error
        self._limit_bytes = limit_bytes

    def path(self, facts: Mapping[str, Any]) -> Path:
        """Return the path of the engine of these facts, which may be missing."""
        return self._path(key_of(facts)[:_KEY_DIGITS])

    def lock(
        self,
        facts: Mapping[str, Any],
        *,
        waiting: Callable[[], None] = lambda: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> AbstractContextManager[None]:
        """Hold the right to build this engine; see file_lock."""
        path = self.path(facts).with_suffix(_LOCK)
        return file_lock(path, waiting=waiting, cancelled=cancelled)

    def load(self, facts: Mapping[str, Any]) -> StoredEngine | None:
        """
        Read an engine and check it.

        :returns: None where there is none.
        :raises EngineRefusedError: What is there is not it; one sentence saying why.
        """
        path = self.path(facts)
        beside = path.with_suffix(_SIDECAR)
        if not path.exists() and not beside.exists():
            return None
        sidecar = parse_sidecar(read_own(beside), beside)
        difference = first_difference(sidecar.facts, facts)
        if difference is not None:
            raise EngineRefusedError(f'expected {path} to be for {difference}')
        data = read_own(path)
        digest = hashlib.sha256(data).hexdigest()
        if len(data) != sidecar.engine.get('bytes') or digest != sidecar.engine.get('sha256'):
            raise EngineRefusedError(
                f'expected {sidecar.engine.get("bytes")} bytes of sha256 '
                f'{str(sidecar.engine.get("sha256"))[:12]}... in {path}, found {len(data)} of '
                f'{digest[:12]}...'
            )
        os.utime(beside)
        return StoredEngine(path, sidecar, data)

    def store(self, facts: Mapping[str, Any], name: str, built: BuiltEngine) -> StoredEngine:
        """
        Keep an engine, whole or not at all, and remove what was used longest ago.

        Who calls holds its lock.

        :raises EngineError: The disk is full or cannot be written.
        """
        path = self.path(facts)
        sidecar = Sidecar(
            name,
            facts,
            {
                'file': path.name,
                'bytes': len(built.data),
                'sha256': hashlib.sha256(built.data).hexdigest(),
            },
            {
                'finished': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                'seconds': round(built.seconds, 3),
                'inputs': [asdict(tensor) for tensor in built.inputs],
                'outputs': [asdict(tensor) for tensor in built.outputs],
                'warnings': list(built.warnings),
            },
        )
        text = json.dumps(sidecar.as_json(), indent=2) + '\n'
        for left in self.folder.glob(f'.{path.stem}.*.part'):
            left.unlink(missing_ok=True)
        # The sidecar last: an engine without one is not loaded.
        path.with_suffix(_SIDECAR).unlink(missing_ok=True)
        write_own(path, built.data)
        write_own(path.with_suffix(_SIDECAR), text.encode())
        self._prune(path.stem)
        return StoredEngine(path, parse_sidecar(text.encode(), path), built.data)

    def entries(self) -> list[Entry]:
        """List what the cache holds, what was used last first."""
        keys = {path.stem for path in self.folder.iterdir() if path.suffix in (_ENGINE, _SIDECAR)}
        found = [self._entry(key) for key in sorted(keys) if not key.startswith('.')]
        return sorted(found, key=lambda entry: -entry.used_at)

    def remove(self, key: str) -> bool:
        """Remove an engine; says whether it could be: one that is being built stays."""
        path = self._path(key)
        with try_lock(path.with_suffix(_LOCK)) as held:
            if held:
                path.with_suffix(_SIDECAR).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
        return held

    def _path(self, key: str) -> Path:
        return self.folder / f'{key}{_ENGINE}'

    def _entry(self, key: str) -> Entry:
        path = self._path(key)
        beside = path.with_suffix(_SIDECAR)
        states = [file.stat() for file in (path, beside) if file.exists()]
        try:
            sidecar = parse_sidecar(read_own(beside), beside)
        except EngineRefusedError:
            sidecar = None
        return Entry(
            key,
            sidecar,
            sum(state.st_size for state in states),
            max((state.st_mtime for state in states), default=0.0),
        )

    def _prune(self, keep: str) -> None:
        entries = self.entries()
        total = sum(entry.total_bytes for entry in entries)
        for entry in reversed(entries):
            if total <= self._limit_bytes:
                return
            if entry.key != keep and self.remove(entry.key):
                total -= entry.total_bytes


def write_own(path: Path, data: bytes) -> None:
    """
    Write a file that only this user can read, whole or not at all.

    :raises EngineError: The disk is full or cannot be written.
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        need = f'{len(data) / 1e6:.0f} MB free for {path}'
        if error.errno in _FULL:
            raise EngineError(
                f'expected {need}, found the disk full: make room, or choose another folder '
                'with --cache'
            ) from error
        raise EngineError(f'expected {need}, found {error.strerror}') from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_own(path: Path) -> bytes:
    """
    Read a file that this user owns and only this user can write.

    :raises EngineRefusedError: It is none, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise EngineRefusedError(
            f'expected a file at {path}, found none that can be read ({error.strerror})'
        ) from error
    with os.fdopen(handle, 'rb') as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise EngineRefusedError(f'expected a file at {path}, found something else')
        if state.st_uid != os.geteuid():
            raise EngineRefusedError(
                f'expected {path} to belong to user {os.geteuid()}, it belongs to {state.st_uid}'
            )
        if stat.S_IMODE(state.st_mode) & 0o022:
            raise EngineRefusedError(f'expected {path} for this user alone, others can write it')
        return file.read()
