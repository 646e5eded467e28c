# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which graph an engine takes."""

import pytest
from segformer_ros.bundle import BundleError, Graph, InputSize

BOTH = ('logits', 'depth')


def _graph(target='any', precision='float32', inputs='float32', outputs=BOTH):
    name = f'{target}_{precision}_{inputs}_{len(outputs)}.onnx'
    return Graph(target, precision, inputs, outputs, name, dict.fromkeys(outputs, 0.0))


def _size(*graphs):
    return InputSize(64, 128, graphs, 1, 'golden.npz')


def test_the_graph_written_for_the_engine_is_preferred():
    """One for any engine is only the second choice."""
    size = _size(_graph(), _graph('onnxruntime'), _graph('tensorrt', 'float16'))
    assert size.graph('onnxruntime').target == 'onnxruntime'
    assert size.graph('openvino').target == 'any'
    assert size.graph('tensorrt', precision='float16').precision == 'float16'


def test_an_engine_chooses_its_input():
    """The first of those it prefers that there is."""
    size = _size(_graph(), _graph(inputs='uint8'))
    assert size.graph('openvino').input == 'float32'
    assert size.graph('openvino', inputs=('uint8', 'float32')).input == 'uint8'
    assert size.graph('openvino', inputs=('uint8',)).input == 'uint8'


def test_the_graph_of_all_outputs_is_taken_unless_some_are_asked_for():
    """One for a single task is smaller, but not what is meant."""
    size = _size(_graph(outputs=('depth',)), _graph(), _graph(outputs=('logits',)))
    assert size.graph('onnxruntime').outputs == BOTH
    assert size.graph('onnxruntime', outputs=['depth']).outputs == ('depth',)
    assert size.graph('onnxruntime', outputs=['depth', 'logits']).outputs == BOTH


@pytest.mark.parametrize(
    'wanted', [{'precision': 'bfloat16'}, {'inputs': ('uint8',)}, {'outputs': ['logits']}]
)
def test_a_missing_graph_is_one_sentence(wanted):
    """It names what there is."""
    size = _size(_graph('tensorrt'), _graph())
    with pytest.raises(BundleError, match=r'64x128: expected a \w+ graph for openvino, found flo'):
        size.graph('openvino', **wanted)
    with pytest.raises(BundleError, match='found float32 for tensorrt: export the network for op'):
        _size(_graph('tensorrt')).graph('openvino')
