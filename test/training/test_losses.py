# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of labels on numbers small enough to check by hand, and without any labelled pixel."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.losses.segmentation import (  # noqa: E402
    average,
    cross_entropy,
    dice,
    hardest,
    lovasz_softmax,
    pixel_cross_entropy,
    pixel_weights,
    probabilities,
)
from torch.nn import functional  # noqa: E402

VOID = 255


def image_of(probability_of_one):
    """Return (1, 2, 1, P) logits with these probabilities of class 1."""
    one = torch.tensor(probability_of_one)
    return torch.stack([1.0 - one, one]).log()[None, :, None]


def test_cross_entropy_weighs_classes_and_ignores_void():
    """Two pixels with equal logits: the weighted mean is log 2 whatever the weights are."""
    logits = torch.zeros(1, 2, 1, 2)
    labels = torch.tensor([[[0, VOID]]])
    weights = torch.tensor([1.0, 3.0])

    assert float(cross_entropy(logits, labels, weights)) == pytest.approx(math.log(2.0))


@pytest.mark.parametrize(
    ('over', 'divisor'), [('weights', 1.0 + 3.0), ('labelled', 2.0), ('all', 3.0)]
)
def test_cross_entropy_divides_by_what_the_recipe_says(over, divisor):
    """Class 0 misses by log(4/3) and weighs 1, class 1 by log 4 and weighs 3, one is unknown."""
    logits = image_of([0.25, 0.25, 0.5])
    labels = torch.tensor([[[0, 1, VOID]]])

    value = cross_entropy(logits, labels, torch.tensor([1.0, 3.0]), over)

    expected = (math.log(4 / 3) + 3.0 * math.log(4)) / divisor
    assert float(value) == pytest.approx(expected)


