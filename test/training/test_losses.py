# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses on numbers small enough to check by hand, and without any valid pixel."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.losses import (  # noqa: E402
    canonical_log_depth,
    class_weights,
    cross_entropy,
    masked_l1,
    silog,
)


def test_silog_is_the_papers_formula():
    """Errors 1 and 3: mean of squares 5, mean 2, so sqrt(5 - 0.5 * 4)."""
    error = torch.tensor([1.0, 3.0, 100.0])
    valid = torch.tensor([True, True, False])

    assert float(silog(error, valid)) == pytest.approx(math.sqrt(3.0), abs=1e-6)
    assert float(silog(error, valid, variance_focus=1.0)) == pytest.approx(1.0, abs=1e-6)


def test_silog_ignores_nan_where_invalid_also_in_its_gradient():
    """Unknown depth does not spread."""
    error = torch.tensor([0.5, math.nan, math.inf], requires_grad=True)

    silog(error, torch.tensor([True, False, False])).backward()

    assert error.grad.isfinite().all()
    assert error.grad[1:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize('loss', [silog, masked_l1])
def test_depth_losses_without_valid_pixels_are_zero(loss):
    """An image of nothing but sky teaches nothing and breaks nothing."""
    error = torch.full((2, 3), math.nan, requires_grad=True)

    value = loss(error, torch.zeros(2, 3, dtype=torch.bool))
    value.backward()

    assert value.item() == 0.0
    assert error.grad.abs().sum() == 0.0


def test_silog_of_a_constant_error_has_a_finite_gradient():
    """The root does not blow up where the variance vanishes."""
    error = torch.zeros(4, requires_grad=True)

    silog(error, torch.ones(4, dtype=torch.bool)).backward()

    assert error.grad.isfinite().all()


def test_masked_l1_averages_the_valid_pixels():
    """(|1| + |-3|) / 2."""
    error = torch.tensor([1.0, -3.0, 50.0])

    assert float(masked_l1(error, torch.tensor([True, True, False]))) == 2.0


def test_cross_entropy_weighs_classes_and_ignores_void():
    """Two pixels with equal logits: the weighted mean is log 2 whatever the weights are."""
    logits = torch.zeros(1, 2, 1, 2)
    labels = torch.tensor([[[0, 255]]])
    weights = torch.tensor([1.0, 3.0])

    assert float(cross_entropy(logits, labels, weights)) == pytest.approx(math.log(2.0))


def test_cross_entropy_weighs_the_rare_class_more():
    """Class 1 is wrong by log 4 and weighs 3, class 0 is wrong by log(4/3) and weighs 1."""
    logits = torch.log(torch.tensor([[[[0.75, 0.75]], [[0.25, 0.25]]]]))
    labels = torch.tensor([[[0, 1]]])

    value = cross_entropy(logits, labels, torch.tensor([1.0, 3.0]))

    assert float(value) == pytest.approx((math.log(4 / 3) + 3.0 * math.log(4)) / 4.0)


def test_cross_entropy_without_labels_is_zero():
    """A frame without any label teaches nothing and breaks nothing."""
    logits = torch.randn(1, 2, 2, 2, requires_grad=True)

    value = cross_entropy(logits, torch.full((1, 4, 4), 255), torch.ones(2))
    value.backward()

    assert value.item() == 0.0
    assert logits.grad.abs().sum() == 0.0


def test_class_weights_favour_rare_classes_and_average_one():
    """1 / log(1.1 + share), normalised."""
    weights = class_weights(torch.tensor([90, 10, 0]), 1.1)

    raw = [1.0 / math.log(1.1 + share) for share in (0.9, 0.1, 0.0)]
    assert weights.tolist() == pytest.approx([3.0 * value / sum(raw) for value in raw])


def test_canonical_depth_scales_with_the_focal_length():
    """A thing at 20 m in a camera of 200 px looks as at 10 m in one of 100 px."""
    depth = torch.tensor([[[20.0, math.inf]], [[math.nan, 500.0]]])
    focal = torch.tensor([200.0, 100.0])

    target, valid = canonical_log_depth(depth, focal, 100.0, 0.5, 80.0)

    assert valid.tolist() == [[[True, False]], [[False, False]]]
    assert float(target[0, 0, 0]) == pytest.approx(math.log(10.0))
    assert target.isfinite().all()
