# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Schedules against torch's own and against values worked out by hand."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.schedules import factor, ScheduleConfig  # noqa: E402
from segformer_ros.training.yaml_config import ConfigError, from_mapping  # noqa: E402
from torch.optim import lr_scheduler  # noqa: E402


def rates_of(make_scheduler, steps, rate=1.0):
    """Run a scheduler of torch and collect the rate of each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return rates


def factors_of(config, steps):
    """Return the factor of each step."""
    return [factor(config, step, steps) for step in range(steps)]


def test_onecycle_is_torchs_with_the_values_of_segformer3d():
    """Peak 1e-2 after 30 %, a tenth at the start, cosines."""
    config = ScheduleConfig('onecycle', peak_share=0.3, divisor=10.0, final_divisor=1e4)

    expected = rates_of(
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, 1e-2, 50, pct_start=0.3, div_factor=10.0, final_div_factor=1e4
        ),
        50,
    )

    assert [1e-2 * value for value in factors_of(config, 50)] == pytest.approx(expected, rel=1e-9)
    assert expected[14] == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ('config', 'scheduler'),
    [
        (
            ScheduleConfig('cosine', final_ratio=0.1),
            lambda o: lr_scheduler.CosineAnnealingLR(o, 40, eta_min=0.1),
        ),
        (
            ScheduleConfig('cosine', restarts=3),
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10),
        ),
        (
            ScheduleConfig('polynomial', power=0.9),
            lambda o: lr_scheduler.PolynomialLR(o, 40, power=0.9),
        ),
        (
            ScheduleConfig('linear', final_ratio=0.25),
            lambda o: lr_scheduler.LinearLR(o, 1.0, 0.25, total_iters=40),
        ),
        (
            ScheduleConfig('polynomial', warmup_steps=8, warmup_ratio=0.5),
            lambda o: lr_scheduler.SequentialLR(
                o,
                [lr_scheduler.LinearLR(o, 0.5, 1.0, 8), lr_scheduler.PolynomialLR(o, 32)],
                [8],
            ),
        ),
    ],
    ids=['cosine', 'restarts', 'polynomial', 'linear', 'warm-up'],
)
# SequentialLR of torch 2.13 warns about its own call of step(epoch).
@pytest.mark.filterwarnings('ignore:The epoch parameter:UserWarning')
def test_factors_equal_those_of_torch(config, scheduler):
    """Forty steps, one by one."""
    assert factors_of(config, 40) == pytest.approx(rates_of(scheduler, 40), abs=1e-9)


def test_triangle_is_that_of_glpn():
    """3e-5 up to 1e-4 and down again, each half bent by power 0.9."""
    config = ScheduleConfig('triangle', power=0.9, start_ratio=0.3)

    rates = [1e-4 * factor(config, step, 100) for step in (0, 25, 50, 75, 100)]

    bend = 0.5**0.9
    expected = [3e-5, 3e-5 + 7e-5 * bend, 1e-4, 1e-4 - 7e-5 * bend, 3e-5]
    assert rates == pytest.approx(expected)


def test_linear_with_warmup_is_that_of_transformers():
    """Step / warm-up, then (total - step) / (total - warm-up)."""
    config = ScheduleConfig('linear', warmup_steps=4, warmup_ratio=0.0)

    values = [factor(config, step, 14) for step in (0, 1, 4, 9, 14)]

    assert values == pytest.approx([0.0, 0.25, 1.0, 0.5, 0.0])


def test_warmup_over_the_decay_is_that_of_nvlabs():
    """Step 750 of 1500 and 160 000: half of the rate that has decayed from step 0 on."""
    config = ScheduleConfig(warmup_steps=1500, warmup_ratio=1e-6, warmup='over')

    assert factor(config, 0, 160_000) == pytest.approx(1e-6)
    half = 1e-6 + (1.0 - 1e-6) * 0.5
    assert factor(config, 750, 160_000) == pytest.approx(half * (1.0 - 750 / 160_000))
    assert factor(config, 1500, 160_000) == pytest.approx(1.0 - 1500 / 160_000)


def test_polynomial_restarts_lower_when_asked_to():
    """Two parts of ten steps, the second at half the height."""
    config = ScheduleConfig('polynomial', restarts=1, restart_factor=0.5)

    values = [factor(config, step, 20) for step in (0, 5, 10, 15, 20)]

    assert values == pytest.approx([1.0, 0.5, 0.5, 0.25, 0.0])


@pytest.mark.parametrize(
    'kind', ['constant', 'linear', 'polynomial', 'cosine', 'onecycle', 'triangle']
)
@pytest.mark.parametrize('total', [1, 2, 3, 10])
def test_factor_stays_between_0_and_1_however_short_the_training(kind, total):
    """Also before the end of the warm-up and behind the last step."""
    config = ScheduleConfig(kind, warmup_steps=2)

    values = [factor(config, step, total) for step in range(total + 3)]

    assert all(math.isfinite(value) and 0.0 <= value <= 1.0 for value in values)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'kind': 'step'}, 'expected one of constant, linear'),
        ({'warmup_steps': -1}, 'must not be negative'),
        ({'final_ratio': 1.5}, 'final_ratio must be from 0 to 1'),
        ({'power': 0.0}, 'power must be above 0'),
        ({'peak_share': 1.0}, 'peak_share must be between 0 and 1'),
    ],
)
def test_impossible_schedules_are_refused(values, message):
    """With the name of the value."""
    with pytest.raises(ConfigError, match=message):
        from_mapping(ScheduleConfig, values)


def test_steps_before_the_first_are_refused():
    """A caller who counts from elsewhere is told."""
    with pytest.raises(ValueError, match='expected a step from 0'):
        factor(ScheduleConfig(), -1, 10)
