# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A step whose numbers are not finite leaves no trace in a run but its count."""

import csv
import json
import math

from lightning_fabric import Fabric
import pytest

pytest.importorskip('torch', reason='training needs torch')

from safetensors.torch import load_file, save_file
from segformer_ros import cli
from segformer_ros.checkpoints import load
from segformer_ros.network.checkpoint import CheckpointError, read, write
from segformer_ros.training import broken_steps
from segformer_ros.training import fit as fit_module
from segformer_ros.training.broken_steps import DivergedError
from segformer_ros.training.fit import fit, random_seed, TrainingRun
from segformer_ros.training.learner import Learner
from segformer_ros.training.progress import ProgressBar
from segformer_ros.training.recipe import resolve
from segformer_ros.training.run_data import open_data
from segformer_ros.training.run_files import BEST_FILE, LAST_FILE, RESUME_FILE
from segformer_ros.training.run_state import pack_optimizer
from segformer_ros.training.validation import score
from square_dataset import recipe
import torch

SQUARES = {'train': [{'kind': 'squares'}]}
STATISTICS = 'segmentation_head.batch_norm.running_var'


def spoil(module, inputs):
    """Return a batch norm numbers whose squares overflow, so that its output stays finite."""
    return (inputs[0] * 1e25,)


def everything(run):
    """Return all that a step may change, copied."""
    optimizer, objective = run.trained.live
    tensors = {f'model.{n}': t for n, t in run.trained.network.state_dict().items()}
    tensors |= {f'ema.{n}': t for n, t in run.trained.ema.state_dict().items()}
    tensors |= {f'loss.{n}': t for n, t in objective.state_dict().items()}
    tensors |= pack_optimizer(optimizer)[0]
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@pytest.mark.parametrize('weighting', ['fixed', 'gradnorm', 'uncertainty'])
@pytest.mark.parametrize('where', ['image', 'statistics'])
def test_broken_step_is_undone_bit_for_bit(tmp_path, where, weighting):
    """Weights, moments, statistics of batch norms, averages and weights of losses stay."""
    stages = [{'steps': 4, 'loss': {'weighting': {'kind': weighting}}}]
    config = resolve(recipe(tmp_path, data=SQUARES, stages=stages))
    said = []
    run = TrainingRun(config, Fabric(accelerator='cpu', devices=1), open_data(config), print)
    stage = run.stage(ProgressBar(4, 0, said.append, bar=False))
    stage.step(run.batches(0))
    before = everything(run)
    batches = run.batches(1)
    norm = run.trained.network.segmentation_head.batch_norm
    hook = norm.register_forward_pre_hook(spoil)
    if where == 'image':
        hook.remove()
        (batch,) = batches
        batches = (type(batch)(batch.image * torch.inf, *list(vars(batch).values())[1:]),)

    values = stage.step(batches)
    hook.remove()

    after = everything(run)
    assert after.keys() == before.keys()
    assert [n for n, t in after.items() if not torch.equal(t, before[n])] == []
    assert (run.trained.step, values['broken_steps']) == (2, 1.0)
    assert len(said) == 1
    assert 'step 2 was undone: ' in said[0]
    assert ('statistics of batch norms' in said[0]) or where == 'image'
    stage.step(run.batches(2))
    moved = everything(run)
    assert not torch.equal(moved['model.' + STATISTICS], after['model.' + STATISTICS])
    assert all(torch.isfinite(t).all() for n, t in moved.items() if not n.startswith('loss.'))
    assert run.trained.broken.in_a_row == 0


class Spoiled(Learner):
    """Computes with NaN in the steps that it is told."""

    steps = frozenset()

    def forward(self, image, *others):
        """Spoil the image of some steps, known by their seed."""
        if others[-1] in {random_seed(0, step, 0, 0) for step in self.steps}:
            image = image * torch.nan
        return super().forward(image, *others)


@pytest.fixture
def spoiled(monkeypatch):
    """Let runs be spoiled in the steps of a set."""
    monkeypatch.setattr(fit_module, 'Learner', Spoiled)

    def choose(*steps):
        monkeypatch.setattr(Spoiled, 'steps', frozenset(steps))

    return choose


