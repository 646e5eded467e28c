# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Multiplications of an ONNX graph, counted from the shapes that pass through it in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
from math import prod
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
import onnxruntime

_CONVOLUTIONS = ('Conv', 'FusedConv')
_PRODUCTS = ('MatMul', 'FusedMatMul', 'Gemm')
_TYPES = {'tensor(float)': np.float32, 'tensor(uint8)': np.uint8}


def gmacs(path: Path) -> float:
    """
    Count the multiplications with addition of one image, in 10^9.

    Convolutions, products of matrices and attention count; adding, scaling, softmax and resizing
    do not.
    """
    return sum(_macs(event) for event in _events(path)) / 1e9


def _events(path: Path) -> list[Mapping[str, Any]]:
    """Run a graph as it is, without fusions, and give what is known of each of its nodes."""
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # A weight that is packed when the graph is loaded is no operand of its node any more.
    options.add_session_config_entry('session.disable_prepacking', '1')
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / 'profile')
        session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        (image,) = session.get_inputs()
        shape = [size if isinstance(size, int) else 1 for size in image.shape]
        session.run(None, {image.name: np.zeros(shape, _TYPES[image.type])})
        events = json.loads(Path(session.end_profiling()).read_text(encoding='utf-8'))
    return [event['args'] for event in events if event['name'].endswith('_kernel_time')]


def _macs(event: Mapping[str, Any]) -> int:
    inputs, outputs = _shapes(event['input_type_shape']), _shapes(event['output_type_shape'])
    kind = event['op_name']
    if kind in _CONVOLUTIONS:
        return prod(outputs[0]) * prod(inputs[1][1:])
    if kind == 'ConvTranspose':
        return prod(inputs[0]) * prod(inputs[1][1:])
    if kind in _PRODUCTS:
        return prod(outputs[0]) * inputs[0][-1]
    if kind == 'MultiHeadAttention':
        query, key, value = inputs[:3]
        # (N, keys, channels), or (N, heads, keys, channels of a head).
        return prod(query[:2]) * key[-2] * (query[-1] + prod(value[-1:]) * _heads(value))
    return 0


def _heads(value: Sequence[int]) -> int:
    return value[1] if len(value) == 4 else 1


def _shapes(entries: Sequence[Mapping[str, Sequence[int]]]) -> list[Sequence[int]]:
    return [shape for entry in entries for shape in entry.values()]
