# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes are read as written, and refused with the key that is wrong."""

from pathlib import Path

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.config import ConfigError, load

SHIPPED = Path(__file__).parents[2] / 'config' / 'train' / 'world_b0.yaml'


def written(folder, text):
    """Write a recipe."""
    path = folder / 'recipe.yaml'
    path.write_text(text, encoding='utf-8')
    return path


def test_the_shipped_recipe_is_valid():
    """The recipe of world_b0 can be read."""
    config = load(SHIPPED)

    assert config.name == 'world_b0'
    assert config.network['size'] == 'b0'
    assert all(phase.minutes > 0.0 or phase.steps > 0 for phase in config.phases)


def test_held_out_seeds_are_not_trained_on():
    """No frame is both learnt from and measured."""
    config = load(SHIPPED)

    assert config.evaluation_seeds[1] < config.world.first_seed


def test_values_can_be_replaced():
    """key=value reaches nested keys, in YAML."""
    config = load(SHIPPED, ['world.frames=300', 'seed=4', 'evaluation_seeds=[2, 3]'])

    assert (config.world.frames, config.seed, config.evaluation_seeds) == (300, 4, (2, 3))


def test_numbers_without_a_point_are_numbers(tmp_path):
    """YAML reads 1e-3 as a text; the recipe does not."""
    config = load(written(tmp_path, 'phases:\n- {steps: 1, learning_rate: [1e-3, 0]}'))

    assert config.phases[0].learning_rate == (0.001, 0.0)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('sed: 1', "unknown key 'sed', the nearest known one is 'seed'"),
        ('world: {frame: 1}', "world: unknown key 'frame', the nearest known one is 'frames'"),
        ('seed: one', "seed: expected int, got 'one'"),
        ('warmup_steps: 1.5', 'warmup_steps: expected int, got 1.5'),
        ('clip_norm: high', "clip_norm: expected a number, got 'high'"),
        ('evaluation_size: [256]', 'evaluation_size: expected 2 values, got 1'),
        ('evaluation_size: 256', 'evaluation_size: expected a list, got 256'),
        ('world: 3', 'world: expected keys and values, got 3'),
        ('phases: [{minutes: 1, steps: 1}]', 'phase 0 needs either minutes or steps'),
        ('phases: [{steps: 1, crops: [[64, 50]]}]', 'crops of phase 0 must be multiples of 32'),
        ('- 1', 'expected the keys of a recipe'),
        ('a: [', 'not YAML'),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    """One sentence says which key is wrong and why."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))

    assert message in str(caught.value)


@pytest.mark.parametrize('override', ['seed', 'seed.x=1'])
def test_wrong_overrides_are_refused(override):
    """An override needs a value, and a key that can hold it."""
    with pytest.raises(ConfigError):
        load(SHIPPED, [override])
