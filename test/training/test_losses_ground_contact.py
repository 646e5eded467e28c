# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Depth of vehicles from the road that they stand on."""

from dataclasses import replace
import math

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.labels import VOID  # noqa: E402
from segformer_ros.training.batches import Batch  # noqa: E402
from segformer_ros.training.losses import LossConfig, make_loss  # noqa: E402
from segformer_ros.training.losses.config import DepthLossConfig  # noqa: E402
from segformer_ros.training.losses.ground_contact import (  # noqa: E402
    cells,
    contact_rows,
    fit_plane,
    GroundContact,
    GroundContactConfig,
)

NAMES = ('road', 'sky', 'car')
ROAD, SKY, CAR = range(3)
FOCAL, HEIGHT_M, HORIZON = 64.0, 1.6, 6.0
STRIDE = 4


def street(rows=32, columns=24, tilt=0.0):
    """Return (1, h, w) log depth of a flat road in cells, and labels; a car has rows 12 to 19."""
    y, x = np.mgrid[:rows, :columns] + 0.5
    below = (y - HORIZON + tilt * (x - columns / 2)) * STRIDE
    depth = np.where(below > 2.0, FOCAL * HEIGHT_M / np.maximum(below, 2.0), 50.0)
    labels = np.where(below > 2.0, ROAD, SKY)
    labels[12:20, 8:16] = CAR
    return torch.tensor(np.log(depth), dtype=torch.float32)[None], torch.tensor(labels)[None]


def contact(**changes):
    """Make the loss."""
    return GroundContact(GroundContactConfig(**changes), NAMES, FOCAL)


def test_car_is_as_far_as_the_road_that_it_touches():
    """Its rows, but for those higher than it is sure, are drawn to the depth at its lower edge."""
    log_depth, labels = street(tilt=0.05)
    far = log_depth.clone()
    far[labels == CAR] = math.log(90.0)
    far.requires_grad_(True)
    unknown = torch.ones_like(labels, dtype=torch.bool)

    loss, valid = contact(height_m=1.0)(far, labels, unknown, STRIDE)
    loss.backward()

    # The contact is between row 19, of the car, and row 20.
    edge = (20.0 - HORIZON + 0.05 * (np.arange(8, 16) + 0.5 - 12.0)) * STRIDE
    truth = FOCAL * HEIGHT_M / edge
    # A metre is FOCAL / depth pixels high.
    high = FOCAL / truth / STRIDE
    rows = [sum(19.5 - row <= h for row in range(12, 20)) for h in high]
    expected = np.average(np.log(90.0 / truth), weights=rows)
    assert int(valid.sum()) == sum(rows)
    assert float(loss.detach()) == pytest.approx(expected, abs=2e-3)
    assert bool((far.grad[valid] > 0.0).all())
    assert bool((far.grad[~valid] == 0.0).all())


def test_car_at_the_right_depth_costs_nothing():
    """The loss of the truth is next to 0."""
    log_depth, labels = street()
    log_depth[labels == CAR] = math.log(FOCAL * HEIGHT_M / ((20.0 - HORIZON) * STRIDE))

    loss, valid = contact()(log_depth, labels, labels >= 0, STRIDE)

    assert valid.any()
    assert float(loss.detach()) < 1e-3


@pytest.mark.parametrize('case', ['known', 'no road', 'beyond', 'other class', 'upside down'])
def test_pixels_without_information_cost_nothing(case):
    """Without a road, with a depth, far away or hidden below: 0, with a gradient of 0."""
    log_depth, labels = street()
    unknown = torch.full_like(labels, case != 'known', dtype=torch.bool)
    if case == 'no road':
        labels[labels == ROAD] = SKY
    if case == 'other class':
        labels[:, 20:22] = SKY
    if case == 'upside down':
        log_depth, labels = log_depth.flip(1), labels
    log_depth.requires_grad_(True)

    loss, valid = contact(**{'max_depth_m': 1.0} if case == 'beyond' else {})(
        log_depth, labels, unknown, STRIDE
    )
    loss.backward()

    assert not valid.any()
    assert float(loss.detach()) == 0.0
    assert bool((log_depth.grad == 0.0).all())


