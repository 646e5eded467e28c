# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loop learns, can be interrupted and says what it measured."""

from dataclasses import replace
import json
import math
from pathlib import Path

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network.checkpoint import (  # noqa: E402
    CheckpointError,
    load_network,
    read,
    write,
)
from segformer_ros.training.batches import Batch  # noqa: E402
from segformer_ros.training.config import AugmentConfig, LossConfig, PhaseConfig  # noqa: E402
from segformer_ros.training.evaluate import held_out  # noqa: E402
from segformer_ros.training.loop import (  # noqa: E402
    compute_loss,
    RESUME_FILE,
    Trainer,
    WEIGHTS_FILE,
)
from segformer_ros.training.optimizer import make_optimizer, update_ema  # noqa: E402
from segformer_ros.training.schedule import learning_rate, Progress  # noqa: E402
from square_world import IDS, square_frame  # noqa: E402


def trainer(config, store, **options):
    """Make a trainer on the squares."""
    return Trainer(config, store, IDS, label_set='carla_0914', **options)


def test_thirty_steps_overfit_one_frame(config, store, monkeypatch):
    """Both losses fall to a fraction of what they were."""
    phase = PhaseConfig(
        steps=30,
        batch_size=2,
        crops=((64, 96),),
        scale=(1.0, 1.0),
        learning_rate=(3e-3, 1e-3),
        photometric=0.0,
    )
    config = replace(
        config,
        phases=(phase,),
        augment=AugmentConfig(flip=False, rare_share=0.0),
        network={**config.network, 'drop_rate': 0.0},
    )
    monkeypatch.setattr(type(store), '__len__', lambda self: 1)
    run = trainer(config, store)
    start, losses = run.step, []
    run.step = lambda batch, phase: losses.append(start(batch, phase)) or losses[-1]

    run.run()

    for name in ('segmentation', 'log_l1'):
        assert losses[-1][name] < 0.5 * losses[0][name], name


@pytest.mark.parametrize('is_log', [True, False])
def test_the_right_depth_costs_nothing_in_both_codings(is_log):
    """Metres, scaled to the camera of the network, or their logarithm; others cost."""
    depth = torch.full((1, 8, 8), 12.0)
    batch = Batch(torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8), depth, torch.tensor([50.0]))
    right = torch.full((1, 1, 2, 2), 24.0)

    def loss(metres):
        outputs = {'depth': metres.log() if is_log else metres}
        return compute_loss(outputs, batch, torch.ones(1), LossConfig(), 100.0, is_log=is_log)[1]

    assert float(loss(right)['log_l1']) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(2.0 * right)['log_l1']) == pytest.approx(math.log(2.0), abs=1e-5)
    if not is_log:
        assert math.isfinite(float(loss(0.0 * right)['log_l1']))


def test_an_interrupted_run_ends_with_the_same_weights(config, store, tmp_path):
    """Stopping after two of four steps and going on changes nothing, bit for bit."""
    whole = trainer(replace(config, output=str(tmp_path / 'whole')), store)
    whole.run()

    trainer(config, store).run(max_steps=2)
    resumed = trainer(config, store)
    assert resumed.progress.step == 2
    resumed.run()

    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    for name, value in whole.ema.state_dict().items():
        assert torch.equal(value, resumed.ema.state_dict()[name]), name


def test_a_finished_run_stays_finished(config, store):
    """Starting the same recipe again does no more steps."""
    trainer(config, store).run()
    again = trainer(config, store)

    again.run()

    assert again.progress == Progress(step=4, phase=1)


def test_another_network_is_not_resumed(config, store):
    """The output folder of another network is refused, not overwritten."""
    trainer(config, store).run(max_steps=1)
    other = replace(config, network={**config.network, 'decoder_dim': 16})

    with pytest.raises(CheckpointError, match=r'another network.*choose another output'):
        trainer(other, store)


def test_the_weights_file_holds_the_network_and_its_figures(config, store):
    """What is exported knows its classes, its focal length and what was measured."""
    run = trainer(config, store, validation=held_out(square_frame, (0, 1), (64, 96)))
    figures = run.run()

    network, facts = load_network(Path(config.output) / WEIGHTS_FILE)

    assert facts['classes'] == list(IDS)
    assert facts['focal_length_px'] == 48.0
    assert facts['metrics'] == figures
    assert 0.0 <= figures['miou'] <= 1.0
    assert math.isfinite(figures['abs_rel'])
    assert not network.training
    log = (Path(config.output) / 'log.jsonl').read_text(encoding='utf-8').splitlines()
    assert {json.loads(line)['weights'] for line in log} == {'last', 'average'}


def test_damaged_checkpoints_are_named(config, store, tmp_path):
    """A cut file, a foreign file and a missing file each say what is wrong."""
    trainer(config, store).run(max_steps=1)
    resume = Path(config.output) / RESUME_FILE
    cut = tmp_path / 'cut.safetensors'
    cut.write_bytes(resume.read_bytes()[:1000])

    with pytest.raises(CheckpointError, match='damaged'):
        load_network(cut)
    with pytest.raises(CheckpointError, match='no checkpoint at'):
        load_network(tmp_path / 'none.safetensors')
    tensors, facts = read(resume)
    write(cut, {'encoder.mask': tensors['ema.encoder.stages.0.norm.bias']}, facts)
    with pytest.raises(CheckpointError, match='does not hold the network it describes'):
        load_network(cut)


def test_a_running_training_can_be_exported(config, store):
    """The resume file gives the average of the weights."""
    run = trainer(config, store)
    run.run(max_steps=3)

    network, facts = load_network(Path(config.output) / RESUME_FILE)

    assert facts['progress']['step'] == 3
    for name, value in run.ema.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


def test_the_rate_warms_up_and_follows_a_cosine():
    """Linear to the first rate, then half a cosine to the last one."""
    phase = PhaseConfig(steps=10, learning_rate=(1.0, 0.2))

    assert learning_rate(phase, 0.0, 0, 10) == pytest.approx(0.1)
    assert learning_rate(phase, 0.0, 99, 10) == pytest.approx(1.0)
    assert learning_rate(phase, 0.5, 99, 10) == pytest.approx(0.6)
    assert learning_rate(phase, 1.0, 99, 10) == pytest.approx(0.2)


def test_norms_and_biases_do_not_decay(config, store):
    """Weight decay is for matrices and kernels."""
    optimizer = make_optimizer(trainer(config, store).network, 0.1)

    decayed, free = optimizer.param_groups
    assert (decayed['weight_decay'], free['weight_decay']) == (0.1, 0.0)
    assert min(parameter.ndim for parameter in decayed['params']) > 1
    assert max(parameter.ndim for parameter in free['params']) == 1


def test_the_average_moves_by_its_rate():
    """After many steps the average takes 1 - decay of the distance."""
    ema, network = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.constant_(ema.weight, 1.0)
    torch.nn.init.constant_(network.weight, 2.0)

    update_ema(ema, network, 0.9, step=10_000)

    assert ema.weight.item() == pytest.approx(1.1)
