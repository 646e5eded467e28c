# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The output folder of a run: whose it is, files that are whole or absent, and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
import json
import os
from pathlib import Path
import time
from typing import Any, Protocol

SETTINGS = 'run.json'
REPORT = 'report.json'


class RunFolderError(ValueError):
    """The output folder belongs to something else."""


def temporary_name(path: Path) -> Path:
    """Return the name next to a file or folder under which it is written until it is whole."""
    return path.with_name(f'.{path.stem}.part{path.suffix}')


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=2) + '\n').encode())


def claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """
    Take a folder for a run, or continue the run of the same settings that it holds.

    :param settings: All that decides what the output will be; JSON values.
    :raises RunFolderError: The folder holds something else; one sentence saying what.
    """
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f'expected a folder to write to, {folder} is a file')
    path = folder / SETTINGS
    if path.is_file():
        found = _read(path)
        for name in sorted(settings.keys() | found.keys()):
            if settings.get(name) != found.get(name):
                change = f'{name} was {found.get(name)!r}, now {settings.get(name)!r}'
                if name.endswith('_sha256'):
                    change = f'{name.removesuffix("_sha256")} has changed since'
                raise RunFolderError(
                    f'{folder} holds the output of another run ({change}): choose another folder '
                    'or delete it'
                )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise RunFolderError(
            f'expected a new or empty folder, {folder} holds files of another program: '
            'choose another folder'
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, settings)


def input_state(files: Sequence[Path]) -> dict[str, Any]:
    """Return what changes when other files take the place of an input of which results exist."""
    facts = [file.stat() for file in files]
    latest = max((item.st_mtime for item in facts), default=0.0)
    return {
        'input_bytes': sum(item.st_size for item in facts),
        'input_modified': datetime.fromtimestamp(latest, timezone.utc).isoformat(),
    }


def is_output(folder: Path) -> bool:
    """Return whether a folder holds the output of `segformer run` or `segformer label`."""
    try:
        content = _read(folder / SETTINGS)
    except (OSError, RunFolderError):
        return False
    return 'model_sha256' in content


def require_new(path: Path, option: str, *, overwrite: bool) -> None:
    """
    Refuse to replace what an earlier command has written, unless that is wanted.

    :param option: What names the path on the command line, for the message.
    :raises RunFolderError: There is a file, or a folder with files.
    """
    if not overwrite and path.exists() and (path.is_file() or any(path.iterdir())):
        raise RunFolderError(
            f'expected a new or empty folder as {option}, {path} has files: choose another, or '
            'replace them with --overwrite'
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise RunFolderError(f'expected JSON in {path}, found something else: {error}') from error
    if not isinstance(content, dict):
        raise RunFolderError(f'expected a JSON object in {path}, found {type(content).__name__}')
    return content


class Timings(Protocol):
    """The times of one frame; see inference.results.Timings."""

    @property
    def preprocess_s(self) -> float:
        """Seconds from the image to the input of the network."""

    @property
    def network_s(self) -> float:
        """Seconds in the network."""

    @property
    def postprocess_s(self) -> float:
        """Seconds from the output of the network to the result."""


@dataclass
class Report:
    """
    What a run did: frames by fate, and where the time went.

    :param done: Frames that went through the network in this run.
    :param reused: Frames that an earlier run had finished.
    :param failed: What could not be read: {'name', 'reason'} each.
    :param seconds: Time of this run by step.
    :param facts: Anything else worth keeping.
    """

    done: int = 0
    reused: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    _start: float = field(default_factory=time.perf_counter)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(step, time.perf_counter() - start)

    def add(self, step: str, seconds: float) -> None:
        """Add seconds to a step."""
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds

    def add_timings(self, timings: Timings) -> None:
        """Add the times of one frame in the pipeline."""
        self.add('preprocess', timings.preprocess_s)
        self.add('network', timings.network_s)
        self.add('postprocess', timings.postprocess_s)

    def count(self, name: str) -> None:
        """Add one to a fact that is a number."""
        self.facts[name] = self.facts.get(name, 0) + 1

    def fail(self, name: str, reason: object) -> None:
        """Count a frame that could not be read."""
        self.failed.append({'name': name, 'reason': ' '.join(str(reason).split())})

    def as_dict(self) -> dict[str, Any]:
        """Return the content of report.json; rates without frames or time are None."""
        total = time.perf_counter() - self._start
        return {
            'finished': self.finished,
            'frames': {
                'total': self.done + self.reused + len(self.failed),
                'done': self.done,
                'reused': self.reused,
                'failed': len(self.failed),
            },
            'seconds': {'total': round(total, 3)}
            | {name: round(value, 3) for name, value in self.seconds.items()},
            'frames_per_second': round(self.done / total, 3) if self.done and total else None,
            'ms_per_frame': {
                name: round(1000.0 * value / self.done, 3) for name, value in self.seconds.items()
            }
            if self.done
            else None,
            **self.facts,
            'failed': self.failed,
        }

    def write(self, folder: Path) -> None:
        """Write report.json."""
        write_json(folder / REPORT, self.as_dict())


def finished_report(folder: Path) -> dict[str, Any] | None:
    """Read the report of a run that reached its end; None where there is none."""
    path = folder / REPORT
    if not path.is_file():
        return None
    report = _read(path)
    return report if report.get('finished') else None
