# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A run learns, goes on bit for bit where it was interrupted, and keeps what was best."""

import csv
import math
import os
from pathlib import Path
import signal
import subprocess
import sys

from lightning_fabric import Fabric
import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from overfit import overfit
from segformer_ros.checkpoints import load as load_checkpoint
from segformer_ros.network.checkpoint import CheckpointError, read, write
from segformer_ros.training.fit import fit, Stage, TrainingRun
from segformer_ros.training.recipe import load, resolve
from segformer_ros.training.run_data import open_data
from segformer_ros.training.run_files import BEST_FILE, LAST_FILE, RESUME_FILE
from segformer_ros.training.torch_network import TorchNetwork
from segformer_ros.training.yaml_config import ConfigError
from square_dataset import recipe
import torch
import yaml

PROGRAM = Path(__file__).with_name('train_squares.py')
TWO_STAGES = [
    {'name': 'labels', 'steps': 2, 'tasks': ['segmentation']},
    {
        'name': 'both',
        'steps': 3,
        'loss': {'weighting': {'kind': 'uncertainty'}},
        'frozen': ['encoder.stages.0'],
    },
]


def train(config, **options):
    """Train without a word."""
    lines = []
    fit(config, lines.append, **options)
    return lines


def state(config):
    """Return the tensors to resume from."""
    return read(config.folder / RESUME_FILE)[0]


def assert_same(config, other):
    """Weights, average, moments and loss are equal bit for bit."""
    one, two = state(config), state(other)
    assert one.keys() == two.keys()
    different = [name for name, value in one.items() if not torch.equal(value, two[name])]
    assert different == []


