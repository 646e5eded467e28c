# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a recording goes: to a page in the browser, or into a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
from typing import Any

from segformer_ros.run_folder import temporary_name
from segformer_ros.viewer import sdk
from segformer_ros.viewer.server import Server

APPLICATION = 'segformer_ros'


def _recording() -> Any:
    rerun = sdk.load()
    # An id that is no class empties the table of classes, with a warning alone.
    rerun.set_strict_mode(True)
    return rerun.RecordingStream(APPLICATION)


@contextmanager
def saved(path: Path) -> Iterator[Any]:
    """
    Open a recording that becomes a file when the block ends, also by Ctrl-C.

    After an error what there is stays as NAME.rrd.unfinished, and an earlier file as it was.

    :param path: NAME.rrd.
    :returns: A rerun.RecordingStream.
    :raises ViewerError: The viewer is not installed, or the name does not end in .rrd.
    :raises OSError: The file cannot be written.
    """
    if path.suffix != '.rrd':
        raise sdk.ViewerError(f'expected a name that ends in .rrd, found {path}')
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    with temporary.open('wb'):
        pass
    recording = _recording()
    recording.save(temporary)
    target = path
    try:
        yield recording
    except Exception:
        target = path.with_name(f'{path.name}.unfinished')
        raise
    finally:
        recording.flush()
        recording.disconnect()
        os.replace(temporary, target)


@contextmanager
def served(server: Server) -> Iterator[Any]:
    """
    Open a recording that is sent to a server.

    :param server: Running.
    :returns: A rerun.RecordingStream.
    """
    recording = _recording()
    recording.connect_grpc(server.feed)
    try:
        yield recording
    finally:
        # Where the server is gone, Server.check() says so.
        with suppress(RuntimeError):
            recording.flush(timeout_sec=10.0)
        recording.disconnect()
