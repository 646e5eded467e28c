# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the processor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state
from segformer_ros.bundle import Bundle, BundleError, InputSize, Manifest
from segformer_ros.inference.backend import BackendError

FloatArray = npt.NDArray[np.float32]

_PROVIDERS = ['CPUExecutionProvider']
_FATAL_ONLY = 4
_NAMES = (
    'EngineError', 'EPFail', 'Fail', 'InvalidArgument', 'InvalidGraph', 'InvalidProtobuf',
    'ModelLoaded', 'NoModel', 'NoSuchFile', 'NotImplemented', 'RuntimeException',
)  # fmt: skip
_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(getattr(state, name) for name in _NAMES if hasattr(state, name)),
)


class OnnxRuntimeBackend:
    """One session for each input size of a bundle."""

    def __init__(self, sessions: Mapping[tuple[int, int], onnxruntime.InferenceSession]) -> None:
        """:param sessions: By height and width of the input."""
        self._sessions = dict(sessions)
        first = next(iter(self._sessions.values()))
        self._outputs = [output.name for output in first.get_outputs()]
        self.name = f'onnxruntime {onnxruntime.__version__} cpu'
        self.precision = 'float32'
        self.input_format = 'float32'
        self.supports_batch = all(
            not isinstance(session.get_inputs()[0].shape[0], int)
            for session in self._sessions.values()
        )

    def infer(self, image: FloatArray) -> dict[str, FloatArray]:
        """
        Run the network once.

        :raises BackendError: There is no graph for this size, or the engine has failed.
        """
        session = self._sessions.get((image.shape[2], image.shape[3]))
        if session is None:
            sizes = ', '.join(f'{height}x{width}' for height, width in self._sessions)
            raise BackendError(f'expected an input of size {sizes}, got shape {image.shape}')
        try:
            values = session.run(self._outputs, {'image': image})
        except _ERRORS as error:
            raise BackendError(f'onnxruntime has failed: {_line(error)}') from error
        return dict(zip(self._outputs, values, strict=True))

    def close(self) -> None:
        """Free the sessions."""
        self._sessions.clear()


def load(bundle: Bundle, *, threads: int = 0) -> OnnxRuntimeBackend:
    """
    Load every graph of a bundle.

    :param threads: Threads for one image; 0: one for each physical core.
    :raises BackendError: A graph cannot be loaded.
    :raises BundleError: A graph has other inputs or outputs than the manifest says.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Errors come as exceptions; the engine's own log would write them to stderr as well.
    options.log_severity_level = _FATAL_ONLY
    sessions = {}
    for size in bundle.manifest.input_sizes:
        path = bundle.file(size.graph('onnxruntime', inputs=('float32',)).file)
        try:
            session = onnxruntime.InferenceSession(path, options, providers=_PROVIDERS)
        except _ERRORS as error:
            raise BackendError(
                f'onnxruntime {onnxruntime.__version__} cannot load {path}: {_line(error)}'
            ) from error
        _check(session, bundle.manifest, size, path.name)
        sessions[size.height, size.width] = session
    return OnnxRuntimeBackend(sessions)


def _check(
    session: onnxruntime.InferenceSession, manifest: Manifest, size: InputSize, file: str
) -> None:
    inputs = {item.name: (item.type, item.shape[1:]) for item in session.get_inputs()}
    expected = {'image': ('tensor(float)', [3, size.height, size.width])}
    found_outputs = {item.name: item.type for item in session.get_outputs()}
    outputs = dict.fromkeys(manifest.output_shapes(size), 'tensor(float)')
    if inputs != expected or found_outputs != outputs:
        raise BundleError(
            file,
            expected=f'inputs {expected} and outputs {outputs}',
            found=f'{inputs} and {found_outputs}',
            do='export the network again',
        )


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
