# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine from the cache, or else built and kept; of several processes one builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
import re
from typing import Any

from segformer_ros.engines.build import build_engine
from segformer_ros.engines.cache import EngineCache, read_own, StoredEngine, write_own
from segformer_ros.engines.errors import BuildCancelledError, EngineRefusedError
from segformer_ros.engines.file_lock import LockCancelledError
from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.progress import Report
from segformer_ros.engines.request import BuildRequest, find_target, Target
from segformer_ros.engines.sidecar import engine_facts

WAITING = 'waiting for another process that builds this engine'


@dataclass(frozen=True)
class FoundEngine:
    """An engine; reused says that it was in the cache, notes are sentences about refused ones."""

    engine: StoredEngine
    reused: bool
    notes: tuple[str, ...]


def find_engine(request: BuildRequest) -> tuple[StoredEngine | None, tuple[str, ...]]:
    """
    Look for an engine in the cache, without building one.

    For a GPU of this machine, TensorRT for RTX also takes what was built ahead for its compute
    capability.

    :returns: The engine or None, and why what was found instead is refused, a sentence each.
    :raises EngineError: There is no TensorRT, no GPU or no cache folder.
    """
    target = find_target(request)
    cache = EngineCache(request.cache, limit_bytes=request.limit_bytes)
    return _look(cache, request, target)


def get_or_build_engine(
    request: BuildRequest,
    *,
    report: Report = lambda fraction, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> FoundEngine:
    """
    Take an engine from the cache, or build it in this process and keep it.

    :param report: Told how far the build is.
    :param cancelled: Asked often; True ends it.
    :raises EngineError: It cannot be built or kept.
    :raises BuildCancelledError: It was cancelled.
    """
    target = find_target(request)
    cache = EngineCache(request.cache, limit_bytes=request.limit_bytes)
    found, notes = _look(cache, request, target)
    if found is not None:
        return FoundEngine(found, True, notes)
    facts = engine_facts(request, target)
    try:
        with cache.lock(facts, waiting=lambda: report(0.0, WAITING), cancelled=cancelled):
            # Who held the lock may have built it.
            found, notes = _look(cache, request, target)
            if found is not None:
                return FoundEngine(found, True, notes)
            engine = _build(cache, facts, request, target, report, cancelled)
    except LockCancelledError as error:
        raise BuildCancelledError(str(error)) from error
    return FoundEngine(engine, False, notes)


def _look(
    cache: EngineCache, request: BuildRequest, target: Target
) -> tuple[StoredEngine | None, tuple[str, ...]]:
    targets = [target]
    if target.trt_variant.builds_ahead and target.gpu.name is not None:
        targets.append(replace(target, gpu=Gpu(target.gpu.capability)))
    notes = []
    for item in targets:
        try:
            found = cache.load(engine_facts(request, item))
        except EngineRefusedError as error:
            notes.append(f'{error}: it was not loaded')
            continue
        if found is not None:
            return found, tuple(notes)
    return None, tuple(notes)


def _build(
    cache: EngineCache,
    facts: Mapping[str, Any],
    request: BuildRequest,
    target: Target,
    report: Report,
    cancelled: Callable[[], bool],
) -> StoredEngine:
    timings = _timing_path(cache, target)
    known = b''
    if target.trt_variant.has_timing_cache:
        with suppress(EngineRefusedError):
            known = read_own(timings)
    built = build_engine(request, target, timing_cache=known, report=report, cancelled=cancelled)
    engine = cache.store(facts, request.name or request.graph.stem, built)
    if built.timing_cache and built.timing_cache != known:
        write_own(timings, built.timing_cache)
    return engine


def _timing_path(cache: EngineCache, target: Target) -> Path:
    """Name the file of what was measured; it holds for one TensorRT and one kind of GPU."""
    gpu = target.gpu.name or target.gpu.capability
    words = f'{target.trt_variant.name} {target.trt_variant.version} {gpu}'
    return cache.folder / f'timing_{re.sub(r"[^A-Za-z0-9.]+", "_", words)}.cache'
