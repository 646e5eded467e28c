# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Denormal numbers count as zero while a network is computed, and not for its caller."""

from concurrent.futures import ThreadPoolExecutor
import subprocess
import sys
import threading

import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest
from segformer_ros.inference import onnxruntime_backend
from segformer_ros.inference.denormals import can_switch, denormals_as_zero

pytestmark = pytest.mark.skipif(
    not can_switch(), reason='the switch is one of x86-64 with the GNU C library'
)

SMALLEST = np.finfo(np.float32).tiny


def faded() -> bool:
    """Return whether this thread gives zero where a result is a denormal number."""
    return not (np.full(4, SMALLEST) * np.float32(0.25)).any()


def test_denormal_numbers_are_zero_within_and_as_before_afterwards():
    """Nested or not, in threads that start within, and after an error."""
    with denormals_as_zero():
        assert faded()
        with denormals_as_zero():
            assert faded()
        assert faded()
        seen = []
        thread = threading.Thread(target=lambda: seen.append(faded()))
        thread.start()
        thread.join()
    assert seen == [True]
    assert not faded()
    with pytest.raises(KeyError), denormals_as_zero():
        raise KeyError
    assert not faded()


def test_numpy_is_not_surprised():
    """It warns where it finds no denormal numbers when it first looks for the smallest."""
    program = (
        'import numpy as np\n'
        'from segformer_ros.inference.denormals import denormals_as_zero\n'
        'with denormals_as_zero():\n'
        '    print(np.finfo(np.float32).smallest_subnormal)\n'
    )
    found = subprocess.run(
        [sys.executable, '-W', 'error', '-c', program], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, '')


def attention_graph(path):
    """Write a graph that gives the softmax of its input, and return scores 100 apart."""
    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 512, 4096]) for name in
            ('image', 'logits')]  # fmt: skip
    nodes = [helper.make_node('Softmax', ['image'], ['logits'], axis=-1)]
    graph = helper.make_graph(nodes, 'attention', rows[:1], rows[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    onnx.save(model, path)
    return np.tile(np.linspace(-100.0, 0.0, 4096, dtype=np.float32), (1, 3, 512, 1))


@pytest.mark.parametrize('threads', [1, 2])
def test_probabilities_that_fade_are_zero_in_onnxruntime_on_any_thread(tmp_path, threads):
    """
    Those of trained networks do, and took up to a fifth of the time of a network.

    Also in a second session, in a thread that was there before and in those of the engine, and
    without a trace in the arithmetic of the caller.
    """
    scores = attention_graph(tmp_path / 'graph.onnx')
    with ThreadPoolExecutor(1) as pool:
        assert not pool.submit(faded).result()
        onnxruntime_backend._Engine(threads).open(tmp_path / 'graph.onnx', ['logits'])
        session = onnxruntime_backend._Engine(threads).open(tmp_path / 'graph.onnx', ['logits'])
        for found in (
            session.run(scores, ['logits'])[0],
            pool.submit(session.run, scores, ['logits']).result()[0],
        ):
            assert found.max() > 1e-4
            assert (found == 0.0).any()
            assert not ((found > 0.0) & (found < SMALLEST)).any()
        assert not pool.submit(faded).result()
    assert not faded()
