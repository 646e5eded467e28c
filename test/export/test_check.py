# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is beyond its tolerance is refused by name."""

import numpy as np
import pytest

pytest.importorskip('onnx', reason='export needs onnx')
pytest.importorskip('torch', reason='export needs torch')

from segformer_ros.export.check import check_graph, ExportError


@pytest.fixture
def expected():
    """Return outputs of about one."""
    random = np.random.default_rng(1)
    return {
        'logits': random.standard_normal((1, 4, 8, 8)).astype(np.float32),
        'depth': random.standard_normal((1, 1, 8, 8)).astype(np.float32),
    }


def test_the_largest_difference_is_reported(expected):
    """For the outputs that there are."""
    found = {'depth': expected['depth'] + np.float32(1e-4)}

    errors = check_graph('a.onnx', found, expected, 'float32')

    assert errors == {'depth': pytest.approx(1e-4, rel=0.01)}


@pytest.mark.parametrize('wrong', [0.01, np.nan])
def test_a_difference_in_float32_is_refused(expected, wrong):
    """Numbers that are none, too."""
    expected['depth'][0, 0, 3, 3] += wrong
    found = {'depth': np.nan_to_num(expected['depth'] - np.float32(0.02))}

    with pytest.raises(ExportError, match=r'a\.onnx: expected float32 depth within 0\.001'):
        check_graph('a.onnx', found, expected, 'float32')


def test_lower_precisions_are_compared_as_a_whole(expected):
    """A few per cent of the output are right, a tenth is not."""
    noise = np.random.default_rng(2).standard_normal(expected['depth'].shape).astype(np.float32)

    check_graph('a.onnx', {'depth': expected['depth'] + 0.02 * noise}, expected, 'float16')
    with pytest.raises(ExportError, match=r'expected float16 depth within 0\.05'):
        check_graph('a.onnx', {'depth': expected['depth'] + 0.1 * noise}, expected, 'float16')


def test_most_labels_must_be_the_same(expected):
    """Also where the numbers hardly differ."""
    logits = np.full((1, 2, 8, 8), 5.0, np.float32)
    logits[:, 0] += 0.01
    found = {'logits': logits[:, ::-1].copy()}

    with pytest.raises(ExportError, match='98% of the labels in bfloat16'):
        check_graph('a.onnx', found, {'logits': logits}, 'bfloat16')
