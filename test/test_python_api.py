# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a program has from `from segformer_ros import Pipeline`."""

from pathlib import Path
import re

import numpy as np
import pytest
import segformer_ros
from segformer_ros.inference import pipeline

PAGE = Path(__file__).parents[1] / 'docs' / 'python.md'


def test_the_names_are_those_of_the_pipeline():
    """The package hands on the classes themselves."""
    assert segformer_ros.Pipeline is pipeline.Pipeline
    assert segformer_ros.Options is pipeline.Options
    assert segformer_ros.Prediction is pipeline.Prediction
    with pytest.raises(AttributeError, match=r"'segformer_ros' has no attribute 'Pipelin'"):
        _ = segformer_ros.Pipelin


def test_the_example_of_the_page_runs(capsys):
    """It prints a class and metres, and its results have the sizes that it says."""
    (example,) = re.findall(
        r'^```python\n(.*?)^```$', PAGE.read_text(encoding='utf-8'), re.M | re.S
    )
    names = {}
    exec(compile(example, str(PAGE), 'exec'), names)

    assert re.fullmatch(r'[a-z_]+ (\d+\.\d|nan) m\n', capsys.readouterr().out)
    assert names['result'].labels.shape == names['result'].depth.shape == (480, 640)
    assert (names['result'].labels.dtype, names['result'].depth.dtype) == (np.uint8, np.float32)
    assert [item.labels.shape for item in names['results']] == [(480, 640), (800, 1280)]
    np.testing.assert_array_equal(names['results'][0].labels, names['result'].labels)
    assert names['confidence'].shape == (480, 640)
