# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A request travels to another process as JSON, and holds nothing that cannot be built."""

import json
from pathlib import Path

import pytest
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.request import BuildOptions, BuildRequest


def test_a_request_survives_json():
    """Every field has another value than the default here."""
    request = BuildRequest(
        Path('/a/network.onnx'),
        (Path('/a/weights.bin'),),
        'float16',
        (1, 6),
        'world_b0 256x512',
        'sm86',
        'tensorrt_rtx',
        BuildOptions(2.5, 4, True, 'ampere_plus'),
        Path('/cache'),
        10**9,
    )
    assert BuildRequest.from_json(json.loads(json.dumps(request.as_json()))) == request
    plain = BuildRequest(Path('network.onnx'))
    assert BuildRequest.from_json(json.loads(json.dumps(plain.as_json()))) == plain


@pytest.mark.parametrize(
    ('fields', 'sentence'),
    [
        ({'images': (0, 1)}, '1 image or more at once, got 0 to 1'),
        ({'images': (4, 2)}, 'got 4 to 2'),
        ({'precision': 'fp16'}, "float16, bfloat16, int8, fp8, got 'fp16'"),
        ({'trt_variant': 'lean'}, "got 'lean'"),
        ({'device': 'orin'}, "such as sm86, or current, got 'orin'"),
    ],
)
def test_impossible_requests_are_refused(fields, sentence):
    """Before a process is started for it."""
    with pytest.raises(EngineError, match=sentence):
        BuildRequest(Path('network.onnx'), **fields)


@pytest.mark.parametrize(
    ('fields', 'sentence'),
    [
        ({'workspace_gb': 0.0}, 'workspace of 0 to 1024 GB, got 0'),
        ({'optimization_level': 6}, 'level of 0 to 5, got 6'),
        ({'hardware_compatible': 'all'}, "same_compute_capability, got 'all'"),
    ],
)
def test_options_that_no_builder_takes_are_refused(fields, sentence):
    """Each with its range."""
    with pytest.raises(EngineError, match=sentence):
        BuildOptions(**fields)
