# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer train shows a recipe, and says in one line what is wrong with one."""

from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros import cli
from segformer_ros.training.recipe import load, resolve
import yaml

SHIPPED = Path(__file__).parents[2] / 'config' / 'train' / 'world_b0_fast.yaml'


def test_print_recipe_shows_the_resolved_recipe(capsys, tmp_path):
    """What it prints is a recipe that reads as the same, overrides included."""
    arguments = [
        'train',
        '--recipe',
        str(SHIPPED),
        '--print-recipe',
        'seed=5',
        f'output={tmp_path}',
    ]

    assert cli.main(arguments) == 0

    shown = resolve(yaml.safe_load(capsys.readouterr().out))
    assert shown == load(SHIPPED, ['seed=5', f'output={tmp_path}'])
    assert shown.stages[2].augment.photometric.kind == 'world'
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('override', 'message'),
    [
        ('sed=1', "unknown key 'sed', the nearest known one is 'seed'"),
        ('data.train.0.kind=moon', 'dataset kind must be one of ade20k'),
        ('classes.names=[road, lava]', "has no class 'lava'"),
        ('stages.0.frozen=[enkoder]', "no part of the network is called 'enkoder'"),
        ('hardware.accelerator=tpu', 'expected one of auto, cpu, cuda'),
    ],
)
def test_mistakes_are_one_line(tmp_path, capsys, override, message):
    """The exit status is 1 and the line names the mistake."""
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(tiny_recipe(tmp_path)), encoding='utf-8')

    assert cli.main(['train', '--recipe', str(path), override]) == 1

    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert message in error


def test_an_unknown_recipe_is_refused_before_torch_is_imported():
    """The nearest name is there at once."""
    code = (
        'import sys; from segformer_ros import cli; '
        "status = cli.main(['train', '--recipe', 'own_dat']); "
        "sys.exit(9 if 'torch' in sys.modules else status)"
    )
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, '')
    assert "did you mean 'own_data'?" in ended.stderr


def tiny_recipe(folder):
    """Return the keys of a recipe on tiny frames of the world."""
    return {
        'name': 'tiny',
        'output': str(folder / 'run'),
        'network': {'decoder_dim': 16, 'depth_dim': 16, 'depth_stride': 4},
        'classes': {'label_set': 'carla_0914', 'names': ['road', 'sky']},
        'data': {
            'train': [{'kind': 'world', 'options': {'frames': 1, 'size': '32x64'}}],
        },
        'loggers': [],
        'stages': [{'steps': 1}],
    }
