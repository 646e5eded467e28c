# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A foreign graph between nodes that give it the input and the outputs of a bundle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import compose, helper, ModelProto, NodeProto, numpy_helper, TensorProto
from segformer_ros.export.check import ExportError
from segformer_ros.export.foreign.meaning import Meaning, TINY
from segformer_ros.export.foreign.signature import GraphInput

_PREFIX = 'foreign/'
_LEAST_OPSET = 11
_NUMBERS = {
    'float32': TensorProto.FLOAT,
    'float16': TensorProto.FLOAT16,
    'uint8': TensorProto.UINT8,
}


class _Chain:
    """Nodes one after the other, and their constants."""

    def __init__(self, name: str, first: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.last, self._name = first, name

    def constant(self, value: npt.ArrayLike, kind: npt.DTypeLike) -> str:
        name = f'{self._name}_constant_{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def then(self, op: str, *more: str, first: str | None = None, **attributes: object) -> str:
        output = f'{self._name}_{len(self.nodes)}'
        inputs = [first or self.last, *more]
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))  # type: ignore[arg-type]
        self.last = output
        return output


def with_fixed_size(model: ModelProto, found: GraphInput, height: int, width: int) -> ModelProto:
    """Copy a graph with an input of one image of this size; what followed from the old is left."""
    result = ModelProto()
    result.CopyFrom(model)
    shape = (1, 3, height, width) if found.layout == 'nchw' else (1, height, width, 3)
    for item in result.graph.input:
        if item.name == found.name:
            for dim, side in zip(item.type.tensor_type.shape.dim, shape, strict=True):
                dim.dim_value = side
    for item in result.graph.output:
        item.type.tensor_type.ClearField('shape')
    del result.graph.value_info[:]
    return result


def check_opset(model: ModelProto) -> int:
    """
    Return the opset of the standard operators.

    :raises ExportError: It is too old, or there are operators of other domains.
    """
    domains = {item.domain: item.version for item in model.opset_import}
    others = {node.domain for node in model.graph.node} - {'', 'ai.onnx'}
    if others:
        raise ExportError(
            f'expected standard operators, found those of {", ".join(sorted(others))}: export the '
            'graph without them, not one that an engine has optimised'
        )
    opset: int = domains.get('', domains.get('ai.onnx', 0))
    if opset < _LEAST_OPSET:
        raise ExportError(
            f'expected opset {_LEAST_OPSET} or later, found {opset}: export the graph again'
        )
    return opset


def adapt(
    model: ModelProto, found: GraphInput, output: str, meaning: Meaning, *, bgr: bool
) -> ModelProto:
    """
    Put a graph between nodes that turn our input into its own, and its output into ours.

    :param model: Of a fixed size.
    :param bgr: Whether it takes blue first.
    """
    inner = _pruned(compose.add_prefix(model, _PREFIX), _PREFIX + output)
    shape = [d.dim_value for d in _named(inner.graph.input, _PREFIX + found.name)]
    height, width = shape[2:] if found.layout == 'nchw' else shape[1:3]
    before = _before(found, bgr=bgr)
    for node in inner.graph.node:
        for index, name in enumerate(node.input):
            if name == _PREFIX + found.name:
                node.input[index] = before.last
    after = _after(meaning, _PREFIX + output)
    graph = helper.make_graph(
        [*before.nodes, *inner.graph.node, *after.nodes],
        'network',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, (1, 3, height, width))],
        [helper.make_tensor_value_info(meaning.output, TensorProto.FLOAT, None)],
        [*before.constants, *inner.graph.initializer, *after.constants],
    )
    result = helper.make_model(graph, opset_imports=list(model.opset_import))
    result.ir_version = min(model.ir_version, 10)
    result.functions.extend(inner.functions)
    return onnx.shape_inference.infer_shapes(result)


def _named(items: object, name: str) -> list[onnx.TensorShapeProto.Dimension]:
    return next(i for i in items if i.name == name).type.tensor_type.shape.dim  # type: ignore


def _before(found: GraphInput, *, bgr: bool) -> _Chain:
    chain = _Chain('before', 'image')
    if bgr:
        chain.then('Gather', chain.constant([2, 1, 0], np.int64), axis=1)
    if found.layout == 'nhwc':
        chain.then('Transpose', perm=[0, 2, 3, 1])
    if found.type == 'uint8':
        chain.then('Round')
    if found.type != 'float32':
        chain.then('Cast', to=_NUMBERS[found.type])
    return chain


def _after(meaning: Meaning, output: str) -> _Chain:
    chain = _Chain('after', output)
    if meaning.kind == 'class_ids':
        chain.then('Cast', to=TensorProto.INT32)
        _reshape(chain, meaning)
        ids = np.arange(meaning.channels).reshape(1, -1, 1, 1)
        chain.then('Equal', chain.constant(ids, np.int32))
        chain.then('Cast', to=TensorProto.FLOAT)
    else:
        chain.then('Cast', to=TensorProto.FLOAT)
        _reshape(chain, meaning)
        if meaning.output == 'depth':
            _depth(chain, meaning)
        else:
            _logits(chain, meaning)
    chain.then('Identity')
    chain.nodes[-1].output[0] = meaning.output
    return chain


def _reshape(chain: _Chain, meaning: Meaning) -> None:
    """Make (1, C, h, w) of any layout."""
    if meaning.channel_last:
        chain.then('Transpose', perm=[0, 3, 1, 2])
    channels = 1 if meaning.output == 'depth' or meaning.kind == 'class_ids' else -1
    chain.then('Reshape', chain.constant([1, channels, *meaning.grid], np.int64))


def _pruned(model: ModelProto, output: str) -> ModelProto:
    """Leave out what another output alone needs, and its weights."""
    graph, needed, kept = model.graph, {output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(_reads(node))
            kept.append(node)
    weights = [item for item in graph.initializer if item.name in needed]
    kept.reverse()
    for field, items in ((graph.node, kept), (graph.initializer, weights)):
        copies = [type(item).FromString(item.SerializeToString()) for item in items]
        del field[:]
        field.extend(copies)
    return model


def _reads(node: NodeProto) -> set[str]:
    """Name what a node takes, its inner graphs included."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= _reads(inner)
    return names


def _depth(chain: _Chain, meaning: Meaning) -> None:
    if meaning.kind == 'log_depth':
        chain.then('Exp')
    if meaning.scale != 1.0:
        chain.then('Mul', chain.constant(meaning.scale, np.float32))
    if meaning.shift != 0.0:
        chain.then('Add', chain.constant(meaning.shift, np.float32))
    if meaning.kind == 'inverse_depth':
        chain.then('Max', chain.constant(TINY, np.float32))
        chain.then('Reciprocal')


def _logits(chain: _Chain, meaning: Meaning) -> None:
    if meaning.kind == 'probabilities':
        value = chain.then('Clip', chain.constant(TINY, np.float32), chain.constant(1, np.float32))
        logs = chain.then('Log')
        if meaning.background:
            one = chain.constant(1, np.float32)
            chain.then('Sub', value, first=one)
            chain.then('Max', chain.constant(TINY, np.float32))
            chain.then('Concat', logs, first=chain.then('Log'), axis=1)
    elif meaning.background:
        value = chain.last
        zeros = chain.then('Mul', chain.constant(0, np.float32))
        chain.then('Concat', value, first=zeros, axis=1)
