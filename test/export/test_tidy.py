# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tidied graph computes the same with fewer nodes."""

import pytest

torch = pytest.importorskip('torch', reason='graphs come from torch')
onnx = pytest.importorskip('onnx', reason='export needs onnx')

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from segformer_ros.export.onnx_graph import export_graph  # noqa: E402
from segformer_ros.export.tidy import select_outputs, tidy  # noqa: E402
from torch import nn  # noqa: E402


class Network(nn.Module):
    """Two outputs, padding and slices: what makes an exporter compute shapes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.second.load_state_dict(self.first.state_dict())

    def forward(self, image):
        """Return both outputs."""
        padded = nn.functional.pad(image, (1, 1, 1, 1))
        return {'a': self.first(padded[:, :, 1:, :-1]), 'b': self.second(image).relu()}


@pytest.fixture(scope='module')
def model():
    """Return the graph as it is exported."""
    return export_graph(Network(), torch.zeros(2, 3, 6, 8), ['a', 'b'])


def compute(model):
    """Run a graph on three images."""
    image = np.random.default_rng(1).standard_normal((3, 3, 6, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return session.run(None, {'image': image})


def test_a_tidied_graph_computes_the_same(model):
    """Bit for bit, without constants and arithmetic on shapes."""
    small = tidy(model)

    onnx.checker.check_model(small, full_check=True)
    kinds = {node.op_type for node in small.graph.node}
    assert kinds == {'Conv', 'Pad', 'Slice', 'Relu'}
    assert len(small.graph.node) < 0.5 * len(model.graph.node)
    for found, expected in zip(compute(small), compute(model), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_equal_weights_are_kept_once(model):
    """Two convolutions with the same weights and biases share both."""
    convolutions = [node for node in tidy(model).graph.node if node.op_type == 'Conv']

    assert convolutions[0].input[1:] == convolutions[1].input[1:]


def test_outputs_can_be_selected(model):
    """With what they need and nothing else."""
    only = select_outputs(tidy(model), ['b'])

    onnx.checker.check_model(only, full_check=True)
    assert [node.op_type for node in only.graph.node] == ['Conv', 'Relu']
    assert len(only.graph.initializer) == 2
    (found,), (_, expected) = compute(only), compute(model)
    np.testing.assert_array_equal(found, expected)


def test_the_graph_that_was_given_stays(model):
    """Only copies are changed."""
    before = model.SerializeToString()

    select_outputs(tidy(model), ['a'])

    assert model.SerializeToString() == before
