# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The multiplications of a graph are counted from its nodes."""

from comparison import arithmetic
import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest


def write(path, nodes, shape, weights, *, domains=('',)):
    """Write a graph of one image with some weights, and one output of any shape."""
    graph = helper.make_graph(
        nodes,
        'graph',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.zeros(size, np.float32), name)
            for name, size in weights.items()
        ],
    )
    versions = {'': 17, 'com.microsoft': 1}
    opsets = [helper.make_opsetid(name, versions[name]) for name in domains]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_convolutions_count_their_outputs_times_their_window(tmp_path):
    """8 channels of 3x3x4, then a depthwise 3x3, both on 6x10 pixels."""
    nodes = [
        helper.make_node('Conv', ['image', 'w'], ['a'], pads=[1, 1, 1, 1]),
        helper.make_node('Conv', ['a', 'd'], ['out'], pads=[1, 1, 1, 1], group=8),
    ]
    weights = {'w': (8, 4, 3, 3), 'd': (8, 1, 3, 3)}
    path = write(tmp_path / 'conv.onnx', nodes, ['N', 4, 6, 10], weights)
    expected = 6 * 10 * 8 * 9 * 4 + 6 * 10 * 8 * 9
    assert arithmetic.gmacs(path) == pytest.approx(expected / 1e9)


def test_products_count_and_the_rest_does_not(tmp_path):
    """(5, 7) by (7, 3) are 105; adding and resizing cost nothing."""
    nodes = [
        helper.make_node('MatMul', ['image', 'w'], ['a']),
        helper.make_node('Add', ['a', 'a'], ['b']),
        helper.make_node('Softmax', ['b'], ['out']),
    ]
    path = write(tmp_path / 'product.onnx', nodes, [1, 5, 7], {'w': (7, 3)})
    assert arithmetic.gmacs(path) == pytest.approx(105 / 1e9)


def test_fused_attention_counts_both_of_its_products(tmp_path):
    """Query by key, and the result by value: twice 6 queries, 4 keys, 16 channels."""
    nodes = [
        helper.make_node('MatMul', ['short', 'image'], ['keys']),
        helper.make_node(
            'MultiHeadAttention',
            ['image', 'keys', 'keys'],
            ['out'],
            domain='com.microsoft',
            num_heads=2,
        ),
    ]
    domains = ('', 'com.microsoft')
    weights = {'short': (1, 4, 6)}
    path = write(tmp_path / 'attention.onnx', nodes, [1, 6, 16], weights, domains=domains)
    assert arithmetic.gmacs(path) == pytest.approx((4 * 6 * 16 + 2 * 6 * 4 * 16) / 1e9)


def test_bands_of_a_case_are_those_of_its_size(case):
    """Of the plain B0 the two heads are most: 0.58 of 10^9 at 64x128."""
    plain = arithmetic.gmacs(case.plain_graph)
    assert plain == pytest.approx(0.584, abs=0.001)
    assert arithmetic.gmacs(case.labels_graph) == plain
