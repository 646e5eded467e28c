# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes are read as written, and refused with the key that is wrong."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from segformer_ros.network import NetworkConfig
from segformer_ros.training.config import ModelConfig, TrainConfig
from segformer_ros.training.recipe import check_same, load, resolve
from segformer_ros.training.yaml_config import ConfigError, write
from segformer_ros.world import CLASS_IDS
from square_dataset import recipe
import yaml

RECIPES = Path(__file__).parents[2] / 'config' / 'train'


@pytest.mark.parametrize(('name', 'steps'), [('world_b0_fast', 26_700), ('world_b0', 1100)])
def test_shipped_recipes_learn_the_classes_of_the_world_and_are_measured_on_other_seeds(
    name, steps
):
    """The recipes can be read, and no frame is both trained on and evaluated."""
    config = load(RECIPES / f'{name}.yaml')

    assert config.folder == Path('runs') / name
    assert config.total_steps == steps
    held_out = config.data.validation[0].options
    for item in config.data.train:
        assert held_out['first_seed'] + held_out['frames'] <= item.options['first_seed']
    table = {item.name: item.id for item in _carla().classes}
    assert [table[name] for name in config.classes.names] == list(CLASS_IDS)


def _carla():
    from segformer_ros.labels import CARLA_0914

    return CARLA_0914


def test_network_key_has_the_fields_of_a_network():
    """What can be built can be named in a recipe, but for the number of classes."""
    known = {item.name for item in fields(NetworkConfig)} - {'num_classes'}
    assert known <= {item.name for item in fields(ModelConfig)}


def test_stages_get_the_defaults_that_they_do_not_replace():
    """Keys inside of a part are replaced one by one, lists as a whole."""
    stages = [{'steps': 1}, {'steps': 2, 'augment': {'crop': {'sizes': [[32, 32]]}, 'flip': 0.0}}]

    config = resolve(recipe('out', stages=stages))

    first, second = config.stages
    assert first.augment.crop.sizes == ((32, 64), (64, 64))
    assert second.augment.crop.sizes == ((32, 32),)
    assert (first.augment.flip, second.augment.flip) == (0.5, 0.0)
    assert second.augment.resize == first.augment.resize
    assert config.place(0) == (0, 0)
    assert config.place(2) == (1, 1)


def test_resolved_recipe_reads_as_itself():
    """What --print-recipe shows is a recipe, and the same one."""
    config = resolve(recipe('out', stages=[{'steps': 1, 'batch_size': 4}]))

    assert resolve(yaml.safe_load(write(config))) == config


def test_values_can_be_replaced(tmp_path):
    """key=value reaches keys inside of parts, lists and defaults, in YAML."""
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(recipe('out')), encoding='utf-8')

    config = load(path, ['seed=4', 'stages.0.steps=9', 'defaults.batch_size=6', 'init=hf://a/b'])

    assert (config.seed, config.init) == (4, 'hf://a/b')
    assert (config.stages[0].steps, config.stages[0].batch_size) == (9, 6)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'sed': 1}, "unknown key 'sed', the nearest known one is 'seed'"),
        ({'seed': 'one'}, "recipe.seed: expected int, got 'one'"),
        ({'defaults': {'batchsize': 1}}, "recipe.defaults: unknown key 'batchsize'"),
        ({'stages': [{'step': 1}]}, "unknown key 'step', the nearest known one is 'steps'"),
        ({'stages': [{'batch_size': 2}]}, "recipe.stages[0]: the key 'steps' is missing"),
        ({'stages': [{'steps': 0}]}, 'steps and batch_size must be at least 1, not 0'),
        ({'stages': []}, 'expected at least one stage'),
        ({'stages': [3]}, 'recipe.stages[0]: expected keys and values, got 3'),
        ({'defaults': 3}, 'recipe.defaults: expected keys and values, got 3'),
        ({'network': {'depth': False}}, 'stages[0] trains depth: network.depth is off'),
        ({'stages': [{'steps': 1, 'tasks': ['labels']}]}, 'expected one of segmentation, depth'),
        ({'network': {'size': 'b9'}}, 'recipe.network.size: expected one of b0, b1, b2'),
        ({'accumulate': 0}, 'accumulate and log_steps must be at least 1'),
        ({'hardware': {'nodes': 0}}, 'nodes at least 1'),
        ({'data': {'train': []}}, 'expected at least one stage and one training dataset'),
    ],
)
def test_mistakes_are_named(changes, message):
    """One sentence says which key is wrong and why."""
    with pytest.raises(ConfigError) as caught:
        resolve(recipe('out', **changes))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ('changes', 'difference'),
    [
        ({'seed': 1}, 'seed was 0, now 1'),
        ({'stages': [{'steps': 5}]}, 'stages.0.steps was 4, now 5'),
        (
            {'network': {**recipe('')['network'], 'depth_dim': 8}},
            'network.depth_dim was 16, now 8',
        ),
    ],
)
def test_run_of_another_recipe_is_not_resumed(changes, difference):
    """What decides the weights must be what it was; the first difference is named."""
    config = resolve(recipe('out'))

    with pytest.raises(ConfigError, match=difference):
        check_same(config.as_dict(), resolve(recipe('out', **changes)), 0)


def test_what_does_not_touch_the_past_may_change():
    """More stages, other intervals and other loggers go on with the run."""
    config = resolve(recipe('out'))
    more = recipe('out', stages=[{'steps': 4}, {'steps': 8}], evaluation_steps=3, loggers=[])

    check_same(config.as_dict(), resolve(more), 0)
    check_same(replace(config, output='elsewhere').as_dict(), config, 0)


def test_run_of_an_older_version_is_resumed():
    """A key that was not there then had its default; only another value of it is refused."""
    config = resolve(recipe('out'))
    older = config.as_dict()
    del older['stages'][0]['schedule']['start_ratio']

    check_same(older, config, 0)
    newer = recipe('out', stages=[{'steps': 4, 'schedule': {'start_ratio': 0.5}}])
    with pytest.raises(ConfigError, match=r'start_ratio was 0.3, now 0.5'):
        check_same(older, resolve(newer), 0)


def test_keys_of_another_version_are_named():
    """What is no longer known here cannot be what it was."""
    config = resolve(recipe('out'))

    with pytest.raises(ConfigError, match="depth_scope was 'all', now None"):
        check_same({**config.as_dict(), 'depth_scope': 'all'}, config, 0)


def test_every_key_is_described():
    """The help of the recipe is the docstrings of its parts."""
    said = TrainConfig.__doc__
    for item in fields(TrainConfig):
        documented = f':param {item.name}:' in said
        assert documented or item.name in {
            'name', 'data', 'stages', 'seed', 'network', 'classes', 'hardware', 'loggers', 'wandb',
        }  # fmt: skip
