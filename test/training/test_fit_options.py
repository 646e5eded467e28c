# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What recipes can switch on: learned weights of tasks, teachers, pieces, baselines."""

from dataclasses import replace
import sys
from types import ModuleType

from lightning_fabric import Fabric
import pytest

pytest.importorskip('torch', reason='training needs torch')

from overfit import overfit
from segformer_ros.checkpoints import load as load_checkpoint
from segformer_ros.datasets import DatasetError
from segformer_ros.network.checkpoint import read
from segformer_ros.training.baselines import load_baseline
from segformer_ros.training.batches import Batch
from segformer_ros.training.fit import fit, TrainingRun
from segformer_ros.training.progress import ProgressBar
from segformer_ros.training.recipe import resolve
from segformer_ros.training.run_data import open_data
from segformer_ros.training.run_files import LAST_FILE, RESUME_FILE
from segformer_ros.training.yaml_config import ConfigError
from square_dataset import recipe
import torch
from torch import nn

SQUARES = {'train': [{'kind': 'squares'}]}


def trained(config, **options):
    """Train without a word and give the tensors to resume from."""
    fit(config, lambda line: None, **options)
    return read(config.folder / RESUME_FILE)[0]


def assert_equal(one, two):
    """All tensors are equal bit for bit."""
    assert one.keys() == two.keys()
    assert [name for name, value in one.items() if not torch.equal(value, two[name])] == []


def resumed_equals_whole(tmp_path, **changes):
    """Train once in one go and once in two, compare, and give the state."""
    whole = trained(resolve(recipe(tmp_path / 'whole', data=SQUARES, **changes)))
    config = resolve(recipe(tmp_path / 'parts', data=SQUARES, **changes))
    trained(config, max_steps=1)
    assert_equal(trained(config), whole)
    return whole


def test_gradnorm_moves_its_weights_and_resumes(tmp_path):
    """The weights of the tasks sum to two and lie in the state."""
    loss = {'weighting': {'kind': 'gradnorm'}}

    tensors = resumed_equals_whole(tmp_path, stages=[{'steps': 3, 'loss': loss}])

    factors = tensors['loss.loss.weighting.factors']
    assert float(factors.sum()) == pytest.approx(2.0)
    assert not torch.equal(factors, torch.ones(2))


def test_teacher_is_no_part_of_the_state_but_its_projection_is(tmp_path):
    """A network learns from another one, and goes on doing so when it is resumed."""
    teacher = resolve(recipe(tmp_path / 'teacher', stages=[{'steps': 1}]))
    trained(teacher)
    distillation = {'teacher': str(teacher.folder / LAST_FILE), 'features': 1.0}

    tensors = resumed_equals_whole(
        tmp_path, stages=[{'steps': 2, 'loss': {'distillation': distillation}}]
    )

    objective = {name for name in tensors if name.startswith('loss.')}
    assert objective == {
        'loss.distillation.project.weight',
        'loss.distillation.project.bias',
    }
    assert 'optimizer.exp_avg.loss.distillation.project.weight' in tensors


def test_recomputed_blocks_give_the_same_weights(tmp_path):
    """Less memory changes nothing, drop path included."""
    network = {**recipe('')['network'], 'drop_path_rate': 0.2}
    hardware = recipe('')['hardware']
    changes = {'data': SQUARES, 'network': network, 'stages': [{'steps': 2}]}

    kept = trained(resolve(recipe(tmp_path / 'kept', **changes)))
    again = trained(
        resolve(
            recipe(tmp_path / 'again', **changes, hardware={**hardware, 'checkpointing': True})
        )
    )

    assert_equal(kept, again)


