# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with an engine, in one sentence each."""

from __future__ import annotations


class EngineError(RuntimeError):
    """An engine cannot be built, kept or opened."""


class EngineRefusedError(EngineError):
    """A file in the cache is not the engine that it should be; it was not loaded."""


class BuildCancelledError(EngineError):
    """A build was ended on request; nothing of it is left."""