def test_plane_forgives_a_third_of_wrong_pixels():
    """What a shadow does to the depth of the road does not move the plane."""
    log_depth, labels = street()
    wrong = log_depth.clone()
    wrong[:, 22:26] += 0.8

    plane = fit_plane(wrong, labels == ROAD)

    assert plane.found.tolist() == [True]
    a, b, c = plane.coefficients[0].tolist()
    slope = STRIDE * 32 / (FOCAL * HEIGHT_M)
    assert b == pytest.approx(slope, rel=0.03)
    assert a == pytest.approx(slope * (0.5 - HORIZON / 32), rel=0.03)
    assert c == pytest.approx(0.0, abs=0.01 * slope)


def test_contact_lies_in_a_narrow_gap_and_not_beyond_a_wide_one():
    """Three unknown rows may lie between a thing and the road, and any within the thing."""
    column = [CAR, VOID, VOID, VOID, VOID, CAR, VOID, VOID, VOID, ROAD, ROAD]
    wide = [CAR, VOID, VOID, VOID, VOID, ROAD, CAR, ROAD, SKY, CAR, SKY]
    labels = torch.tensor([column, wide]).T[None]

    rows = contact_rows(labels == ROAD, labels == CAR, labels == VOID)[0].T

    nan = math.nan
    # Half way from the last row of the thing, 5, to the first of the road, 9.
    expected = [[7.0 if value == CAR else nan for value in column], [nan] * 6 + [6.5] + [nan] * 4]
    np.testing.assert_array_equal(rows.numpy(), np.array(expected, np.float32))


def test_cells_are_their_middle_pixels():
    """A cell that ends before its middle is unknown."""
    labels = torch.arange(6 * 9).reshape(1, 6, 9) % 200

    assert cells(labels, 4, (2, 3)).tolist() == [[[20, 24, 255], [255, 255, 255]]]


def test_sum_of_losses_counts_it_where_depth_is_unknown():
    """Two images of the same street: the one with depth has no part in it."""
    log_depth, coarse = street()
    coarse = coarse.repeat(2, 1, 1)
    labels = coarse.repeat_interleave(STRIDE, 1).repeat_interleave(STRIDE, 2)
    depth = torch.full_like(labels, torch.nan, dtype=torch.float32)
    depth[1] = 20.0
    batch = Batch(torch.zeros(2, 3, *labels.shape[1:]), labels, depth, torch.full((2,), FOCAL))
    config = LossConfig(depth=DepthLossConfig(contact=GroundContactConfig(factor=3.0)))

    def loss(chosen):
        made = make_loss(
            chosen,
            num_classes=3,
            class_counts=np.ones(3, np.int64),
            depth_is_log=True,
            focal_length_px=FOCAL,
            class_names=NAMES,
        )
        return made({'depth': log_depth.repeat(2, 1, 1)[:, None]}, batch)

    total, parts = loss(config)
    plain, _ = loss(replace(config, depth=DepthLossConfig()))

    alone = contact()(log_depth, coarse[:1], torch.ones_like(coarse[:1], dtype=torch.bool), STRIDE)
    assert float(alone[0]) > 0.05
    assert float(parts['ground_contact']) == pytest.approx(float(alone[0]), rel=1e-4)
    assert float(total - plain) == pytest.approx(3.0 * float(alone[0]), rel=1e-4)


def test_unknown_classes_and_factors_are_refused():
    """The error names the classes that there are."""
    with pytest.raises(ValueError, match=r'one of car, truck, bus .* got road, sky'):
        GroundContact(GroundContactConfig(), ('road', 'sky'), FOCAL)
    with pytest.raises(ValueError, match='height_m must be above 0, got 0'):
        GroundContactConfig(height_m=0)
    with pytest.raises(ValueError, match='must name one class or more'):
        GroundContactConfig(ground=())