def test_pieces_of_a_batch_teach_what_the_batch_teaches(tmp_path):
    """With batch norms at rest the gradient is the mean of those of the pieces."""
    values = recipe('')
    defaults = {
        **values['defaults'],
        'batch_size': 4,
        'tasks': ['segmentation'],
        'augment': {'resize': {'kind': 'none'}, 'crop': {'sizes': [[64, 96]]}},
        'loss': {},
        'frozen': ['segmentation_head.batch_norm'],
    }
    changes = {
        'data': SQUARES,
        'defaults': defaults,
        'stages': [{'steps': 1}],
        'network': {**values['network'], 'drop_rate': 0.0},
    }

    whole = trained(resolve(recipe(tmp_path / 'whole', **changes)))
    pieces = trained(resolve(recipe(tmp_path / 'pieces', **changes, accumulate=2)))

    names = [name for name in whole if name.startswith('optimizer.exp_avg.')]
    one, two = (torch.cat([found[n].ravel() for n in names]) for found in (whole, pieces))
    assert float((one - two).norm()) < 1e-5 * float(one.norm())


def test_step_that_is_not_finite_is_left_out(tmp_path):
    """A broken image costs one step, not the run."""
    config = resolve(recipe(tmp_path, data=SQUARES, ema_decay=0.0))
    run = TrainingRun(config, Fabric(accelerator='cpu', devices=1), open_data(config), print)
    stage = run.stage(ProgressBar(4, 0, print, bar=False))
    before = {n: v.clone() for n, v in run.trained.network.named_parameters()}
    (batch,) = run.batches(0)
    broken = Batch(batch.image * torch.nan, batch.labels, batch.depth, batch.focal_px)

    values = stage.step((broken,))

    assert not torch.isfinite(torch.as_tensor(values['gradient_norm']))
    assert run.trained.step == 1
    assert all(torch.equal(v, before[n]) for n, v in run.trained.network.named_parameters())


def test_settings_of_the_process_are_put_back(tmp_path):
    """A deterministic run on one thread leaves the process as it was."""
    threads = torch.get_num_threads()
    hardware = {'accelerator': 'cpu', 'threads': 1, 'deterministic': True, 'tf32': False}

    trained(resolve(recipe(tmp_path, data=SQUARES, hardware=hardware)), max_steps=1)

    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert float(torch.tensor(1e-40) * 1.0) > 0.0


