# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What moves from the graphs into the file of weights."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='export needs torch')

import onnx
from onnx import helper, numpy_helper, TensorProto
import onnxruntime
from segformer_ros.export.weights_file import WeightsFile


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
