# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixed and learned weights of tasks, worked by hand."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.batches import Batch  # noqa: E402
from segformer_ros.training.losses import LossConfig, make_loss  # noqa: E402
from segformer_ros.training.weighting import (  # noqa: E402
    GradNorm,
    make_weighting,
    Uncertainty,
    WeightingConfig,
)

BOTH = {'segmentation': torch.tensor(True), 'depth': torch.tensor(True)}


def losses_of(weight, slopes=(1.0, 4.0)):
    """Return two losses whose gradients in the weight are the slopes."""
    return {
        'segmentation': (slopes[0] * weight).sum(),
        'depth': (slopes[1] * weight).sum(),
    }


def test_fixed_weights_sum_up():
    """The weights themselves are in the losses already."""
    weighting = make_weighting(WeightingConfig())

    total = weighting({'segmentation': torch.tensor(2.0), 'depth': torch.tensor(3.0)}, BOTH)

    assert float(total) == 5.0
    assert weighting.weights() == {}
    assert not list(weighting.parameters())


def test_uncertainty_is_the_papers_sum():
    """exp(-s) 2 + s/2 for labels with s = log 4; exp(-s) 3 / 2 + s/2 for depth with s = log 9."""
    weighting = Uncertainty()
    with torch.no_grad():
        weighting.log_variances['segmentation'].fill_(math.log(4.0))
        weighting.log_variances['depth'].fill_(math.log(9.0))

    total = weighting({'segmentation': torch.tensor(2.0), 'depth': torch.tensor(3.0)}, BOTH)

    expected = 2.0 / 4.0 + math.log(2.0) + 3.0 / 18.0 + math.log(3.0)
    assert float(total.detach()) == pytest.approx(expected)
    assert weighting.weights() == pytest.approx({'segmentation': 1 / 4, 'depth': 1 / 18})


def test_uncertainty_settles_where_the_papers_sum_is_least():
    """d/ds is 0 at s = log(2 L) for labels and at log(L) for depth."""
    weighting = Uncertainty()
    losses = {'segmentation': torch.tensor(2.0), 'depth': torch.tensor(3.0)}
    parameters = list(weighting.parameters())
    for _ in range(100):
        for value, slope in zip(
            parameters, torch.autograd.grad(weighting(losses, BOTH), parameters), strict=True
        ):
            value.data -= 0.5 * slope

    found = {task: value.item() for task, value in weighting.log_variances.items()}

    expected = {'segmentation': math.log(4.0), 'depth': math.log(3.0)}
    assert found == pytest.approx(expected, abs=1e-4)


def test_uncertainty_of_a_task_without_ground_truth_stays():
    """A batch without depth says nothing about the noise of depth."""
    weighting = Uncertainty()
    losses = {'segmentation': torch.tensor(2.0), 'depth': torch.tensor(0.0)}

    weighting(losses, BOTH | {'depth': torch.tensor(False)}).backward()

    assert weighting.log_variances['depth'].grad.item() == 0.0
    assert weighting.log_variances['segmentation'].grad.item() != 0.0


def test_uncertainty_of_a_head_that_is_off_gets_no_gradient():
    """A network of labels alone."""
    weighting = Uncertainty()

    weighting({'segmentation': torch.tensor(2.0)}, BOTH).backward()

    assert weighting.log_variances['depth'].grad is None


def test_gradnorm_moves_weights_as_worked_by_hand():
    """
    Slopes 1 and 4 at the first step: mean size 2.5, both targets 2.5.

    Task 1 is too weak: 1 + 0.1 * 1; task 2 too strong: 1 - 0.1 * 4; scaled to sum to 2.
    """
    weighting = GradNorm(alpha=1.5, rate=0.1)
    weight = torch.ones(1, requires_grad=True)

    total = weighting(losses_of(weight), BOTH)
    weighting.update([weight])

    assert float(total.detach()) == 5.0
    assert weighting.weights() == pytest.approx(
        {'segmentation': 1.1 * 2.0 / 1.7, 'depth': 0.6 * 2.0 / 1.7}
    )