def test_accelerator_that_is_missing_is_named(tmp_path, monkeypatch):
    """Cuda is asked for where there is none."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    config = resolve(recipe(tmp_path, hardware={'accelerator': 'cuda'}))

    with pytest.raises(ValueError, match=r'torch finds no GPU here; choose cpu or auto'):
        trained(config)


def test_second_validation_dataset_is_measured_too(tmp_path):
    """Its figures have its number before their names."""
    sets = [{'kind': 'squares', 'options': {'frames': n}} for n in (2, 3)]
    data = {**SQUARES, 'validation': [*sets, {**sets[1], 'frames': 2}]}
    config = resolve(recipe(tmp_path, data=data, stages=[{'steps': 1}]))
    trained(config)

    facts = read(config.folder / LAST_FILE)[1]

    found = facts['metrics']
    assert found['iou'].keys() == {'road', 'sky', 'car'}
    assert 'depth_by_class' not in found
    assert [found['frames'], found['1']['frames'], found['2']['frames']] == [2, 3, 2]
    assert facts['measured_on'].startswith('2 samples of squares (val, frames 2); 3 samples')
    header = (config.folder / 'evaluation.csv').read_text(encoding='utf-8').splitlines()[0]
    assert '1/iou/car' in header.split(',')
    assert len(list((config.folder / 'pictures').iterdir())) == 3


def test_depth_alone_needs_no_labels(tmp_path):
    """A dataset without labels trains and measures depth; there are no classes to count."""
    values = recipe(
        tmp_path,
        network={**recipe('')['network'], 'segmentation': False},
        classes={},
        stages=[{'steps': 2, 'tasks': ['depth']}],
    )
    for name in ('train', 'validation'):
        values['data'] = {**values['data'], name: [{'kind': 'squares', 'split': 'unlabelled'}]}
    config = resolve(values)
    trained(config)

    loaded = load_checkpoint(config.folder / LAST_FILE)
    network, facts = loaded.network, loaded.facts

    assert network.segmentation_head is None
    assert facts['metrics']['abs_rel'] > 0.0
    assert 'miou' not in facts['metrics']
    with pytest.raises(DatasetError, match='expected labels in a training dataset, found none'):
        trained(resolve({**values, 'network': {}, 'output': str(tmp_path / 'other')}))


class _Library(ModuleType):
    """Stand in for segmentation_models_pytorch: create_model(architecture, ...)."""

    @staticmethod
    def create_model(architecture, *, encoder_name, encoder_weights, classes):
        """Make a network of an encoder, a norm and a head, as the library lays them out."""
        network = nn.Sequential()
        network.add_module('encoder', nn.Conv2d(3, 8, 4, stride=4))
        network.add_module('norm', nn.BatchNorm2d(8))
        network.add_module('relu', nn.ReLU())
        network.add_module('segmentation_head', nn.Sequential(nn.Conv2d(8, classes, 1)))
        return network


def test_baseline_trains_by_the_same_commands(tmp_path, monkeypatch):
    """A network to compare with learns, resumes, is measured and can be loaded."""
    monkeypatch.setitem(sys.modules, 'segmentation_models_pytorch', _Library('smp'))
    values = recipe(
        tmp_path / 'run',
        network={'baseline': 'unet', 'encoder': 'resnet18'},
        stages=[{'steps': 2, 'tasks': ['segmentation']}],
    )
    config = resolve(values)

    first, last = overfit(replace(config, output=str(tmp_path / 'other')), share=0.8)
    assert last < 0.8 * first
    trained(config, max_steps=1)
    trained(config)
    network, facts = load_baseline(config.folder / LAST_FILE)
    assert network.config.num_classes == 3
    assert 0.0 <= facts['metrics']['miou'] <= 1.0
    with pytest.raises(ConfigError, match=r'tasks must be \[segmentation\]'):
        resolve({**values, 'stages': [{'steps': 1}]})


def test_a_stage_learns_at_its_own_stride_and_is_measured_at_that_of_the_network(tmp_path):
    """Stages without a stride have the network's; evaluation sees the network's always."""
    network = {**recipe('')['network'], 'depth_stride': 2}
    stages = [{'steps': 1, 'depth_stride': 4}, {'steps': 1}]
    config = resolve(recipe(tmp_path, data=SQUARES, network=network, stages=stages))
    run = TrainingRun(config, Fabric(accelerator='cpu'), open_data(config), lambda line: None)
    image, seen = torch.zeros(2, 3, 64, 96), []

    for step in range(2):
        run.trained.step = step
        module = run.stage(ProgressBar(2, 0, print, bar=False)).learner.network
        seen.append([module.train(mode)(image)['depth'].shape[-2:] for mode in (True, False)])

    assert seen == [[(16, 24), (32, 48)], [(32, 48), (32, 48)]]
    assert resumed_equals_whole(tmp_path / 'runs', network=network, stages=stages)


def test_a_stride_for_a_head_that_has_one_stride_only_is_refused(tmp_path):
    """The all-MLP head has nothing to leave out."""
    network = {**recipe('')['network'], 'depth_head': 'mlp'}
    stages = [{'steps': 1, 'depth_stride': 1}]

    with pytest.raises(ValueError, match='depth_stride of a stage is for networks with a glpn'):
        trained(resolve(recipe(tmp_path, data=SQUARES, network=network, stages=stages)))


@pytest.mark.parametrize(
    ('precision', 'capable', 'warned'),
    [('bfloat16', False, True), ('bfloat16', True, False), ('float32', False, False)],
)
def test_slow_bfloat16_on_a_cpu_without_it_is_reported(
    tmp_path, monkeypatch, precision, capable, warned
):
    """The run goes on: it was asked for, and a resumed one must not change its arithmetic."""
    monkeypatch.setattr(
        torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': capable, 'avx2': True}
    )
    lines = []
    hardware = {'accelerator': 'cpu', 'precision': precision}
    config = resolve(recipe(tmp_path, data=SQUARES, hardware=hardware, stages=[{'steps': 1}]))

    fit(config, lines.append)

    assert any('hardware.precision=float32 is faster' in line for line in lines) is warned
