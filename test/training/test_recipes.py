# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every recipe that ships runs on a tiny sample of its data, and can learn."""

import csv
import math
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='training needs torch')

from overfit import overfit
from recipe_trees import shrink, write_trees
from segformer_ros.training.fit import fit
from segformer_ros.training.recipe import load, resolve
from segformer_ros.training.run_files import LAST_FILE
from segformer_ros.training.yaml_config import write
import yaml

FOLDER = Path(__file__).parents[2] / 'config' / 'train'
RECIPES = sorted(path.stem for path in FOLDER.glob('*.yaml'))


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    """Return a folder with a tiny sample of each dataset."""
    return write_trees(tmp_path_factory.mktemp('samples'))


@pytest.fixture
def small(samples, tmp_path, monkeypatch):
    """Return a function that reads a recipe, cut to the size of the samples."""
    monkeypatch.chdir(samples)
    return lambda name: shrink(load(FOLDER / f'{name}.yaml'), tmp_path / name)


@pytest.mark.parametrize('name', RECIPES)
def test_a_recipe_trains_two_steps(small, name):
    """A recipe trains on its data, measures what it says is best, and leaves weights."""
    config = small(name)

    fit(config, lambda line: None)

    with (config.folder / 'training.csv').open(encoding='utf-8') as file:
        losses = [float(row['loss']) for row in csv.DictReader(file)]
    assert len(losses) == config.total_steps >= 2
    assert all(math.isfinite(loss) for loss in losses)
    with (config.folder / 'evaluation.csv').open(encoding='utf-8') as file:
        *_, last = csv.DictReader(file)
    assert all(math.isfinite(float(last[figure])) for figure in config.best)
    assert (config.folder / LAST_FILE).is_file()


@pytest.mark.parametrize(
    ('name', 'stage'), [('shift_two_stage_b0', 0), *((name, -1) for name in RECIPES)]
)
def test_some_steps_halve_the_loss(small, name, stage):
    """
    A stage begins to learn one batch by heart, with its own heads, losses and optimizer.

    The narrow head of world_b0_slim learns slower.
    """
    steps = 60 if name == 'world_b0_slim' else 30
    first, last = overfit(small(name), stage=stage, steps=steps)

    assert last < 0.5 * first


@pytest.mark.parametrize('name', RECIPES)
def test_what_is_printed_is_the_recipe(name):
    """With all defaults written out it is still the same."""
    config = load(FOLDER / f'{name}.yaml')

    assert resolve(yaml.safe_load(write(config))) == config
    assert config.name.startswith(name)
