# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of depth on numbers small enough to check by hand, and without any valid pixel."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.losses.depth import (  # noqa: E402
    berhu,
    canonical_log_depth,
    gradient,
    l1,
    laplace,
    mse,
    silog,
)

ERROR = torch.tensor([1.0, 3.0, 100.0])
VALID = torch.tensor([True, True, False])


@pytest.mark.parametrize(
    ('form', 'focus', 'expected'),
    [
        ('raw', None, 5.0 - 0.5 * 4.0),
        ('raw', 0.25, 5.0 - 0.25 * 4.0),
        ('sqrt', None, math.sqrt(5.0 - 0.5 * 4.0)),
        ('sqrt', 1.0, 1.0),
        ('kitti', None, 100.0 * math.sqrt(5.0 - 4.0)),
        ('bts', None, 10.0 * math.sqrt(5.0 - 0.85 * 4.0)),
    ],
)
def test_silog_is_the_formula_of_its_form(form, focus, expected):
    """Errors 1 and 3: mean of squares 5, mean 2."""
    assert float(silog(ERROR, VALID, focus, form)) == pytest.approx(expected, rel=1e-6)


def test_silog_keeps_its_digits_where_the_difference_of_means_loses_them():
    """Errors of 1000 +- 0.01: float32 knows the squares to 0.06 only."""
    error = torch.tensor([1000.01, 999.99])

    value = float(silog(error, torch.tensor([True, True]), form='kitti'))

    spread = (error[0].double() - error[1].double()) / 2.0
    assert value == pytest.approx(100.0 * float(spread), rel=1e-2)
    naive = error.square().mean() - error.mean().square()
    assert float(naive) != pytest.approx(float(spread) ** 2, rel=0.5)


def test_l1_and_mse_average_the_valid_pixels():
    """(|1| + |-3|) / 2 and (1 + 9) / 2."""
    error = torch.tensor([1.0, -3.0, 50.0])

    assert float(l1(error, VALID)) == 2.0
    assert float(mse(error, VALID)) == 5.0


def test_laplace_is_the_negative_log_likelihood():
    """|1| / 2 + log 4 and |-3| / 1 + log 2, of scales 2 and 1; what is unknown does not count."""
    error = torch.tensor([1.0, -3.0, math.inf])
    log_scale = torch.tensor([math.log(2.0), 0.0, -80.0], requires_grad=True)

    value = laplace(error, VALID, log_scale)
    value.backward()

    hand = (0.5 + math.log(4.0) + 3.0 + math.log(2.0)) / 2.0
    assert float(value.detach()) == pytest.approx(hand, rel=1e-6)
    # d/ds of |e| exp(-s) + s is 1 - |e| / b, over two pixels.
    assert log_scale.grad.tolist() == pytest.approx([0.25, -1.0, 0.0])


def test_laplace_is_least_where_the_scale_is_the_mean_error():
    """Errors 1 and 3 have it at b = 2."""
    values = [float(laplace(ERROR, VALID, torch.full((3,), math.log(b)))) for b in (1.8, 2.0, 2.2)]
    assert min(values) == values[1]


def test_berhu_is_linear_up_to_a_fifth_of_the_greatest_error():
    """C is 2: |1|, |-2|, and (100 + 4) / 4 of -10."""
    error = torch.tensor([1.0, -2.0, -10.0, 99.0])
    valid = torch.tensor([True, True, True, False])

    assert float(berhu(error, valid)) == pytest.approx((1.0 + 2.0 + 104.0 / 4.0) / 3.0)


def test_gradient_loss_sums_the_scales():
    """
    A ramp of 1 per column in 2 x 4 pixels.

    Scale 0: 6 steps of 1 among 8 pixels; scale 1: one step of 2 among 2; scale 2: one pixel.
    """
    error = torch.arange(4.0).expand(1, 2, 4)
    valid = torch.ones(1, 2, 4, dtype=torch.bool)

    assert float(gradient(error, valid, 1)) == pytest.approx(6.0 / 8.0)
    assert float(gradient(error, valid, 3)) == pytest.approx(6.0 / 8.0 + 2.0 / 2.0)


def test_gradient_loss_does_not_reach_across_unknown_pixels():
    """1, unknown, 5: no pair of neighbours is left."""
    error = torch.tensor([[[1.0, math.nan, 5.0]]])

    assert float(gradient(error, ~error.isnan(), 1)) == 0.0


LOSSES = {
    'raw': lambda error, valid: silog(error, valid, form='raw'),
    'sqrt': silog,
    'kitti': lambda error, valid: silog(error, valid, form='kitti'),
    'bts': lambda error, valid: silog(error, valid, form='bts'),
    'l1': l1,
    'mse': mse,
    'berhu': berhu,
    'gradient': gradient,
}


@pytest.mark.parametrize('name', LOSSES)
def test_losses_without_valid_pixels_are_zero(name):
    """An image of nothing but sky teaches nothing and breaks nothing."""
    error = torch.full((1, 2, 3), math.nan, requires_grad=True)

    value = LOSSES[name](error, torch.zeros(1, 2, 3, dtype=torch.bool))
    value.backward()

    assert value.item() == 0.0
    assert error.grad.abs().sum() == 0.0


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('error', [0.0, 0.5])
def test_losses_of_equal_errors_have_finite_gradients(name, error):
    """No root blows up where a variance vanishes."""
    errors = torch.full((1, 2, 2), error, requires_grad=True)

    value = LOSSES[name](errors, torch.ones(1, 2, 2, dtype=torch.bool))
    value.backward()

    assert value.isfinite()
    assert errors.grad.isfinite().all()


@pytest.mark.parametrize('name', LOSSES)
def test_losses_ignore_what_is_invalid_also_in_their_gradients(name):
    """Unknown depth does not spread."""
    error = torch.tensor([[[0.5, 0.1, math.nan, math.inf]]], requires_grad=True)

    value = LOSSES[name](error, torch.tensor([[[True, True, False, False]]]))
    value.backward()

    assert value.isfinite()
    assert error.grad.isfinite().all()
    assert error.grad[0, 0, 2:].tolist() == [0.0, 0.0]


def test_canonical_depth_scales_with_the_focal_length():
    """A thing at 20 m in a camera of 200 px looks as at 10 m in one of 100 px."""
    depth = torch.tensor([[[20.0, math.inf]], [[math.nan, 500.0]]])
    focal = torch.tensor([200.0, 100.0])

    target, valid = canonical_log_depth(depth, focal, 100.0, 0.5, 80.0)

    assert valid.tolist() == [[[True, False]], [[False, False]]]
    assert float(target[0, 0, 0]) == pytest.approx(math.log(10.0))
    assert target.isfinite().all()


@pytest.mark.parametrize('focal', [math.nan, math.inf, 0.0])
def test_unknown_focal_length_counts_as_the_canonical_one(focal):
    """The depth is trained as it is."""
    target, _ = canonical_log_depth(
        torch.full((1, 1, 1), 7.0), torch.tensor([focal]), 100.0, 0.5, 80.0
    )

    assert float(target) == pytest.approx(math.log(7.0))
