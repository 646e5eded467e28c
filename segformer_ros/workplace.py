# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where an output is made that takes long, and what becomes of it when that does not end well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import fcntl
from itertools import count
import os
from pathlib import Path
import shutil

from segformer_ros import run_folder


class HeldError(OSError):
    """Another process is making the same output."""


def unfinished_name(path: Path) -> Path:
    """Return the name under which an output stays that is not whole; no file has it yet."""
    for number in count(1):
        end = '' if number == 1 else f'-{number}'
        found = path.with_name(f'{path.stem}.unfinished{end}{path.suffix}')
        if not found.exists():
            return found
    raise AssertionError('unreachable')


def link_or_copy(source: Path, target: Path) -> None:
    """
    Hard-link a file, or copy it where the file system has no links.

    :raises OSError: It can be neither linked nor copied.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(source, target)


class Workplace:
    """
    A hidden folder next to an output; no two processes can have the same one.

    :param path: The output: a folder, or nothing yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = run_folder.temporary_name(path)
        self._handle: int | None = None
        self._made: list[Path] = []

    def set_aside(self, prepare: Callable[[Path], object] = lambda folder: None) -> Path | None:
        """
        Keep what a killed process has left under a name of its own.

        :param prepare: Called with the folder before it is renamed.
        :returns: That name; None where nothing was left.
        :raises HeldError: The process lives.
        :raises OSError: It cannot be renamed.
        """
        if not self.folder.is_dir():
            return None
        self._hold()
        try:
            if not any(item.is_file() for item in self.folder.rglob('*')):
                self.remove()
                return None
            prepare(self.folder)
            return self.keep()
        finally:
            self._release()

    def open(self) -> None:
        """
        Make the folder, and those that it lies in.

        :raises OSError: It cannot be made.
        """
        self._made = [place for place in self.folder.parents if not place.exists()]
        self.folder.mkdir(parents=True)
        self._hold()

    def finish(self, made: Path) -> None:
        """
        Put what was made in its place.

        :param made: In the folder.
        :raises OSError: There is something in the place.
        """
        os.rename(made, self.path)
        self.remove()

    def keep(self) -> Path:
        """
        Rename the folder, whose content is not whole, and give its new name.

        :raises OSError: It cannot be renamed.
        """
        place = unfinished_name(self.path)
        os.rename(self.folder, place)
        self._release()
        return place

    def remove(self) -> None:
        """Remove the folder, which holds nothing of value any more, and what lies empty above."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            for place in self._made:
                place.rmdir()
        self._release()

    def _hold(self) -> None:
        """Lock the folder for as long as the process lives, where its file system has locks."""
        self._handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._release()
            raise HeldError(f'another process is making {self.path}') from error
        except OSError:
            pass

    def _release(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = None
