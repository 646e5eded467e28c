# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a graph costs, counted in the graph itself."""

from __future__ import annotations

import math

from onnx import ModelProto, NodeProto, shape_inference
from segformer_ros.export.foreign.signature import shape_of

_FLOATS = {1, 10, 11, 16}


def parameters(model: ModelProto) -> int:
    """Count the weights in floating point."""
    found: int = sum(math.prod(w.dims) for w in model.graph.initializer if w.data_type in _FLOATS)
    return max(1, found)


def gmacs(model: ModelProto) -> float | None:
    """
    Count 10^9 multiplications with addition of convolutions and products of matrices.

    :param model: Of a fixed size.
    :returns: None where a shape is not known.
    """
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {item.name: shape_of(item) for item in (*inferred.value_info, *inferred.output)}
    shapes |= {item.name: shape_of(item) for item in inferred.input}
    shapes |= {item.name: tuple(item.dims) for item in inferred.initializer}
    total = 0
    for node in inferred.node:
        if node.op_type not in {'Conv', 'ConvTranspose', 'MatMul', 'Gemm'}:
            continue
        first, second, out = (
            shapes.get(n) for n in (node.input[0], node.input[1], node.output[0])
        )
        sides = (first, second, out)
        if any(side is None or None in side for side in sides):
            return None
        total += _macs(node, *sides)  # type: ignore[arg-type]
    return round(total / 1e9, 6)


def _macs(
    node: NodeProto, first: tuple[int, ...], second: tuple[int, ...], out: tuple[int, ...]
) -> int:
    if node.op_type == 'Conv':
        return math.prod(out) * math.prod(second[1:])
    if node.op_type == 'ConvTranspose':
        return math.prod(first) * math.prod(second[1:])
    if node.op_type == 'Gemm':
        transposed = any(item.name == 'transA' and item.i for item in node.attribute)
        return math.prod(out) * first[0 if transposed else 1]
    return math.prod(out) * first[-1]
