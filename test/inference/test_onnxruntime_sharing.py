# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two threads in one session of ONNX Runtime."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from segformer_ros import bundle as bundles
from segformer_ros.inference import onnxruntime_backend
from tiny_bundle import make_tiny_bundle


def test_memory_is_planned_where_threads_share_a_session_and_outputs_are_the_same(tmp_path):
    """To the last bit; a thread alone has its memory piece by piece, which takes less of it."""
    bundle = bundles.read(make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128),)))
    alone, shared = (onnxruntime_backend.load(bundle, threads=count) for count in (1, 2))
    assert shared.share(2) == 2
    options = [item._engine._options() for item in (alone, shared)]
    assert [item.enable_mem_pattern for item in options] == [False, True]
    assert [item.intra_op_num_threads for item in options] == [1, 1]
    images = np.random.default_rng(5).standard_normal((8, 1, 3, 64, 128)).astype(np.float32)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(shared.infer, images))
    for image, outputs in zip(images, found, strict=True):
        for name, value in alone.infer(image).items():
            np.testing.assert_array_equal(outputs[name], value)
