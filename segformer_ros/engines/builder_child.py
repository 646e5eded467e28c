# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The process that builds: `python -m segformer_ros.engines.builder_child`.

Its input is one line of JSON, the request; a second line cancels the build, and so does the end of
the input, which comes with the end of the parent. Its output is a line of JSON for every change:
progress and phase, then the path of the engine or an error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import json
import os
import signal
import sys
import threading
from typing import Any, TextIO

from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.get_or_build import get_or_build_engine
from segformer_ros.engines.request import BuildRequest

_NICENESS = 10
_LEAST_CHANGE = 0.002
# A builder that does not ask within this time whether to continue is ended.
_GRACE_S = 10.0

Send = Callable[[dict[str, Any]], None]


def main() -> int:
    """Build what the input asks for; 0 for success, 1 for an error that was told, 3 cancelled."""
    # Ctrl-C reaches every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(_NICENESS)
    # Libraries that print would garble the lines.
    lines = os.fdopen(os.dup(1), 'w', encoding='utf-8')
    os.dup2(2, 1)
    send = _sender(lines)
    cancelled = threading.Event()
    request = BuildRequest.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_watch, args=(cancelled,), daemon=True).start()
    return _build(request, send, cancelled)


def _build(request: BuildRequest, send: Send, cancelled: threading.Event) -> int:
    try:
        found = get_or_build_engine(request, report=_reporter(send), cancelled=cancelled.is_set)
    except BuildCancelledError as error:
        send({'cancelled': str(error)})
        return 3
    except EngineError as error:
        send({'error': str(error)})
        return 1
    except (OSError, MemoryError) as error:
        send({'error': f'the build has failed: {type(error).__name__}: {error}'})
        return 1
    engine = found.engine
    send(
        {
            'engine': str(engine.path),
            'sidecar': engine.sidecar.as_json(),
            'reused': found.reused,
            'notes': list(found.notes),
        }
    )
    return 0


def _sender(lines: TextIO) -> Send:
    lock = threading.Lock()

    def send(content: dict[str, Any]) -> None:
        # Without a reader the parent is gone, and _watch ends this process.
        with lock, suppress(BrokenPipeError):
            lines.write(json.dumps(content) + '\n')
            lines.flush()

    return send


def _reporter(send: Send) -> Callable[[float, str], None]:
    """Report only visible progress; TensorRT reports thousands of changes."""
    last: list[Any] = [-1.0, '']

    def report(fraction: float, phase: str) -> None:
        if phase != last[1] or fraction - last[0] >= _LEAST_CHANGE:
            last[:] = [fraction, phase]
            send({'fraction': round(fraction, 4), 'phase': phase})

    return report


def _watch(cancelled: threading.Event) -> None:
    """Wait for the end of the input or for the line that cancels."""
    sys.stdin.readline()
    cancelled.set()
    threading.Event().wait(_GRACE_S)
    os._exit(3)


if __name__ == '__main__':
    sys.exit(main())
