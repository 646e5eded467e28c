# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An ONNX file on an engine, at one thread, without anything of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Run = Callable[[FloatArray], list[npt.NDArray[np.generic]]]


def onnxruntime_graph(path: Path | bytes) -> Run:
    """Load a graph of one input on ONNX Runtime with its default settings."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    name = session.get_inputs()[0].name
    return lambda value: list(session.run(None, {name: value}))


def openvino_graph(path: Path | bytes, precision: str) -> Run:
    """
    Load a graph of one input on OpenVINO, tuned for latency.

    :param precision: 'f32' or 'bf16'.
    """
    # Through the backend, which keeps it from reporting to its makers.
    from segformer_ros.inference.openvino_backend import openvino  # type: ignore[attr-defined]

    settings = {
        'INFERENCE_NUM_THREADS': 1,
        'NUM_STREAMS': 1,
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_PRECISION_HINT': precision,
    }
    core = openvino.Core()
    model = core.read_model(path)
    compiled = core.compile_model(model, 'CPU', settings)
    request = compiled.create_infer_request()

    def run(value: FloatArray) -> list[npt.NDArray[np.generic]]:
        results = request.infer({0: value}, share_inputs=True, share_outputs=True)
        return [results[index] for index in range(len(compiled.outputs))]

    return run
