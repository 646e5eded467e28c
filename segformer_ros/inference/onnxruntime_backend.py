# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state
from segformer_ros.bundle import Bundle
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.denormals import can_switch, denormals_as_zero
from segformer_ros.inference.graph_backend import GraphBackend, Signature

FloatArray = npt.NDArray[np.float32]

_PROVIDERS = ['CPUExecutionProvider']
_FATAL_ONLY = 4
_TYPES = {'tensor(float)': 'float32', 'tensor(uint8)': 'uint8'}
_NAMES = (
    'EngineError', 'EPFail', 'Fail', 'InvalidArgument', 'InvalidGraph', 'InvalidProtobuf',
    'ModelLoaded', 'NoModel', 'NoSuchFile', 'NotImplemented', 'RuntimeException',
)  # fmt: skip
_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(getattr(state, name) for name in _NAMES if hasattr(state, name)),
)


class _Session:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        inputs, outputs = session.get_inputs(), session.get_outputs()
        self.signature = Signature(
            {item.name: (_name(item.type), tuple(item.shape[1:])) for item in inputs},
            {item.name: _name(item.type) for item in outputs},
        )

    def run(self, image: npt.NDArray[Any], outputs: Sequence[str]) -> list[FloatArray]:
        try:
            with denormals_as_zero():
                values: list[FloatArray] = self._session.run(list(outputs), {'image': image})
        except _ERRORS as error:
            raise BackendError(f'onnxruntime has failed: {_line(error)}') from error
        return values


class _Engine:
    name = f'onnxruntime {onnxruntime.__version__} cpu'
    target = 'onnxruntime'
    precision = 'float32'
    streams = 1

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self.images_at_once = threads or len(os.sched_getaffinity(0))

    def share(self, count: int) -> None:
        """Have graphs that are opened from now on run by so many threads at once."""
        self.streams = count

    def open(self, path: Path, outputs: Sequence[str]) -> _Session:
        try:
            with denormals_as_zero():  # its threads start here
                return _Session(
                    onnxruntime.InferenceSession(path, self._options(), providers=_PROVIDERS)
                )
        except _ERRORS as error:
            raise BackendError(
                f'onnxruntime {onnxruntime.__version__} cannot load {path}: {_line(error)}'
            ) from error

    def _options(self) -> onnxruntime.SessionOptions:
        """Return the options of a session; docs/backends.md has the figures behind them."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        if self.streams > 1:
            # Each calling thread computes, with as many more as make its part of the CPUs.
            threads = self._threads or len(os.sched_getaffinity(0))
            options.intra_op_num_threads = max(1, threads // self.streams)
        options.inter_op_num_threads = 1
        # Threads that share a session wait for one another wherever they ask for memory: one
        # block for each image, planned ahead. An image alone takes less memory without.
        options.enable_mem_pattern = self.streams > 1
        # Threads that wait for work sleep instead of turning round.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        if can_switch():
            # For the threads of the session; the calling one has denormals_as_zero.
            options.add_session_config_entry('session.set_denormal_as_zero', '1')
        # Errors come as exceptions; the engine's own log would write them to stderr as well.
        options.log_severity_level = _FATAL_ONLY
        return options


def load(
    bundle: Bundle, *, threads: int = 0, precision: str = 'float32', deferred: bool = False
) -> GraphBackend:
    """
    Open the graphs of a bundle.

    :param threads: Threads for one image; 0: one for each physical core.
    :param precision: 'float32', the only one.
    :param deferred: As of GraphBackend.
    :raises BackendError: A graph cannot be loaded.
    :raises BundleError: There is no graph for this engine, or one has other inputs or outputs than
        the manifest says.
    """
    return GraphBackend(bundle, _Engine(threads), deferred=deferred)


def _name(kind: str) -> str:
    return _TYPES.get(kind, kind)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