# The scaler of float16 finds its scale by a step that overflows.
@pytest.mark.parametrize(('precision', 'count'), [('float32', 2), ('float16', 3)])
def test_run_with_broken_steps_counts_and_resumes_bit_for_bit(tmp_path, spoiled, precision, count):
    """The count stands in the last line, in training.csv and in the file to resume from."""
    spoiled(1, 2)
    hardware = {'accelerator': 'cpu', 'threads': 1, 'precision': precision}
    changes = {'data': SQUARES, 'hardware': hardware}
    whole, parts = (resolve(recipe(tmp_path / n, **changes)) for n in ('whole', 'parts'))
    lines = []
    fit(whole, lines.append)
    fit(parts, print, max_steps=2)
    fit(parts, print)

    one, facts = read(whole.folder / RESUME_FILE)
    two, other = read(parts.folder / RESUME_FILE)
    assert [name for name, value in one.items() if not torch.equal(value, two[name])] == []
    assert facts['progress']['broken_steps'] == other['progress']['broken_steps'] == count
    assert facts['scaler'] == other['scaler']
    assert lines[-1].endswith(f'({count} steps were undone)')
    with (whole.folder / 'training.csv').open(encoding='utf-8', newline='') as file:
        rows = [int(row['broken_steps']) for row in csv.DictReader(file)]
    assert rows == [count - 2, count - 1, count, count]


def test_training_ends_where_no_step_is_sound(tmp_path, spoiled, monkeypatch):
    """Too many in a row are an error that says what to do, and no weights are written."""
    monkeypatch.setattr(broken_steps, 'MOST_IN_A_ROW', 3)
    spoiled(0, 2, 3, 4)
    config = resolve(recipe(tmp_path, data=SQUARES, stages=[{'steps': 9}], checkpoint_steps=1))

    with pytest.raises(
        DivergedError, match=r'stopped at step 5: .* 3 steps in a row, .* lower the learning rate'
    ):
        fit(config, print)

    tensors, facts = read(config.folder / RESUME_FILE)
    assert facts['progress']['broken_in_a_row'] == 2
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())
    assert not (config.folder / BEST_FILE).exists()
    with pytest.raises(DivergedError, match='stopped at step 5'):
        fit(config, print)


@pytest.fixture
def broken_file(tmp_path):
    """Return the weights of a short training with infinity in the statistics of a batch norm."""
    config = resolve(recipe(tmp_path / 'run', data=SQUARES, stages=[{'steps': 1}]))
    fit(config, print)
    for name in (LAST_FILE, RESUME_FILE):
        path = config.folder / name
        facts = read(path)[1]
        tensors = load_file(path)
        for key in tensors:
            if key.endswith('batch_norm.running_var'):
                tensors[key][0] = torch.inf
        with pytest.raises(CheckpointError, match='expected finite weights'):
            write(path, tensors, facts)
        assert read(path)[1] == facts, 'the file that was there is kept'
        save_file(tensors, path, metadata={'segformer_ros': json.dumps(facts)})
    return config


COMMANDS = {
    'evaluate': ('evaluate', 'IN', 'squares'),
    'export': ('export', 'IN', 'OUT', '--size', '64x96'),
    'convert': ('convert', 'IN', '--to', 'native', 'OUT.safetensors'),
    'init-from': ('init-from', 'IN', 'OUT.safetensors'),
}


@pytest.mark.parametrize('command', COMMANDS)
def test_commands_refuse_weights_that_are_not_finite(tmp_path, capsys, broken_file, command):
    """One line names the tensor; nothing is written."""
    path, out = str(broken_file.folder / LAST_FILE), tmp_path / 'out'
    words = [w.replace('IN', path).replace('OUT', str(out)) for w in COMMANDS[command]]

    assert cli.main(words) == 1

    error = capsys.readouterr().err
    assert 'found infinity or NaN in segmentation_head.batch_norm.running_var' in error
    assert error.count('\n') == 1
    assert list(tmp_path.glob('out*')) == []


def test_training_neither_starts_from_nor_continues_with_weights_that_are_not_finite(
    tmp_path, broken_file
):
    """`init`, a teacher and a file to resume from are refused."""
    bad = str(broken_file.folder / LAST_FILE)
    with pytest.raises(CheckpointError, match=r'NaN in ema\.segmentation_head\.batch_norm'):
        fit(broken_file, print)
    with pytest.raises(CheckpointError, match='expected finite weights'):
        fit(resolve(recipe(tmp_path / 'init', data=SQUARES, init=bad)), print)
    with pytest.raises(CheckpointError, match='expected finite weights'):
        load(bad)


@pytest.mark.parametrize('wrapped', [True, False])
def test_pickled_weights_that_are_not_finite_are_refused(tmp_path, wrapped):
    """So are files of other programs."""
    state = {'backbone.weight': torch.tensor([1.0, math.nan]).half()}
    torch.save({'state_dict': state} if wrapped else state, tmp_path / 'other.pth')

    with pytest.raises(CheckpointError, match=r'infinity or NaN in backbone\.weight'):
        load(tmp_path / 'other.pth')


def test_figure_that_is_not_finite_is_never_the_best():
    """A network that measured NaN first does not stand in the way of all others."""
    best = {'miou': 1.0, 'abs_rel': -1.0}

    assert score({'miou': 0.5, 'abs_rel': math.nan}, best) == -math.inf
    assert score({'miou': 0.5}, best) == 0.5
