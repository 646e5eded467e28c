# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs in float16 and bfloat16 have these types and stay near the network."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='graphs come from torch')
onnx = pytest.importorskip('onnx', reason='export needs onnx')

from onnx import shape_inference, TensorProto  # noqa: E402
from random_network import random_network  # noqa: E402
from segformer_ros.export.check import run_graph  # noqa: E402
from segformer_ros.export.onnx_graph import empty_input, export_graph, OPSET  # noqa: E402
from segformer_ros.export.precision import lowered, opset_for, TYPES  # noqa: E402
from segformer_ros.export.rewrites import GPU, rewrite  # noqa: E402
from segformer_ros.export.tidy import tidy  # noqa: E402
from segformer_ros.inference.golden_gate import relative_rms  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FLOAT32 = {'LayerNormalization', 'Softmax', 'Sub'}
# Root mean square of the difference over that of the output.
LIMITS = {'float16': 0.005, 'bfloat16': 0.04}


@pytest.fixture(scope='module')
def network():
    """Return a network with every kind of layer."""
    return random_network(depth_stride=2, depth_activation='log')


@pytest.fixture(scope='module')
def model(network):
    """Return its float32 graph, which takes bytes."""
    rewritten = rewrite(network, 64, 64, GPU, bytes_of=(MEAN, STD)).float()
    image = empty_input(64, 64, 'uint8', images=2)
    return tidy(export_graph(rewritten, image, ['logits', 'depth']))


def types_by_value(model):
    """Return the element type of every value in a graph."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {item.name: item.type.tensor_type.elem_type for item in values}
    return {**types, **{item.name: item.data_type for item in graph.initializer}}


@pytest.mark.parametrize('precision', TYPES)
def test_the_types_are_those_of_the_graph(model, precision):
    """Engines that follow types alone compute products in low precision, norms in float32."""
    low = lowered(model, precision)

    onnx.checker.check_model(low, full_check=True)
    assert [item.version for item in low.opset_import] == [opset_for(precision, OPSET)]
    types = types_by_value(low)
    assert types['image'] == TensorProto.UINT8
    assert types['logits'] == types['depth'] == TensorProto.FLOAT
    kinds = {node.op_type for node in low.graph.node}
    assert {'LayerNormalization', 'Softmax', 'Conv', 'Gemm', 'MatMul', 'Resize'} <= kinds
    for node in low.graph.node:
        if node.op_type != 'Cast':
            expected = TensorProto.FLOAT if node.op_type in FLOAT32 else TYPES[precision]
            assert {types[name] for name in node.output} == {expected}, node.name


@pytest.mark.parametrize('precision', TYPES)
def test_no_cast_leads_back_at_once(model, precision):
    """A value is cast once, where it is first needed."""
    casts = [node for node in lowered(model, precision).graph.node if node.op_type == 'Cast']

    assert len({(node.input[0], node.attribute[0].i) for node in casts}) == len(casts)
    outputs = {node.output[0] for node in casts}
    assert [node.input[0] for node in casts if node.input[0] in outputs] == []


@torch.no_grad()
@pytest.mark.parametrize('precision', TYPES)
def test_the_outputs_stay_near_those_of_the_network(network, model, tmp_path, precision):
    """float16 as ONNX Runtime computes it, bfloat16 with every value rounded."""
    path = tmp_path / 'low.onnx'
    path.write_bytes(lowered(model, precision).SerializeToString())
    image = np.random.default_rng(3).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    planes = ((torch.from_numpy(image) / 255.0 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(
        0, 3, 1, 2
    )

    found = run_graph(path, image, 17)

    for name, value in network(planes).items():
        error = relative_rms(found[name], value.numpy())
        assert LIMITS[precision] / 100.0 < error < LIMITS[precision]


def test_the_graph_that_was_given_stays(model):
    """Only a copy is changed."""
    before = model.SerializeToString()

    lowered(model, 'float16')

    assert model.SerializeToString() == before
