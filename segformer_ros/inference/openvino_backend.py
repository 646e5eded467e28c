# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU, in float32 or bfloat16."""

from __future__ import annotations

from collections.abc import Sequence
import functools
import hashlib
import os
from pathlib import Path
from queue import SimpleQueue
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle
from segformer_ros.cache_folder import cache_folder, keep_newest
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.graph_backend import GraphBackend, Signature

# With this package OpenVINO reports to Google Analytics, from a process that its import starts.
sys.modules.setdefault('openvino_telemetry', None)  # type: ignore[arg-type]
import openvino  # noqa: E402

FloatArray = npt.NDArray[np.float32]

_VERSION = openvino.__version__.partition('-')[0]
_TYPES = {'f32': 'float32', 'u8': 'uint8'}
_HINTS = {'float32': 'f32', 'bfloat16': 'bf16'}
_SUFFIXES = {'float32': '', 'bfloat16': ' bfloat16'}
_MOST_CACHED_BUNDLES = 8


@functools.cache
def _core() -> openvino.Core:
    """
    Return the Core of this process, which is never released.

    Each gives the thread in which it is first used a stack for signals, and puts the former one
    back when it goes: that of another Core which went before. The next signal then ended the
    process, in place of Python's handler.
    """
    return openvino.Core()


class _Session:
    def __init__(
        self, compiled: openvino.CompiledModel, names: Sequence[str], streams: int
    ) -> None:
        self._idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())
        inputs, outputs = compiled.inputs, compiled.outputs
        self.signature = Signature(
            {_name(item, ['image']): (_type(item), tuple(item.shape)[1:]) for item in inputs},
            {_name(item, names): _type(item) for item in outputs},
        )

    def run(self, image: npt.NDArray[Any], outputs: Sequence[str]) -> list[FloatArray]:
        request = self._idle.get()
        try:
            # The tensor refers to the image and keeps it alive until the next one.
            tensor = openvino.Tensor(np.ascontiguousarray(image), shared_memory=True)
            request.set_input_tensor(tensor)
            request.infer()
            # What the request holds is written again by the next run.
            return [request.get_tensor(name).data.copy() for name in outputs]
        except (RuntimeError, ValueError) as error:
            raise BackendError(f'openvino has failed: {_line(error)}') from error
        finally:
            self._idle.put(request)


class _Engine:
    name: str
    target = 'openvino'
    images_at_once = 1
    streams = 1

    def __init__(self, threads: int, precision: str, cache: Path | None) -> None:
        self.precision = precision
        self.name = f'openvino {_VERSION} cpu{_SUFFIXES[precision]}'
        self._core = _core()
        if precision == 'bfloat16':
            self._require_bfloat16()
        # The default precision is bfloat16 where the CPU has it; nodes of a robot share its
        # cores, and pinned threads of two processes would share one of them.
        self._properties: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': _HINTS[precision],
            'INFERENCE_NUM_THREADS': threads,
            'PERFORMANCE_HINT': 'LATENCY',
            'NUM_STREAMS': 1,
            'ENABLE_CPU_PINNING': False,
        }
        if cache is not None:
            self._properties['CACHE_DIR'] = str(cache)

    def share(self, count: int) -> None:
        """Have graphs that are opened from now on run by so many threads at once."""
        self.streams = count

    def open(self, path: Path, outputs: Sequence[str]) -> _Session:
        try:
            model = self._core.read_model(path)
            # One image: with a free number the same graph takes half as long again.
            shape = model.inputs[0].partial_shape
            model.reshape({model.inputs[0].any_name: [1, *list(shape)[1:]]})
            compiled = self._core.compile_model(model, 'CPU', self._properties | self._shares())
            return _Session(compiled, outputs, self.streams)
        except (RuntimeError, ValueError) as error:
            raise BackendError(
                f'openvino {_VERSION} cannot load {path}: {_line(error)}'
            ) from error

    def _shares(self) -> dict[str, Any]:
        """Return the properties by which several threads share the CPUs."""
        if self.streams < 2:
            return {}
        threads = self._properties['INFERENCE_NUM_THREADS'] or len(os.sched_getaffinity(0))
        return {
            'PERFORMANCE_HINT': 'THROUGHPUT',
            'NUM_STREAMS': self.streams,
            'INFERENCE_NUM_THREADS': max(threads, self.streams),
        }

    def _require_bfloat16(self) -> None:
        known = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if 'BF16' not in known:
            raise BackendError(
                'expected a CPU with bfloat16 instructions (AVX-512 BF16 or AMX), this one '
                f'has {", ".join(known)}: use the backend openvino'
            )


def load(
    bundle: Bundle, *, threads: int = 0, precision: str = 'float32', deferred: bool = False
) -> GraphBackend:
    """
    Compile the graphs of a bundle, or take them from the user's cache.

    :param threads: Threads for one image; 0 lets OpenVINO decide.
    :param precision: 'float32' or 'bfloat16'.
    :param deferred: As of GraphBackend.
    :raises BackendError: A graph cannot be loaded, or the CPU has no bfloat16.
    :raises BundleError: There is no graph for this engine, or one has other inputs or outputs than
        the manifest says.
    """
    engine = _Engine(threads, precision, _cache(bundle))
    return GraphBackend(bundle, engine, deferred=deferred)


def _cache(bundle: Bundle) -> Path | None:
    """Return the folder for what is compiled of a bundle; those used longest ago are removed."""
    digest = hashlib.sha256(bundle.file('manifest.json').read_bytes()).hexdigest()
    folder = cache_folder('openvino', _VERSION, digest[:16])
    if folder is None:
        return None
    folder.touch()
    keep_newest(folder, _MOST_CACHED_BUNDLES)
    return folder


def _name(port: openvino.Output, names: Sequence[str]) -> str:
    """Choose among the names of an input or output; from the cache it has inner ones too."""
    found = [name for name in names if name in port.names]
    return found[0] if found else str(port.any_name)


def _type(port: openvino.Output) -> str:
    kind: str = port.element_type.get_type_name()
    return _TYPES.get(kind, kind)


def _line(error: Exception) -> str:
    """Return the last line of an exception: those before it are places in OpenVINO's source."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
