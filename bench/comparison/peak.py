# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How fast this machine multiplies matrices: the yardstick of the networks."""

from __future__ import annotations

from importlib.util import find_spec
from time import perf_counter

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from comparison.engines import FloatArray, onnxruntime_graph, openvino_graph, Run

_SIZE = 1024
_CALLS = 5


class MatmulPeak:
    """The product of two matrices on every engine that is here, at one thread."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        model = _graph(random.standard_normal((_SIZE, _SIZE), np.float32))
        self._value = random.standard_normal((_SIZE, _SIZE), np.float32)
        self._runs: dict[str, tuple[str, Run]] = {
            'onnxruntime': ('float32', onnxruntime_graph(model))
        }
        if find_spec('openvino'):
            self._runs['openvino'] = ('float32', openvino_graph(model, 'f32'))
            self._runs['openvino bfloat16'] = ('bfloat16', openvino_graph(model, 'bf16'))
        self.facts = {name: precision for name, (precision, _) in self._runs.items()}
        self.turn()

    def turn(self) -> dict[str, float]:
        """Return the GFLOP/s of each engine, the best of several runs."""
        return {name: self._speed(run) for name, (_, run) in self._runs.items()}

    def _speed(self, run: Run) -> float:
        best = float('inf')
        for _ in range(_CALLS):
            start = perf_counter()
            run(self._value)
            best = min(best, perf_counter() - start)
        return 2.0 * _SIZE**3 / best / 1e9


def _graph(weights: FloatArray) -> bytes:
    sides = [_SIZE, _SIZE]
    graph = helper.make_graph(
        [helper.make_node('MatMul', ['a', 'b'], ['c'])],
        'matmul',
        [helper.make_tensor_value_info('a', TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info('c', TensorProto.FLOAT, sides)],
        [numpy_helper.from_array(weights, 'b')],
    )
    opset = [helper.make_opsetid('', 17)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    content: bytes = model.SerializeToString()
    return content
