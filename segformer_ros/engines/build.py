# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A graph compiled by TensorRT 10, TensorRT 11 or TensorRT for RTX, with the API that all three have.

Networks are strongly typed: the types of the graph say what is computed in what, and no flag of
the builder lowers a precision. This runs in the process that calls; see builder_process.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import time
from typing import Any

from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.log import Log
from segformer_ros.engines.progress import make_monitor, Report
from segformer_ros.engines.request import BuildRequest, CURRENT, Target
from segformer_ros.engines.trt_variant import TrtVariant

_BYTES_PER_GB = 1 << 30
_TYPES = {'FLOAT': 'float32', 'HALF': 'float16', 'BF16': 'bfloat16'}


@dataclass(frozen=True)
class Tensor:
    """An input or output; -1 in its shape is the number of images."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class BuiltEngine:
    """
    What the builder gave.

    :param data: The engine.
    :param timing_cache: What was measured, for later builds; empty where there is none.
    :param warnings: What TensorRT warned of last.
    """

    data: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    timing_cache: bytes
    seconds: float
    warnings: tuple[str, ...]


def build_engine(
    request: BuildRequest,
    target: Target,
    *,
    timing_cache: bytes = b'',
    report: Report = lambda fraction, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BuiltEngine:
    """
    Build an engine.

    :param timing_cache: Of earlier builds; what does not fit is ignored.
    :param report: Told how far the build is.
    :param cancelled: Asked often; True ends the build.
    :raises EngineError: TensorRT cannot build it; the message has its reason.
    :raises BuildCancelledError: It was cancelled.
    """
    start = time.perf_counter()
    trt_variant = target.trt_variant
    log = Log(trt_variant.module)
    builder = _builder(trt_variant, log)
    network = _parse(trt_variant, builder, request, log)
    inputs = tuple(_tensor(network.get_input(i)) for i in range(network.num_inputs))
    outputs = tuple(_tensor(network.get_output(i)) for i in range(network.num_outputs))
    config = builder.create_builder_config()
    _configure(trt_variant, config, request, target)
    _add_profile(builder, config, inputs, request, log)
    if trt_variant.has_timing_cache:
        _set_timing_cache(config, timing_cache)
    config.progress_monitor = make_monitor(trt_variant.module, report, cancelled)
    serialized = builder.build_serialized_network(network, config)
    if cancelled():
        raise BuildCancelledError(f'the build of {request.name or request.graph} was cancelled')
    if serialized is None:
        raise EngineError(
            f'{trt_variant} cannot build {request.graph} for {target.gpu}: {log.first_error()}'
        )
    measured = config.get_timing_cache() if trt_variant.has_timing_cache else None
    return BuiltEngine(
        bytes(serialized),
        inputs,
        outputs,
        b'' if measured is None else bytes(measured.serialize()),
        time.perf_counter() - start,
        tuple(dict.fromkeys(log.warnings)),
    )


def _builder(trt_variant: TrtVariant, log: Log) -> Any:
    trt: Any = trt_variant.module
    builder = None
    # The bindings say "factory function returned nullptr"; the reason is in the log.
    with suppress(TypeError, RuntimeError):
        builder = trt.Builder(log.logger)
    if builder is None:
        raise EngineError(
            f'the builder of {trt_variant} does not start: {log.first_error()}: check that '
            'nvidia-smi shows a GPU and that the driver is new enough for this version'
        )
    return builder


def _parse(trt_variant: TrtVariant, builder: Any, request: BuildRequest, log: Log) -> Any:
    if not request.graph.is_file():
        raise EngineError(f'expected an ONNX file at {request.graph}, found none: check the path')
    trt: Any = trt_variant.module
    # TensorRT 10 has to be asked for what TensorRT 11 always does.
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, log.logger)
    # By its path: the weights are in another file of the same folder.
    if not parser.parse_from_file(str(request.graph)):
        errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        reason = ' '.join(errors[0].split()) if errors else log.first_error()
        raise EngineError(
            f'{trt_variant} cannot read {request.graph}: {reason}: export the network again'
        )
    return network


def _configure(
    trt_variant: TrtVariant, config: Any, request: BuildRequest, target: Target
) -> None:
    trt: Any = trt_variant.module
    options = request.options
    if options.workspace_gb is not None:
        size = int(options.workspace_gb * _BYTES_PER_GB)
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, size)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level
    # TF32 has 10 bits of mantissa: a float32 graph would miss the tolerance of its bundle.
    config.clear_flag(trt.BuilderFlag.TF32)
    _set_compatibility(trt_variant, config, request)
    if trt_variant.builds_ahead:
        _set_capability(trt_variant, config, target)
    elif request.device != CURRENT:
        raise EngineError(
            f'{trt_variant} builds only for the GPU of this machine, not for {target.gpu}'
        )


def _set_compatibility(trt_variant: TrtVariant, config: Any, request: BuildRequest) -> None:
    trt: Any = trt_variant.module
    wide, level = request.options.version_compatible, request.options.hardware_compatible
    if trt_variant.builds_ahead and (wide or level != 'none'):
        raise EngineError(
            f'{trt_variant} has no engines for other versions or other GPUs: leave out '
            '--version-compatible and --hardware-compatible, or use --trt-variant tensorrt'
        )
    if wide:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if level != 'none':
        known = trt.HardwareCompatibilityLevel.__members__
        if level.upper() not in known:
            raise EngineError(
                f'expected hardware compatibility {", ".join(known).lower()} of {trt_variant}, '
                f'got {level}: choose another, or a later version of TensorRT'
            )
        config.hardware_compatibility_level = known[level.upper()]


def _set_capability(trt_variant: TrtVariant, config: Any, target: Target) -> None:
    trt: Any = trt_variant.module
    capability = target.gpu.capability.upper()
    known = trt.ComputeCapability.__members__
    if capability not in known:
        names = ', '.join(name.lower() for name in known if name.startswith('SM'))
        raise EngineError(
            f'{trt_variant} does not build for {target.gpu}: it builds for {names}; use '
            '--trt-variant tensorrt on the machine that has this GPU'
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(known[capability], 0)


def _add_profile(
    builder: Any, config: Any, inputs: tuple[Tensor, ...], request: BuildRequest, log: Log
) -> None:
    """Set how many images the engine takes, where the graph leaves it open."""
    low, high = request.images
    profile = builder.create_optimization_profile()
    for tensor in inputs:
        count, *rest = tensor.shape
        if -1 in rest:
            raise EngineError(
                f'expected a graph of one image size, found {tensor.name} {tensor.shape}: export '
                'the network again'
            )
        if count != -1 and (low, high) != (count, count):
            raise EngineError(
                f'expected a graph for {low} to {high} images, {request.graph} is for {count}: '
                'export the network again, or choose --batch accordingly'
            )
        profile.set_shape(tensor.name, (low, *rest), (high, *rest), (high, *rest))
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(f'TensorRT refuses {low} to {high} images: {log.first_error()}')


def _set_timing_cache(config: Any, data: bytes) -> None:
    """Reuse what earlier builds measured; without it they are only slower."""
    cache = config.create_timing_cache(data)
    if cache is None or not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b''), False)


def _tensor(tensor: Any) -> Tensor:
    kind = tensor.dtype.name
    return Tensor(tensor.name, _TYPES.get(kind, kind.lower()), tuple(tensor.shape))
