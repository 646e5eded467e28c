# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/recipes.md names every recipe, and its commands are understood."""

import argparse
import itertools
from pathlib import Path
import re
import shlex

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.commands import evaluate, train
from segformer_ros.datasets.dataset_spec import parse
from segformer_ros.training.recipe import load
from segformer_ros.training.schedules import factor

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'config' / 'train'
TEXT = (ROOT / 'docs' / 'recipes.md').read_text(encoding='utf-8')
COMMANDS = [shlex.split(line) for line in re.findall(r'^    segformer (.*)$', TEXT, re.M)]
TRAININGS = [words[1:] for words in COMMANDS if words[0] == 'train']
EVALUATIONS = [words[1:] for words in COMMANDS if words[0] == 'evaluate']
OWN = {
    'world_b0', 'world_b0_fast', 'world_b0_slim', 'own_data', 'road_b0', 'road_b2', 'depth_scale',
}  # fmt: skip


def read(module, words):
    """Parse the words of a command."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(words)


def load_as_told(words):
    """Read the recipe of a training command."""
    args = read(train, words)
    return load(args.recipe, args.overrides)


def rungs():
    """Return name, mIoU and replaced values of each row of the ladder, from its top down."""
    table = TEXT[TEXT.index('| last improvement | mIoU |') :].split('\n\n')[0].split('\n')[2:]
    return [[cell.strip(' `') for cell in row.strip('|').split('|')] for row in table]


def test_every_recipe_is_in_the_table():
    """What others have published is all there, with the steps and batches of the files."""
    rows = dict(re.findall(r'^\| `(\w+)` \| (.*)$', TEXT, re.M))

    assert set(rows) == {path.stem for path in FOLDER.glob('*.yaml')} - OWN
    for name, row in rows.items():
        config = load(FOLDER / f'{name}.yaml')
        steps, batch = re.search(r'([\d ]+) x (\d+) \|', row).groups()
        assert int(steps.replace(' ', '')) == config.total_steps
        assert {stage.batch_size for stage in config.stages} == {int(batch)}


@pytest.mark.parametrize('words', TRAININGS, ids=' '.join)
def test_training_command_is_understood(words):
    """Recipe and replaced values make a recipe, whose size fits what it starts from."""
    config = load_as_told(words)

    assert config.network.size in config.name or '_b' not in config.name
    if config.init.startswith('hf://nvidia/mit-'):
        assert config.init.endswith(config.network.size)


@pytest.mark.parametrize('words', EVALUATIONS, ids=' '.join)
def test_evaluation_is_that_of_the_recipe(words):
    """The published figure is measured as while training, on the same data."""
    args = read(evaluate, words)
    config = load(FOLDER / f'{Path(args.model).parent.name}.yaml')
    (wanted,) = config.data.validation

    spec = parse(args.data, split='val', options=args.option)
    assert (spec.kind, spec.root) == (wanted.kind, wanted.root)
    assert spec.options.items() <= wanted.options.items()
    inference = wanted.inference
    assert (args.resize, args.ratios) == (inference.resize, inference.ratios)
    assert (args.flip, args.average) == (inference.flip, inference.average)
    assert (args.window, args.stride) == (inference.window, inference.stride)
    assert (args.input_size, args.scale) == (inference.size, inference.scale)
    if config.network.depth:
        assert (args.min_depth, args.max_depth) == (wanted.depth.min_m, wanted.depth.max_m)
        assert args.crop == wanted.depth.crop


def test_ladder_takes_one_thing_away_after_the_other():
    """Every rung can be read, and differs from the one above."""
    replaced, found = [], []
    for _, miou, values in rungs():
        replaced += values.split()
        found.append((float(miou), load(FOLDER / 'kitti_b2.yaml', replaced)))

    figures = [miou for miou, _ in found]
    assert figures == sorted(figures, reverse=True)
    assert len(figures) == 7
    lowest = found[-1][1]
    loss, stage = lowest.stages[0].loss.segmentation, lowest.stages[0]
    assert (loss.kind, loss.class_weights) == ('cross_entropy', 'none')
    assert (stage.optimizer.kind, stage.schedule.kind) == ('adam', 'constant')
    assert not lowest.network.auxiliary_head
    assert lowest.init == 'hf://nvidia/mit-b2'
    different = [one != two for (_, one), (_, two) in itertools.pairwise(found)]
    assert all(different)


@pytest.mark.parametrize(
    ('name', 'stage', 'share', 'rate'),
    [
        ('shift_two_stage_b0', 0, 0.0, 6e-5),
        ('shift_two_stage_b0', 0, 1.0, 0.0),
        ('shift_two_stage_b0', 1, 0.0, 5e-5),
        ('shift', 0, 0.5, 3e-5),
        ('glpn_nyu', 0, 0.0, 3e-5),
        ('glpn_nyu', 0, 0.5, 1e-4),
        ('glpn_kitti', 0, 1.0, 3e-5),
        ('cityscapes_b0', 0, 0.0, 6e-11),
        ('ade20k_b0', 0, 1500 / 160000, 6e-5),
        ('ade20k_b5_640', 0, (1500 + 158500 / 2) / 160000, 3e-5),
        ('kitti_b2', 0, 0.5, 5e-6),
        ('ade20k_4_b0', 0, 1.0, 6e-5),
        ('segformer3d_b3', 0, 0.0, 1e-3),
        ('segformer3d_b3', 0, 0.3, 1e-2),
    ],
)
def test_rate_at_a_share_of_the_steps(name, stage, share, rate):
    """The learning rate runs as published."""
    stage = load(FOLDER / f'{name}.yaml').stages[stage]

    found = stage.optimizer.learning_rate * factor(
        stage.schedule, round(share * stage.steps), stage.steps
    )

    assert found == pytest.approx(rate, rel=2e-3, abs=1e-15)
