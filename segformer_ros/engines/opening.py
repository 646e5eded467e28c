# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine given to TensorRT, after the cache has checked it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from segformer_ros.engines.cache import StoredEngine
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.log import Log
from segformer_ros.engines.trt_variant import find_trt_variant, TrtVariant


@dataclass(frozen=True)
class OpenEngine:
    """
    An ICudaEngine and what it must not outlive.

    :param engine: The ICudaEngine.
    :param runtime: The IRuntime that made it.
    """

    trt_variant: TrtVariant
    engine: Any
    runtime: Any
    log: Log


def open_engine(stored: StoredEngine) -> OpenEngine:
    """
    Deserialise an engine on the current GPU.

    :param stored: From the cache, which has checked that it is what was built here.
    :raises EngineError: TensorRT refuses it, or there is no GPU.
    """
    facts = stored.sidecar.facts
    trt_variant = find_trt_variant(facts['trt_variant'])
    if trt_variant.version != facts['version'] and not facts['options']['version_compatible']:
        raise EngineError(
            f'expected {trt_variant.name} {facts["version"]}, which built {stored.path}, found '
            f'{trt_variant.version}: build the engine again'
        )
    trt: Any = trt_variant.module
    log = Log(trt_variant.module)
    runtime, engine = None, None
    with suppress(TypeError, RuntimeError):
        runtime = trt.Runtime(log.logger)
    if runtime is not None:
        if facts['options']['version_compatible']:
            # Such an engine brings the part of TensorRT with it that runs it.
            runtime.engine_host_code_allowed = True
        with suppress(TypeError, RuntimeError):
            engine = runtime.deserialize_cuda_engine(stored.data)
    if engine is None:
        raise EngineError(
            f'{trt_variant} cannot load {stored.path}: {log.first_error()}: check that nvidia-smi '
            'shows the GPU that the engine was built for'
        )
    return OpenEngine(trt_variant, engine, runtime, log)