def test_gradnorm_makes_gradients_equal_when_tasks_learn_at_one_pace():
    """Slopes 1 and 4 end with weights 1.6 and 0.4."""
    weighting = GradNorm(alpha=1.5, rate=0.002)
    weight = torch.ones(1, requires_grad=True)
    for _ in range(500):
        weighting(losses_of(weight), BOTH)
        weighting.update([weight])

    assert weighting.weights() == pytest.approx({'segmentation': 1.6, 'depth': 0.4}, abs=0.02)


def test_gradnorm_favours_the_task_that_lags():
    """The first loss has halved, the second has not: with equal slopes the second gains."""
    weighting = GradNorm(alpha=1.5, rate=0.01)
    weight = torch.ones(1, requires_grad=True)
    weighting(losses_of(weight, (1.0, 1.0)), BOTH)
    weighting.update([weight])

    weighting({'segmentation': weight.sum() - 0.5, 'depth': weight.sum()}, BOTH)
    weighting.update([weight])

    assert weighting.weights()['depth'] > 1.0 > weighting.weights()['segmentation']


def test_gradnorm_leaves_the_gradients_of_the_step_alone():
    """The sum can be differentiated after the update, and nothing was added meanwhile."""
    weighting = GradNorm(alpha=1.5, rate=0.1)
    weight = torch.ones(1, requires_grad=True)
    total = weighting(losses_of(weight.square()), BOTH)

    weighting.update([weight])
    assert weight.grad is None
    total.backward()

    assert weight.grad.item() == pytest.approx(2.0 * 5.0)


@pytest.mark.parametrize('broken', [0.0, math.nan, math.inf])
def test_gradnorm_skips_steps_that_it_cannot_weigh(broken):
    """A batch without depth, or one that overflows, leaves weights and first losses."""
    weighting = GradNorm(alpha=1.5, rate=0.1)
    weight = torch.ones(1, requires_grad=True)

    weighting({'segmentation': weight.sum(), 'depth': weight.sum() * broken}, BOTH)
    weighting.update([weight])
    weighting({'segmentation': weight.sum()}, BOTH)
    weighting.update([weight])

    assert weighting.weights() == {'segmentation': 1.0, 'depth': 1.0}
    assert weighting.first_losses.isnan().all()


def test_gradnorm_continues_where_its_state_says():
    """Weights and first losses are in the state."""
    weighting, other = (GradNorm(alpha=1.5, rate=0.1) for _ in range(2))
    weight = torch.ones(1, requires_grad=True)
    weighting(losses_of(weight), BOTH)
    weighting.update([weight])

    other.load_state_dict(weighting.state_dict())
    for each in (weighting, other):
        each(losses_of(weight, (2.0, 3.0)), BOTH)
        each.update([weight])

    assert other.weights() == weighting.weights()


def test_gradnorm_averages_over_processes():
    """What `mean` gives is used, so that all processes keep the same weights."""
    weighting = GradNorm(alpha=1.5, rate=0.1)
    weight = torch.ones(1, requires_grad=True)
    weighting(losses_of(weight), BOTH)

    weighting.update([weight], mean=torch.ones_like)

    assert weighting.weights() == {'segmentation': 1.0, 'depth': 1.0}


@pytest.mark.parametrize('kind', ['fixed', 'uncertainty', 'gradnorm'])
def test_losses_of_a_recipe_are_weighed_by_its_kind(kind):
    """One step through the whole loss: only GradNorm moves weights in `balance`."""
    config = LossConfig(weighting=WeightingConfig(kind))
    loss = make_loss(
        config, num_classes=2, class_counts=None, depth_is_log=True, focal_length_px=1.0
    )
    shared = torch.full((1, 2, 4, 4), 0.5, requires_grad=True)
    outputs = {
        'logits': shared * torch.tensor([1.0, 3.0]).view(1, 2, 1, 1),
        'depth': shared[:, :1] * 9.0,
    }
    batch = Batch(
        torch.zeros(1, 3, 4, 4),
        torch.zeros(1, 4, 4, dtype=torch.int64),
        torch.ones(1, 4, 4),
        torch.ones(1),
    )

    before = loss.task_weights()
    total, parts = loss(outputs, batch)
    loss.balance([shared])
    total.backward()

    assert set(parts) == {'segmentation', 'silog', 'log_l1'}
    assert shared.grad.isfinite().all()
    assert (loss.task_weights() != before) == (kind == 'gradnorm')
    assert bool(list(loss.parameters())) == (kind == 'uncertainty')
