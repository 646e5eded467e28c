# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an export writes follows from its options, and contradictions are refused."""

import pytest

pytest.importorskip('torch', reason='export needs torch')

from segformer_ros.export.rewrites import CPU, GPU, ONNX_RUNTIME
from segformer_ros.export.variants import ExportOptions, Variant, variants

ANY = Variant('any', 'float32', 'float32', CPU)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ({}, [ANY]),
        ({'targets': ('openvino',)}, [ANY]),
        ({'plain': True}, [Variant('any', 'float32', 'float32', None)]),
        (
            {'fused_attention': True},
            [ANY, Variant('onnxruntime', 'float32', 'float32', ONNX_RUNTIME)],
        ),
        ({'targets': ('tensorrt',)}, [Variant('tensorrt', 'float16', 'uint8', GPU)]),
        (
            {'targets': ('tensorrt', 'openvino'), 'precisions': ('bfloat16', 'float32')},
            [
                ANY,
                Variant('tensorrt', 'bfloat16', 'uint8', GPU),
                Variant('tensorrt', 'float32', 'uint8', GPU),
            ],
        ),
        (
            {'targets': ('tensorrt',), 'plain': True},
            [Variant('tensorrt', 'float16', 'float32', None)],
        ),
    ],
)
def test_options_make_variants(options, expected):
    """The engines of processors share a float32 graph; TensorRT gets its own, of bytes."""
    assert variants(ExportOptions(**options)) == expected


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'targets': ('tflite',)}, "one of onnxruntime, openvino, tensorrt, torch, got 'tflite'"),
        ({'targets': ()}, 'a target or more'),
        ({'opset': 16}, 'one of 17, 18, 19, 20, got 16'),
        ({'targets': ('tensorrt',), 'precisions': ('int8',)}, "got 'int8'"),
        ({'precisions': ('float16',)}, 'precision float16 is for the target tensorrt'),
        ({'fused_attention': True, 'plain': True}, 'fused attention is a rewrite'),
        ({'fused_attention': True, 'targets': ('openvino',)}, 'fused attention is a rewrite'),
    ],
)
def test_contradictions_are_refused(options, message):
    """In one sentence that names what is wrong."""
    with pytest.raises(ValueError, match=message):
        variants(ExportOptions(**options))


def test_files_are_named_for_what_tells_them_apart():
    """The graph that most users run has the shortest name."""
    assert ANY.stem(256, 512) == 'network_256x512'
    low = Variant('tensorrt', 'float16', 'uint8', GPU)
    assert low.stem(256, 512) == 'network_256x512_tensorrt_float16'