def test_a_run_that_is_stopped_says_from_where_the_same_command_continues(tmp_path, monkeypatch):
    """The step that it reached, and the one whose state is on the disk."""
    config, lines = resolve(recipe(tmp_path, checkpoint_steps=2)), []
    step = Stage.step

    def interrupted(self, batches):
        if self.owner.trained.step == 3:
            raise KeyboardInterrupt
        return step(self, batches)

    with monkeypatch.context() as patch:
        patch.setattr(Stage, 'step', interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(config, lines.append)
    assert lines[-1] == 'stopped at step 3 of 4; the same command continues from step 2'
    assert any(line.startswith('done: ') for line in train(config))


def test_thirty_steps_overfit_one_batch(tmp_path):
    """The loss falls to a fraction of what it was."""
    first, last = overfit(resolve(recipe(tmp_path)))

    assert last < 0.5 * first


@pytest.mark.parametrize('stop', [1, 2, 4])
def test_interrupted_run_ends_with_the_same_state(tmp_path, stop):
    """Stopping in a stage or between two and going on changes nothing, bit for bit."""
    changes = {'stages': TWO_STAGES, 'data': {'train': [{'kind': 'squares'}]}}
    whole = resolve(recipe(tmp_path / 'whole', **changes))
    config = resolve(recipe(tmp_path / 'parts', **changes))
    train(whole)

    train(config, max_steps=stop)
    assert read(config.folder / RESUME_FILE)[1]['progress']['step'] == stop
    lines = train(config)

    assert any(f'resumed at step {stop}' in line for line in lines)
    assert_same(whole, config)


@pytest.mark.slow
def test_killed_process_loses_nothing_but_its_last_steps(tmp_path):
    """After kill -9 the same command ends with the weights of a run that was left alone."""
    changes = {'stages': [{'steps': 16}], 'data': {'train': [{'kind': 'squares'}]}}
    path = tmp_path / 'recipe.yaml'
    values = recipe(tmp_path / 'killed', **changes, checkpoint_steps=1)
    path.write_text(yaml.safe_dump(values), encoding='utf-8')
    config, whole = load(path), resolve(recipe(tmp_path / 'whole', **changes))
    killed = subprocess.run(
        [sys.executable, str(PROGRAM), '--recipe', str(path)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {'KILLED_BY': str(config.folder / RESUME_FILE)},
    )

    assert killed.returncode == -signal.SIGKILL
    done = read(config.folder / RESUME_FILE)[1]['progress']['step']
    assert 0 < done < 16
    train(config)
    train(whole)

    assert_same(whole, config)


def test_labels_alone_leave_the_depth_head_as_it_was(tmp_path):
    """The first of two stages neither computes nor trains what it does not name."""
    config = resolve(recipe(tmp_path, stages=TWO_STAGES))
    train(config, max_steps=1)
    before = state(config)
    train(config, max_steps=1)
    after = state(config)
    train(config)
    last = state(config)

    def moved(one, two, part):
        names = [name for name in one if name.startswith(f'model.{part}')]
        return any(not torch.equal(one[name], two[name]) for name in names)

    assert not moved(before, after, 'depth_head')
    assert moved(before, after, 'segmentation_head')
    assert moved(after, last, 'depth_head')
    assert not moved(after, last, 'encoder.stages.0')
    assert moved(after, last, 'encoder.stages.1')
    assert 'loss.loss.weighting.log_variances.depth' in last


def test_finished_run_stays_finished(tmp_path):
    """Starting the same recipe again does no more steps, and more stages go on."""
    config = resolve(recipe(tmp_path))
    train(config)
    before = state(config)

    train(config)

    assert all(torch.equal(value, before[name]) for name, value in state(config).items())
    more = resolve(recipe(tmp_path, stages=[{'steps': 4}, {'steps': 1}]))
    train(more)
    assert read(config.folder / RESUME_FILE)[1]['progress']['step'] == 5


def test_folder_of_another_recipe_is_refused(tmp_path):
    """Nothing is overwritten; the message says what differs."""
    train(resolve(recipe(tmp_path)), max_steps=1)

    with pytest.raises(ConfigError, match=r'seed was 0, now 1: choose another output'):
        train(resolve(recipe(tmp_path, seed=1)))


def test_weights_hold_the_network_and_its_figures(tmp_path):
    """What is exported knows its classes, its focal length and what was measured."""
    config = resolve(recipe(tmp_path, evaluation_steps=2))
    lines = train(config, command='segformer train it')

    loaded = load_checkpoint(config.folder / LAST_FILE)
    network, facts = loaded.network, loaded.facts

    assert facts['classes'] == [1, 11, 14]
    assert facts['class_names'] == ['road', 'sky', 'car']
    assert (facts['label_set'], facts['focal_length_px']) == ('carla_0914', 48.0)
    assert facts['command'] == 'segformer train it'
    assert facts['data'] == '8 samples of squares (train)'
    assert 0.0 <= facts['metrics']['miou'] <= 1.0
    assert math.isfinite(facts['metrics']['abs_rel'])
    assert not network.training
    assert sum('measured in' in line for line in lines) == 2
    assert resolve(yaml.safe_load((config.folder / 'config.yaml').read_text())) == config
    for name, value in state(config).items():
        if name.startswith('ema.'):
            assert torch.equal(value, network.state_dict()[name.removeprefix('ema.')]), name


def test_best_weights_are_those_of_the_highest_score(tmp_path):
    """The figure of the recipe decides, whenever it was reached."""
    config = resolve(recipe(tmp_path, evaluation_steps=1, best={'accuracy': -1.0}))
    train(config)

    with (config.folder / 'evaluation.csv').open(encoding='utf-8', newline='') as file:
        rows = {int(row['step']): float(row['score']) for row in csv.DictReader(file)}
    assert sorted(rows) == [1, 2, 3, 4]
    facts = read(config.folder / BEST_FILE)[1]
    assert rows[facts['progress']['step']] == pytest.approx(max(rows.values()))
    assert facts['progress']['best'] == pytest.approx(max(rows.values()), rel=1e-4)
    pictures = sorted(path.name for path in (config.folder / 'pictures').iterdir())
    assert pictures == [f'000000{step}_0_00.jpg' for step in (1, 2, 3, 4)]


def test_damaged_state_is_named(tmp_path):
    """A cut file to resume from is an error, not a new run."""
    config = resolve(recipe(tmp_path))
    train(config, max_steps=1)
    path = config.folder / RESUME_FILE
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(CheckpointError, match='damaged'):
        train(config)


def test_state_of_an_earlier_release_is_not_resumed(tmp_path):
    """It cannot be gone on with, but be started from, and the message says how."""
    config = resolve(recipe(tmp_path / 'new'))
    train(config, max_steps=1)
    path = config.folder / RESUME_FILE
    tensors, facts = read(path)
    write(path, tensors, {**facts, 'recipe': {'phases': []}})

    with pytest.raises(CheckpointError, match=r'not of a run with stages: .* `init: .*resume'):
        train(config)
    lines = train(resolve(recipe(tmp_path / 'other', init=str(path))), max_steps=1)
    assert any('starts from' in line for line in lines)


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_half_precision_learns_and_resumes(tmp_path, precision):
    """Weights stay float32; the scaler of float16 is a part of the state."""
    hardware = {'accelerator': 'cpu', 'threads': 1, 'precision': precision}
    changes = {'hardware': hardware, 'data': {'train': [{'kind': 'squares'}]}}
    config = resolve(recipe(tmp_path / 'parts', **changes))
    whole = resolve(recipe(tmp_path / 'whole', **changes))
    train(whole)
    train(config, max_steps=2)
    train(config)

    assert_same(whole, config)
    tensors, facts = read(config.folder / RESUME_FILE)
    assert {t.dtype for n, t in tensors.items() if n.endswith('weight')} == {torch.float32}
    assert bool(facts['scaler']) == (precision == 'float16')


@pytest.mark.parametrize(('precision', 'rounded'), [('bfloat16', True), ('float32', False)])
def test_evaluation_computes_as_the_training(tmp_path, precision, rounded):
    """In bfloat16 the logits are those of float32 but for its rounding."""
    hardware = {'accelerator': 'cpu', 'threads': 1, 'precision': precision}
    config = resolve(recipe(tmp_path, hardware=hardware))
    data = open_data(config)
    run = TrainingRun(config, Fabric(accelerator='cpu', devices=1), data, print)
    image = data.validation[0][0].image
    module = run.trained.weights()

    found = run.files.network(run.trained).infer(image, image.shape[:2]).logits
    exact = TorchNetwork(module, run.files.network(run.trained).facts)
    exact = exact.infer(image, image.shape[:2]).logits

    assert np.allclose(found, exact, rtol=0.0, atol=1e-5) != rounded
    np.testing.assert_allclose(found, exact, atol=0.1)


def test_best_may_look_at_another_validation_set(tmp_path):
    """Its number stands before the figure."""
    sets = [{'kind': 'squares', 'options': {'frames': 2}}, {'kind': 'squares', 'split': 'train'}]
    data = {'train': [{'kind': 'squares'}], 'validation': sets}
    best = {'1/accuracy': 10.0, 'accuracy': 1.0}
    train(config := resolve(recipe(tmp_path, data=data, stages=[{'steps': 1}], best=best)))

    with (config.folder / 'evaluation.csv').open(encoding='utf-8', newline='') as file:
        (row,) = csv.DictReader(file)
    expected = 10.0 * float(row['1/accuracy']) + float(row['accuracy'])
    assert float(row['score']) == pytest.approx(expected, rel=1e-4)
