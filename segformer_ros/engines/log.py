# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorRT says, kept for messages instead of printed."""

from __future__ import annotations

from collections import deque
from types import ModuleType
from typing import Any

_KEPT = 8


class Log:
    """The last errors and warnings of TensorRT; logger is its ILogger and must outlive its use."""

    def __init__(self, module: ModuleType) -> None:
        self.errors: deque[str] = deque(maxlen=_KEPT)
        self.warnings: deque[str] = deque(maxlen=_KEPT)
        self.logger = _make_logger(module, self)

    def first_error(self, default: str = 'no reason given') -> str:
        """Return the first error that is kept, on one line: later ones follow from it."""
        return self.errors[0] if self.errors else default


def _make_logger(module: ModuleType, log: Log) -> Any:
    trt: Any = module
    severity = trt.ILogger.Severity

    class Logger(trt.ILogger):  # type: ignore[misc]
        """Keeps errors and warnings."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity_of: Any, message: str) -> None:
            """Take a message; any thread may call."""
            line = ' '.join(message.split())
            if severity_of in (severity.ERROR, severity.INTERNAL_ERROR):
                log.errors.append(line)
            elif severity_of == severity.WARNING:
                log.warnings.append(line)

    return Logger()
