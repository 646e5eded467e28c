# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of backends, and the page that describes them."""

from pathlib import Path
import re

import pytest
from segformer_ros import bundle
from segformer_ros.inference.backend_table import automatic, NAMES, TABLE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'backends.md').read_text(encoding='utf-8')
_FIRST_TABLE = PAGE.split('\n\n')[2].splitlines()[2:]
ROWS = {
    name: row.split('|')[1:-1]
    for row in _FIRST_TABLE
    for name in re.findall(r'`(\w+)`', row.split('|')[1])
}


def test_the_page_has_a_row_for_every_backend():
    """And no other; its precision is named in the row or in the name."""
    assert sorted(ROWS) == sorted(NAMES)
    for name, row in TABLE.items():
        computes = ROWS[name][2]
        assert row.precision in computes or (
            'as named' in computes and name.endswith(row.precision)
        )


@pytest.mark.parametrize('name', TABLE)
def test_a_row_names_a_module_and_a_precision_of_bundles(name):
    """The module lies next to the table."""
    row = TABLE[name]
    assert (ROOT / f'{row.module.replace(".", "/")}.py').is_file()
    assert row.precision in bundle.PRECISIONS
    assert row.install.startswith('pip install ')


def test_auto_takes_exact_backends_unless_any_is_allowed():
    """Those of a GPU in the order of preference."""
    assert automatic('float32', gpu=False) == ('onnxruntime', 'openvino')
    assert automatic('any', gpu=False) == ('onnxruntime', 'openvino', 'openvino_bfloat16')
    assert automatic('float32', gpu=True) == ('tensorrt_float32', 'torch')
    assert automatic('any', gpu=True) == (
        'tensorrt_float16', 'tensorrt_float32', 'torch_float16', 'torch',
    )  # fmt: skip
