# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The recipe in docs/training.md is one, and its table of files is that of a run."""

from pathlib import Path
import re

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.fit import fit
from segformer_ros.training.recipe import resolve
from square_dataset import recipe
import yaml

TEXT = (Path(__file__).parents[2] / 'docs' / 'training.md').read_text(encoding='utf-8')


def test_recipe_of_the_documentation_can_be_read():
    """Every YAML block resolves, and its stages get the defaults."""
    blocks = re.findall(r'```yaml\n(.*?)```', TEXT, re.DOTALL)

    (config,) = [resolve(yaml.safe_load(block)) for block in blocks]

    assert [stage.optimizer.learning_rate for stage in config.stages] == [6e-5, 1e-5]
    assert [stage.schedule.warmup_steps for stage in config.stages] == [1500, 1500]


def test_table_names_every_file_of_a_run(tmp_path):
    """Nothing is written that the documentation does not explain."""
    table = TEXT.split('| file in `runs/NAME/` |')[1].split('\n\n')[0]
    loggers = ['csv', 'tensorboard']
    fit(resolve(recipe(tmp_path, loggers=loggers, stages=[{'steps': 1}])), lambda line: None)

    for path in tmp_path.iterdir():
        assert f'`{path.name}' in table, path.name
