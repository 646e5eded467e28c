#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# onnxruntime 1.32.0 on Linux x86-64: set_denormal_as_zero of the first session also flushes numpy.
#
# Guess: the option makes denormal results zero in the session that has it, and nowhere else.
# Seen: in the thread that makes sessions and runs them, the first session of the process decides for
# all later ones, whose option is ignored (its header says that a main thread keeps the first one).
# Where the option was on, that thread keeps the switch afterwards: numpy's results are flushed to
# zero, too. Without the option a softmax of scores from -100 to 0, as trained attention has them,
# gives denormal probabilities.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/look.py" <<'PYTHON'
import sys

import numpy as np
from onnx import helper, TensorProto
import onnxruntime

SHAPE = [1, 8192]
TINY = np.float32(np.finfo(np.float32).tiny)
scores = np.linspace(-100.0, 0.0, SHAPE[1], dtype=np.float32)[None]
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in 'xy']
nodes = [helper.make_node('Softmax', ['x'], ['y'], axis=-1)]
graph = helper.make_graph(nodes, 'g', value[:1], value[1:])
opsets = [helper.make_opsetid('', 17)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def session(as_zero):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry('session.set_denormal_as_zero', as_zero)
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def denormals(values):
    bits = values.view(np.uint32)
    return bool(((bits & 0x7F800000 == 0) & (bits & 0x007FFFFF != 0)).any())


for option in sys.argv[1:]:
    (found,) = session(option).run(None, {'x': scores})
    of_numpy = np.full(4, TINY) * np.float32(0.25)
    print(f'option {option}: denormals of softmax {denormals(found)}, of numpy {denormals(of_numpy)}')
PYTHON
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
    onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
{
    echo 'off first:'
    "$work/venv/bin/python" "$work/look.py" 0 1
    echo 'on first:'
    "$work/venv/bin/python" "$work/look.py" 1 0
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
off first:
option 0: denormals of softmax True, of numpy True
option 1: denormals of softmax True, of numpy True
on first:
option 1: denormals of softmax False, of numpy False
option 0: denormals of softmax False, of numpy False
SEEN
echo 'as stated'
