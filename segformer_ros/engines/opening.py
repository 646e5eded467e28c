# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine given to TensorRT, after the cache has checked it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from segformer_ros.engines.cache import StoredEngine
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.flavour import find_flavour, Flavour
from segformer_ros.engines.log import Log


@dataclass(frozen=True)
class OpenEngine:
    """
    An ICudaEngine and what it must not outlive.

    :param engine: The ICudaEngine.
    :param runtime: The IRuntime that made it.
    """

    flavour: Flavour
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
    flavour = find_flavour(facts['flavour'])
    if flavour.version != facts['version'] and not facts['options']['version_compatible']:
        raise EngineError(
            f'expected {flavour.name} {facts["version"]}, which built {stored.path}, found '
            f'{flavour.version}: build the engine again'
        )
    trt: Any = flavour.module
    log = Log(flavour.module)
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
            f'{flavour} cannot load {stored.path}: {log.first_error()}: check that nvidia-smi '
            'shows the GPU that the engine was built for'
        )
    return OpenEngine(flavour, engine, runtime, log)
