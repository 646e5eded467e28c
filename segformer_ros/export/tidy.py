# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs made small: what is known of shapes is computed once, names are short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, ModelProto, NodeProto, numpy_helper
from onnx.reference import ReferenceEvaluator

# Shapes, axes, indices and scales by type and most values. Weights are never folded: their copies
# could not be shared.
_KNOWN = {np.dtype(np.int32): 4096, np.dtype(np.int64): 4096, np.dtype(np.float32): 8}
_FOLDED = (
    'Add', 'Cast', 'Concat', 'ConstantOfShape', 'Div', 'Gather', 'Mul', 'Reshape', 'Shape',
    'Slice', 'Squeeze', 'Sub', 'Transpose', 'Unsqueeze',
)  # fmt: skip


def tidy(model: ModelProto) -> ModelProto:
    """
    Copy a graph without what need not be in it; it computes the same.

    Constants become initializers, arithmetic on shapes that are known is done, nodes that
    nothing needs are gone, and values have short names. Inputs and outputs keep theirs.
    """
    result = ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    known = _lift_constants(graph)
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        if node.op_type == 'Identity' and node.output[0] not in _names(graph.output):
            renamed[node.output[0]] = node.input[0]
            continue
        folded = _fold(node, known)
        if folded is None:
            kept.append(node)
        else:
            known[node.output[0]] = folded
            graph.initializer.append(numpy_helper.from_array(folded, node.output[0]))
    _replace_nodes(graph, kept)
    return select_outputs(result, _names(graph.output))


def select_outputs(model: ModelProto, outputs: Sequence[str]) -> ModelProto:
    """
    Copy what of a graph computes some of its outputs.

    :param outputs: Their names, in the order that they shall have.
    """
    result = ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    by_name = {item.name: item for item in model.graph.output}
    del graph.output[:]
    graph.output.extend(by_name[name] for name in outputs)
    needed = set(outputs)
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    _replace_nodes(graph, kept[::-1])
    used = [item for item in graph.initializer if item.name in needed]
    _replace_initializers(graph, used)
    del graph.value_info[:]
    _shorten_names(result)
    return result


def _names(items: Iterable[onnx.ValueInfoProto]) -> list[str]:
    return [item.name for item in items]


def _replace_nodes(graph: onnx.GraphProto, nodes: Sequence[NodeProto]) -> None:
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _replace_initializers(graph: onnx.GraphProto, tensors: Sequence[onnx.TensorProto]) -> None:
    copies = [onnx.TensorProto.FromString(item.SerializeToString()) for item in tensors]
    del graph.initializer[:]
    graph.initializer.extend(copies)


def _lift_constants(graph: onnx.GraphProto) -> dict[str, npt.NDArray[np.generic]]:
    """Make initializers of constants; give all that may be folded."""
    nodes = []
    for node in graph.node:
        if node.op_type != 'Constant':
            nodes.append(node)
            continue
        tensor = graph.initializer.add()
        tensor.CopyFrom(helper.get_attribute_value(node.attribute[0]))
        tensor.name = node.output[0]
    _replace_nodes(graph, nodes)
    arrays = ((item.name, numpy_helper.to_array(item)) for item in graph.initializer)
    return {name: value for name, value in arrays if _is_small(value)}


def _is_small(value: npt.NDArray[np.generic]) -> bool:
    return value.size <= _KNOWN.get(value.dtype, 0)


def _fold(
    node: NodeProto, known: dict[str, npt.NDArray[np.generic]]
) -> npt.NDArray[np.generic] | None:
    if node.op_type not in _FOLDED or any(name and name not in known for name in node.input):
        return None
    feeds = {name: known[name] for name in node.input if name}
    outputs: Any = ReferenceEvaluator(node).run(None, feeds)
    value = np.asarray(outputs[0])
    return value if _is_small(value) else None


def _shorten_names(model: ModelProto) -> None:
    graph = model.graph
    fixed = {*_names(graph.input), *_names(graph.output), ''}
    short: dict[str, str] = {}
    counter = _counter(fixed)
    merged: dict[bytes, str] = {}
    tensors = []
    for item in graph.initializer:
        content = onnx.TensorProto()
        content.CopyFrom(item)
        content.name = ''
        key = content.SerializeToString()
        if key not in merged:
            merged[key] = next(counter)
            tensors.append(item)
        short[item.name] = merged[key]
        item.name = merged[key]
    _replace_initializers(graph, tensors)
    for node in graph.node:
        node.input[:] = [name if name in fixed else short[name] for name in node.input]
        for name in node.output:
            if name not in fixed:
                short[name] = next(counter)
        node.output[:] = [name if name in fixed else short[name] for name in node.output]
        node.ClearField('doc_string')


def _counter(fixed: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if (name := format(number, 'x')) not in fixed:
            yield name