def test_cross_entropy_is_torchs_on_upsampled_logits():
    """With weights, an unknown region, and logits at a quarter of the size."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 4, 6, generator=generator)
    labels = torch.randint(5, (2, 16, 24), generator=generator)
    labels[:, :4] = VOID
    weights = torch.rand(5, generator=generator)

    value = cross_entropy(logits, labels, weights)

    large = functional.interpolate(logits, size=(16, 24), mode='bilinear', align_corners=False)
    expected = functional.cross_entropy(large, labels, weight=weights, ignore_index=VOID)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)


def test_binary_cross_entropy_is_of_one_channel_against_all_else():
    """Probability 3/4: the class misses by log(4/3), all else by log 4, unknown not at all."""
    logits = torch.full((1, 1, 1, 3), math.log(3.0))
    labels = torch.tensor([[[1, 0, VOID]]])

    value = cross_entropy(logits, labels, torch.ones(2))

    assert float(value) == pytest.approx((math.log(4 / 3) + math.log(4)) / 2.0)


def test_binary_cross_entropy_weighs_both_sides():
    """All else weighs 1, the class 3."""
    logits = torch.full((1, 1, 1, 2), math.log(3.0))

    value = cross_entropy(logits, torch.tensor([[[1, 0]]]), torch.tensor([1.0, 3.0]))

    assert float(value) == pytest.approx((3.0 * math.log(4 / 3) + math.log(4)) / 4.0)


def choose(logits, labels, threshold, count, weights=(1.0, 1.0)):
    """Run the choice of the hardest pixels."""
    losses = pixel_cross_entropy(logits, labels)
    factors = pixel_weights(labels, torch.tensor(weights))
    return hardest(losses, factors, labels, threshold=threshold, count=count)[0, 0].tolist()


def test_ohem_keeps_pixels_below_the_threshold():
    """The true class has 0.9, 0.6, 0.8 and 0.2; the fifth pixel is unknown."""
    logits = image_of([0.9, 0.6, 0.2, 0.8, 0.1])
    labels = torch.tensor([[[1, 1, 0, 0, VOID]]])

    assert choose(logits, labels, 0.7, 1) == [False, True, False, True, False]
    assert choose(logits, labels, 0.1, 1) == [False, False, False, True, False]


def test_ohem_keeps_the_least_probable_in_any_case():
    """Three are wanted, though only one is below the threshold."""
    logits = image_of([0.9, 0.6, 0.2, 0.8])
    labels = torch.tensor([[[1, 1, 0, 0]]])

    assert choose(logits, labels, 0.5, 3) == [False, True, True, True]


def test_ohem_without_threshold_keeps_the_greatest_weighted_losses():
    """A weight of 10 makes the easy pixel of class 0 the hardest one."""
    logits = image_of([0.9, 0.6, 0.2, 0.5])
    labels = torch.tensor([[[1, 1, 0, VOID]]])

    assert choose(logits, labels, None, 1) == [False, True, False, False]
    assert choose(logits, labels, None, 1, (10.0, 1.0)) == [False, False, True, False]


def test_ohem_keeps_every_labelled_pixel_when_there_are_too_few():
    """And never an unknown one."""
    logits = image_of([0.9, 0.6, 0.2])
    labels = torch.tensor([[[1, VOID, 0]]])

    for threshold in (None, 0.1):
        assert choose(logits, labels, threshold, 100) == [True, False, True]


def test_ohem_averages_over_what_it_keeps():
    """Kept is log 5 alone; of three labelled pixels of four."""
    logits = image_of([0.9, 0.6, 0.8, 0.5])
    labels = torch.tensor([[[1, 1, 0, VOID]]])
    losses = pixel_cross_entropy(logits, labels)
    weights = pixel_weights(labels, torch.ones(2))
    weights = weights * hardest(losses, weights, labels, threshold=None, count=1)

    values = [float(average(losses, labels, weights, over)) for over in ('weights', 'labelled')]

    assert values == pytest.approx([math.log(5.0), math.log(5.0) / 3.0])


def test_dice_is_the_papers_formula():
    """Class 1: 2 (0.8 + 0.4) / (0.64 + 0.16 + 0.25 + 2); class 0 likewise; class 2 is absent."""
    values = torch.tensor([[0.2, 0.6, 0.5], [0.8, 0.4, 0.5], [0.0, 0.0, 0.0]])[None, :, None]
    labels = torch.tensor([[[1, 1, 0]]])

    value = dice(values, labels)

    one = 1.0 - 2.0 * 1.2 / (0.64 + 0.16 + 0.25 + 2.0)
    zero = 1.0 - 2.0 * 0.5 / (0.04 + 0.36 + 0.25 + 1.0)
    assert float(value) == pytest.approx((one + zero) / 2.0)


def test_lovasz_of_certain_predictions_is_one_minus_the_iou():
    """The extension equals the set function on its corners: IoU 1/2 and 2/3."""
    labels = torch.tensor([[[0, 0, 1, 1, VOID]]])
    predicted = torch.tensor([0, 1, 1, 1, 0])
    values = functional.one_hot(predicted, 2).T.float()[None, :, None]

    assert float(lovasz_softmax(values, labels)) == pytest.approx((1 / 2 + 1 / 3) / 2.0)


def test_lovasz_between_certainties_is_worked_by_hand():
    """
    One class, errors 0.6 (of the background) and 0.4 (of the class), in that order.

    The background pixel alone makes 1 - 1/2, both make 1: 0.6 * 0.5 + 0.4 * 0.5.
    """
    values = torch.tensor([0.6, 0.6])[None, None, None]
    labels = torch.tensor([[[1, 0]]])

    assert float(lovasz_softmax(values, labels)) == pytest.approx(0.5)


def test_unknown_pixels_change_neither_dice_nor_lovasz():
    """A border of unknown pixels is as no border."""
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(1, 3, 2, 8, generator=generator).softmax(dim=1)
    labels = torch.randint(3, (1, 2, 8), generator=generator)
    framed = torch.cat([labels, torch.full((1, 2, 8), VOID)], dim=1)
    taller = torch.cat([values, torch.rand(1, 3, 2, 8, generator=generator)], dim=2)

    for loss in (dice, lovasz_softmax):
        assert float(loss(taller, framed)) == pytest.approx(float(loss(values, labels)))


def mean_of_the_hardest(logits, labels):
    """Average over OHEM's choice."""
    losses = pixel_cross_entropy(logits, labels)
    weights = pixel_weights(labels, torch.ones(max(logits.shape[1], 2)))
    chosen = hardest(losses, weights, labels, threshold=0.7, count=2)
    return average(losses, labels, weights * chosen, 'weights')


LOSSES = {
    'cross entropy': lambda x, y: cross_entropy(x, y, torch.ones(max(x.shape[1], 2))),
    'labelled': lambda x, y: cross_entropy(x, y, torch.ones(max(x.shape[1], 2)), 'labelled'),
    'hardest': mean_of_the_hardest,
    'dice': lambda x, y: dice(probabilities(x), y),
    'lovasz': lambda x, y: lovasz_softmax(probabilities(x), y),
}


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('name', LOSSES)
def test_losses_without_labels_are_zero(name, channels):
    """A frame without any label teaches nothing and breaks nothing."""
    logits = torch.randn(1, channels, 4, 4, requires_grad=True)

    value = LOSSES[name](logits, torch.full((1, 4, 4), VOID))
    value.backward()

    assert value.item() == 0.0
    assert logits.grad.abs().sum() == 0.0


@pytest.mark.parametrize('name', LOSSES)
def test_losses_of_certain_logits_have_finite_gradients(name):
    """Right and wrong by a hundred."""
    logits = torch.tensor([[[[100.0, -100.0]], [[-100.0, 100.0]]]], requires_grad=True)

    value = LOSSES[name](logits, torch.tensor([[[0, 0]]]))
    value.backward()

    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('name', LOSSES)
def test_losses_fall_along_their_gradient(name, channels):
    """One step downhill."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(2, channels, 4, 4, generator=generator, requires_grad=True)
    labels = torch.randint(max(channels, 2), (2, 4, 4), generator=generator)

    value = LOSSES[name](logits, labels)
    value.backward()

    assert LOSSES[name](logits.detach() - 0.1 * logits.grad, labels) < value
