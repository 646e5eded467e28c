# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs refer to one file of weights, which holds equal weights once."""

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='export needs onnx')

from onnx import helper, numpy_helper, TensorProto  # noqa: E402
import onnxruntime  # noqa: E402
from segformer_ros.export.weights_file import WeightsFile  # noqa: E402


def graph(**arrays):
    """Return a graph that only holds constants."""
    tensors = [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    return helper.make_model(helper.make_graph([], 'constants', [], [], tensors))


def load(model, tmp_path, file):
    """Write a graph and its weights, read both again and give the constants by name."""
    (tmp_path / file.name).write_bytes(file.content)
    (tmp_path / 'graph.onnx').write_bytes(model.SerializeToString())
    loaded = onnx.load(tmp_path / 'graph.onnx')
    return {item.name: numpy_helper.to_array(item) for item in loaded.graph.initializer}


def test_equal_weights_of_two_graphs_are_kept_once(tmp_path):
    """Also when their shapes differ: a 1x1 convolution and a matrix have the same numbers."""
    weights = np.arange(128, dtype=np.float32).reshape(8, 16)
    first, second = graph(a=weights), graph(b=weights[:, :, None, None], c=weights + 1.0)
    file = WeightsFile('weights.bin')

    file.take(first)
    file.take(second)

    assert len(file.content) == 2 * weights.nbytes
    np.testing.assert_array_equal(load(first, tmp_path, file)['a'], weights)
    found = load(second, tmp_path, file)
    np.testing.assert_array_equal(found['b'], weights[:, :, None, None])
    np.testing.assert_array_equal(found['c'], weights + 1.0)


def test_numbers_that_shapes_depend_on_stay_in_the_graph(tmp_path):
    """However many they are: engines infer shapes before they read weights."""
    sizes = np.full(100, 32, dtype=np.int64)
    model = graph(sizes=sizes, small=np.ones(3, np.float32))
    file = WeightsFile('weights.bin')

    file.take(model)

    assert file.content == b''
    kinds = {item.data_location for item in model.graph.initializer}
    assert kinds == {TensorProto.DEFAULT}
    np.testing.assert_array_equal(load(model, tmp_path, file)['sizes'], sizes)


def test_sizes_of_a_long_split_stay_inside_the_graph(tmp_path):
    """ONNX Runtime must know them before it opens other files; 40 take more than 256 bytes."""
    rows = np.arange(80 * 4, dtype=np.float32).reshape(80, 4)
    parts = [f'part{index}' for index in range(40)]
    graph = helper.make_graph(
        [
            helper.make_node('Add', ['image', 'rows'], ['sum']),
            helper.make_node('Split', ['sum', 'sizes'], parts, axis=0),
            helper.make_node('Concat', parts, ['out'], axis=1),
        ],
        'split',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, [80, 4])],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, [2, 160])],
        [
            numpy_helper.from_array(rows, 'rows'),
            numpy_helper.from_array(np.full(40, 2, np.int64), 'sizes'),
        ],
    )
    opset = [helper.make_opsetid('', 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    weights = WeightsFile('weights.bin')

    weights.take(model)

    (tmp_path / 'weights.bin').write_bytes(weights.content)
    onnx.save(model, tmp_path / 'network.onnx')
    assert weights.content == rows.tobytes()
    session = onnxruntime.InferenceSession(
        tmp_path / 'network.onnx', providers=['CPUExecutionProvider']
    )
    (found,) = session.run(None, {'image': np.zeros((80, 4), np.float32)})
    np.testing.assert_array_equal(found, rows.reshape(40, 2, 4).transpose(1, 0, 2).reshape(2, 160))
