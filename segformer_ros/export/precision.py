# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs whose weights and activations are float16 or bfloat16."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
from onnx import helper, ModelProto, NodeProto, numpy_helper, shape_inference, TensorProto
import torch

TYPES = {'float16': TensorProto.FLOAT16, 'bfloat16': TensorProto.BFLOAT16}
_TORCH = {'float16': torch.float16, 'bfloat16': torch.bfloat16}
# Sums of squares and of exponentials, which overflow or lose digits; Cast and Sub are those of
# the image: a byte minus the mean has more digits than float16.
_FLOAT32 = ('LayerNormalization', 'Softmax', 'Cast', 'Sub')
# By operator, inputs that are float32 whatever the precision: region and scales of Resize.
_ALWAYS_FLOAT32 = {'Resize': (1, 2)}
# The first in which every operator of the network takes the type.
_LEAST_OPSET = {'float32': 1, 'float16': 17, 'bfloat16': 22}


class _Lowering:
    """The nodes of a graph, rewritten one by one."""

    def __init__(self, model: ModelProto, precision: str) -> None:
        self.precision, self.type = precision, TYPES[precision]
        self.nodes: list[NodeProto] = []
        self.types = _value_types(model)
        self.tensors = {item.name: item for item in model.graph.initializer}
        self.computed: set[str] = set()
        self.known: dict[tuple[str, int], str] = {}

    def take(self, node: NodeProto) -> None:
        """Append a node with its inputs and outputs in the types that it shall compute in."""
        copy = NodeProto.FromString(node.SerializeToString())
        wanted = TensorProto.FLOAT if node.op_type in _FLOAT32 else self.type
        fixed = _ALWAYS_FLOAT32.get(node.op_type, ())
        for index, name in enumerate(node.input):
            if name and index not in fixed and self.types[name] == TensorProto.FLOAT:
                copy.input[index] = self.value(name, wanted)
        self.nodes.append(copy)
        for name in node.output:
            if self.types[name] == TensorProto.FLOAT:
                self.known[name, wanted] = name
                self.computed.add(name)

    def value(self, name: str, wanted: int) -> str:
        """Name a float value in a type; cast it where it is first needed in that type."""
        if (name, wanted) in self.known:
            return self.known[name, wanted]
        result = f'{name}_{TensorProto.DataType.Name(wanted).lower()}'
        if name in self.tensors:
            self.tensors[result] = _tensor(self.tensors[name], result, wanted, self.precision)
        elif name not in self.computed and wanted == TensorProto.FLOAT:
            # An input of the graph has this type.
            result = name
        else:
            self.nodes.append(helper.make_node('Cast', [name], [result], to=wanted))
        self.known[name, wanted] = result
        return result


def _tensor(tensor: TensorProto, name: str, wanted: int, precision: str) -> TensorProto:
    if wanted == TensorProto.FLOAT:
        return helper.make_tensor(
            name, wanted, tensor.dims, numpy_helper.to_array(tensor).tobytes(), raw=True
        )
    values = torch.from_numpy(numpy_helper.to_array(tensor).copy()).to(_TORCH[precision])
    data = values.reshape(-1).view(torch.uint8).numpy().tobytes()
    return helper.make_tensor(name, wanted, tensor.dims, data, raw=True)


def lowered(model: ModelProto, precision: str) -> ModelProto:
    """
    Copy a float32 graph with weights and activations in a lower precision.

    Inputs and outputs stay as they are. The types are those of the graph itself, as an engine
    that only follows them needs it: normalisations and softmax are between two casts.

    :param model: Tidied, with standard operators and its weights inside.
    :param precision: 'float16' or 'bfloat16'.
    """
    lowering = _Lowering(model, precision)
    for node in model.graph.node:
        lowering.take(node)
    result = ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    outputs = [item.name for item in graph.output]
    nodes = _with_outputs(lowering, outputs)
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(item for name, item in lowering.tensors.items() if name in used)
    _standard_opset(result).version = opset_for(precision, _standard_opset(model).version)
    return result


def opset_for(precision: str, opset: int) -> int:
    """Return the opset of a graph in a precision, made from a float32 graph of another opset."""
    return max(opset, _LEAST_OPSET[precision])


def _with_outputs(lowering: _Lowering, outputs: Iterable[str]) -> list[NodeProto]:
    """Let the outputs be float32 under their names."""
    nodes = list(lowering.nodes)
    for name in outputs:
        if (name, lowering.type) in lowering.known:
            low = f'{name}_low'
            for node in nodes:
                node.input[:] = [low if item == name else item for item in node.input]
                node.output[:] = [low if item == name else item for item in node.output]
            nodes.append(helper.make_node('Cast', [low], [name], to=TensorProto.FLOAT))
    return nodes


def _standard_opset(model: ModelProto) -> onnx.OperatorSetIdProto:
    (opset,) = (item for item in model.opset_import if item.domain in {'', 'ai.onnx'})
    result: onnx.OperatorSetIdProto = opset
    return result


def emulated(model: ModelProto, opset: int) -> ModelProto:
    """
    Copy a lowered graph to one in float32 that rounds after every node as the other does.

    ONNX Runtime has no kernels for bfloat16 on a CPU; this is how such a graph is checked.

    :param model: With its weights inside.
    :param opset: Of the float32 graph that was lowered.
    """
    types = _value_types(model)
    result = ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    for tensor in graph.initializer:
        if tensor.data_type in TYPES.values():
            values = numpy_helper.to_array(tensor).astype('float32')
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    nodes = []
    for node in model.graph.node:
        copy = NodeProto.FromString(node.SerializeToString())
        nodes.append(copy)
        if node.op_type == 'Cast' and node.attribute[0].i in TYPES.values():
            copy.attribute[0].i = TensorProto.FLOAT
        for index, name in enumerate(node.output):
            if types[name] in TYPES.values():
                copy.output[index] = f'{name}_exact'
                nodes += _rounded(f'{name}_exact', name, types[name])
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    _standard_opset(result).version = opset
    return result


def _rounded(name: str, result: str, kind: int) -> list[NodeProto]:
    """Cast a float32 value there and back."""
    return [
        helper.make_node('Cast', [name], [f'{result}_cut'], to=kind),
        helper.make_node('Cast', [f'{result}_cut'], [result], to=TensorProto.FLOAT),
    ]


def _value_types(model: ModelProto) -> dict[str, int]:
    """Return the element type of every value and weight of a graph."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {item.name: item.type.tensor_type.elem_type for item in values}
    types.update({item.name: item.data_type for item in graph.initializer})
    return types
