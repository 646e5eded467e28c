# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sum of all losses."""

from dataclasses import replace
import math

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.datasets.statistics import class_weights  # noqa: E402
from segformer_ros.network import build  # noqa: E402
from segformer_ros.training.batches import Batch  # noqa: E402
from segformer_ros.training.losses import LossConfig, make_loss  # noqa: E402
from segformer_ros.training.losses.config import (  # noqa: E402
    DepthLossConfig,
    DepthTermConfig,
    SegmentationLossConfig,
)
from segformer_ros.training.losses.depth import berhu, l1, mse, silog  # noqa: E402
from segformer_ros.training.losses.segmentation import (  # noqa: E402
    cross_entropy,
    dice,
    lovasz_softmax,
    soft_cross_entropy,
)
from segformer_ros.training.weighting import WeightingConfig  # noqa: E402
from torch.nn import functional  # noqa: E402

COUNTS = np.array([70, 20, 10], np.int64)
FOCAL = 100.0
ALL_DEPTH = tuple(
    DepthTermConfig(kind, space)
    for kind in ('l1', 'mse', 'berhu', 'gradient')
    for space in ('log', 'linear')
)


def number(value):
    """Return a tensor of one value as a number."""
    return float(value.detach())


def loss_of(config, *, num_classes=3, depth_is_log=True):
    """Make a loss for three classes."""
    return make_loss(
        config,
        num_classes=num_classes,
        class_counts=COUNTS,
        depth_is_log=depth_is_log,
        focal_length_px=FOCAL,
    )


def batch_of(height=8, width=12, seed=0):
    """Draw labels and depths, some of both unknown."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (2, height, width), generator=generator)
    labels[:, 0] = 255
    depth = 5.0 + 20.0 * torch.rand(2, height, width, generator=generator)
    depth[:, -1] = math.inf
    return Batch(torch.zeros(2, 3, height, width), labels, depth, torch.tensor([100.0, 50.0]))


def outputs_of(height=8, width=12, seed=1):
    """Draw logits at a quarter of the size, depth at full size."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = math.ceil(height / 4), math.ceil(width / 4)
    return {
        'logits': torch.randn(2, 3, rows, columns, generator=generator).requires_grad_(),
        'depth': (2.0 + torch.rand(2, 1, height, width, generator=generator)).requires_grad_(),
    }


def log_error(outputs, batch):
    """Compute the errors of log depth by the book, and where they count."""
    valid = batch.depth.isfinite()
    target = torch.where(valid, batch.depth, 1.0) * FOCAL / batch.focal_px[:, None, None]
    return outputs['depth'][:, 0] - target.log(), valid


def test_sum_is_that_of_its_parts_times_their_factors():
    """1 * cross entropy + 2 * (silog + 0.5 * l1)."""
    batch, outputs = batch_of(), outputs_of()
    loss = loss_of(LossConfig(weighting=WeightingConfig(depth=2.0)))

    total, parts = loss(outputs, batch)

    error, valid = log_error(outputs, batch)
    expected = {
        'segmentation': cross_entropy(outputs['logits'], batch.labels, torch.ones(3)),
        'silog': silog(error, valid),
        'log_l1': l1(error, valid),
    }
    assert {name: number(value) for name, value in parts.items()} == pytest.approx(
        {name: number(value) for name, value in expected.items()}, rel=1e-5
    )
    hand = parts['segmentation'] + 2.0 * (parts['silog'] + 0.5 * parts['log_l1'])
    assert number(total) == pytest.approx(number(hand), rel=1e-6)
    assert not any(value.requires_grad for value in parts.values())


def test_silog_is_a_part_of_the_sum_and_of_its_gradient():
    """A sum that keeps its last term alone would lose it; every term must move the depth."""
    batch, outputs = batch_of(), outputs_of()
    error, valid = log_error(outputs, batch)
    raw = DepthTermConfig('silog', form='raw', variance_focus=0.25)
    terms = (raw, DepthTermConfig('l1', factor=0.1))

    total, _ = loss_of(LossConfig(depth=DepthLossConfig(terms=terms)))(
        {'depth': outputs['depth']}, batch
    )

    expected = silog(error, valid, 0.25, 'raw') + 0.1 * l1(error, valid)
    assert number(total) == pytest.approx(number(expected), rel=1e-5)
    assert number(total) > 1.5 * 0.1 * number(l1(error, valid))
    (found,) = torch.autograd.grad(total, outputs['depth'])
    (wanted,) = torch.autograd.grad(expected, outputs['depth'])
    assert torch.allclose(found, wanted, atol=1e-7)


@pytest.mark.parametrize('terms', [(term,) for term in ALL_DEPTH], ids=lambda t: t[0].name)
def test_depth_is_compared_in_metres_or_logs_whatever_the_network_gives(terms):
    """A network of log metres and one of metres get the same loss for the same depths."""
    batch, outputs = batch_of(), outputs_of()
    config = LossConfig(depth=DepthLossConfig(terms=terms))

    of_log, _ = loss_of(config)({'depth': outputs['depth']}, batch)
    of_metres, _ = loss_of(config, depth_is_log=False)({'depth': outputs['depth'].exp()}, batch)

    assert number(of_log) > 0.0
    assert number(of_metres) == pytest.approx(number(of_log), rel=1e-4)


def test_linear_terms_are_of_metres_for_the_canonical_camera():
    """The second image has half of the canonical focal length: its depths count twice."""
    batch, outputs = batch_of(), outputs_of()
    valid = batch.depth.isfinite()
    metres = torch.where(valid, batch.depth, 0.0) * torch.tensor([1.0, 2.0])[:, None, None]
    error = outputs['depth'].exp()[:, 0] - metres
    terms = (DepthTermConfig('mse', 'linear'), DepthTermConfig('berhu', 'linear'))

    _, parts = loss_of(LossConfig(depth=DepthLossConfig(terms=terms)))(outputs, batch)

    assert number(parts['linear_mse']) == pytest.approx(number(mse(error, valid)), rel=1e-4)
    assert number(parts['linear_berhu']) == pytest.approx(number(berhu(error, valid)), rel=1e-4)


def test_auxiliary_dice_and_lovasz_are_added_with_their_factors():
    """0.4 of the second head, 0.5 of Dice, 0.25 of Lovasz."""
    batch = batch_of()
    outputs = {'logits': outputs_of()['logits'], 'auxiliary': torch.randn(2, 3, 1, 1)}
    config = SegmentationLossConfig(dice=0.5, lovasz=0.25)

    total, parts = loss_of(LossConfig(segmentation=config))(outputs, batch)

    large = functional.interpolate(outputs['logits'], size=(8, 12), mode='bilinear')
    values = large.softmax(dim=1)
    expected = {
        'segmentation': cross_entropy(large, batch.labels, torch.ones(3)),
        'auxiliary': cross_entropy(outputs['auxiliary'], batch.labels, torch.ones(3)),
        'dice': dice(values, batch.labels),
        'lovasz': lovasz_softmax(values, batch.labels),
    }
    factors = {'segmentation': 1.0, 'auxiliary': 0.4, 'dice': 0.5, 'lovasz': 0.25}
    assert set(parts) == set(expected)
    hand = sum(factors[name] * number(value) for name, value in expected.items())
    assert number(total) == pytest.approx(hand, rel=1e-5)


@pytest.mark.parametrize('upsample', [False, True])
def test_laplace_learns_the_scale_where_depth_is_compared(upsample):
    """At the cells of the network, or upsampled as depth is."""
    config = DepthLossConfig(terms=(DepthTermConfig('laplace'),), upsample=upsample)
    depth = torch.full((1, 8, 12), 10.0)
    batch = Batch(torch.zeros(1, 3, 8, 12), None, depth, torch.tensor([FOCAL]))
    log_scale = torch.linspace(-2.0, 1.0, 6).reshape(1, 1, 2, 3).requires_grad_()
    outputs = {'depth': torch.full((1, 1, 2, 3), math.log(12.0)), 'depth_scale': log_scale}

    total, parts = loss_of(LossConfig(depth=config))(outputs, batch)
    total.backward()

    at = log_scale.detach()
    if upsample:
        at = functional.interpolate(at, size=(8, 12), mode='bilinear')
    hand = (math.log(1.2) / at.exp() + at + math.log(2.0)).mean()
    assert set(parts) == {'laplace'}
    assert number(total) == pytest.approx(number(hand), rel=1e-5)
    assert log_scale.grad.abs().min() > 0.0


def test_laplace_needs_a_network_with_a_scale():
    """One sentence names the field of the recipe."""
    config = DepthLossConfig(terms=(DepthTermConfig('laplace'),))
    with pytest.raises(ValueError, match=r'set network\.depth_scale'):
        loss_of(LossConfig(depth=config))(outputs_of(), batch_of())


def test_ohem_is_the_mean_of_the_hardest_pixels():
    """Five per image, of ten in two images."""
    batch, outputs = batch_of(), outputs_of()
    config = SegmentationLossConfig('ohem', ohem_threshold=None, ohem_min_kept=5)

    _, parts = loss_of(LossConfig(segmentation=config))(outputs, batch)

    large = functional.interpolate(outputs['logits'], size=(8, 12), mode='bilinear')
    losses = functional.cross_entropy(large, batch.labels, ignore_index=255, reduction='none')
    assert number(parts['segmentation']) == pytest.approx(
        number(losses.flatten().topk(10).values.mean()), rel=1e-5
    )


@pytest.mark.parametrize(
    ('kind', 'balance', 'parameters'),
    [
        ('complement', None, {}),
        ('log1p', None, {}),
        ('log_c', 1.1, {'c': 1.1}),
        ('effective', 0.9, {'beta': 0.9}),
    ],
)
def test_class_weights_come_from_the_counts_of_the_data(kind, balance, parameters):
    """By the formulas that the statistics of a dataset print."""
    config = SegmentationLossConfig(class_weights=kind, balance=balance)

    loss = loss_of(LossConfig(segmentation=config))

    expected = class_weights(COUNTS, kind, **parameters)
    assert loss.class_weights.tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_class_weights_may_be_given_one_by_one():
    """As the ladder of KITTI does."""
    config = SegmentationLossConfig(class_weights=(0.7, 0.8, 1.5))

    weights = loss_of(LossConfig(segmentation=config)).class_weights

    assert weights.tolist() == pytest.approx([0.7, 0.8, 1.5])


def test_binary_network_learns_one_channel():
    """Its labels are 1, 0 and unknown."""
    labels = torch.tensor([[[1, 0, 255, 255]] * 4])
    batch = Batch(torch.zeros(1, 3, 4, 4), labels, torch.zeros(1, 4, 4), torch.ones(1))
    config = LossConfig(SegmentationLossConfig('binary'))
    logits = torch.full((1, 1, 1, 1), math.log(3.0))

    total, _ = loss_of(config, num_classes=1)({'logits': logits}, batch)

    assert number(total) == pytest.approx((math.log(4 / 3) + math.log(4)) / 2.0)


@pytest.mark.parametrize('is_log', [True, False])
@pytest.mark.parametrize('kind', ['cross_entropy', 'ohem'])
def test_batch_without_ground_truth_has_no_gradient(kind, is_log):
    """All terms at once: the sum is 0 and so are its gradients."""
    config = LossConfig(
        SegmentationLossConfig(kind, dice=1.0, lovasz=1.0),
        DepthLossConfig(terms=(*ALL_DEPTH, DepthTermConfig('silog'))),
    )
    batch, outputs = batch_of(), outputs_of()
    outputs['auxiliary'] = torch.zeros(2, 3, 1, 1, requires_grad=True)
    unknown = torch.full_like(batch.depth, math.nan)
    batch = replace(batch, labels=torch.full_like(batch.labels, 255), depth=unknown)

    total, _ = loss_of(config, depth_is_log=is_log)(outputs, batch)
    total.backward()

    assert number(total) == 0.0
    assert all(number(value.grad.abs().sum()) == 0.0 for value in outputs.values())


def test_network_without_known_heads_is_refused():
    """Instead of a sum of nothing."""
    with pytest.raises(ValueError, match="expected logits or depth of the network, got \\['a'\\]"):
        loss_of(LossConfig())({'a': torch.zeros(1)}, batch_of())


def test_drawn_pixels_are_a_function_of_the_seed():
    """The same seed, the same loss; another one looks elsewhere."""
    batch, outputs = batch_of(), outputs_of()
    loss = loss_of(LossConfig(SegmentationLossConfig(label_stride=2)))

    values = [number(loss(outputs, batch, seed=seed)[0]) for seed in (3, 3, 0, 1, 2, 4)]

    assert values[0] == values[1]
    assert len(set(values)) > 1


def test_upsampled_depth_is_compared_with_every_pixel():
    """As Segformer3D does it."""
    batch = batch_of()
    depth = torch.rand(2, 1, 2, 3) + 2.0
    config = LossConfig(depth=DepthLossConfig((DepthTermConfig('l1'),), upsample=True))

    total, _ = loss_of(config)({'depth': depth}, batch)

    large = functional.interpolate(depth, size=(8, 12), mode='bilinear')
    error, valid = log_error({'depth': large}, batch)
    assert number(total) == pytest.approx(number(l1(error, valid)), rel=1e-5)


def test_sum_reaches_every_parameter_of_a_network():
    """One step in bfloat16 on images of odd size, with three heads and depth at stride 4."""
    torch.manual_seed(0)
    network = build('b0', 3, decoder_dim=8, depth_dim=8, depth_stride=4, auxiliary_head=True)
    config = LossConfig(SegmentationLossConfig('ohem', ohem_min_kept=200, label_stride=2))
    with torch.autocast('cpu', torch.bfloat16):
        outputs = network(torch.randn(2, 3, 34, 45))

    total, parts = loss_of(config, depth_is_log=False)(outputs, batch_of(34, 45))
    total.backward()

    assert set(parts) == {'segmentation', 'auxiliary', 'silog', 'log_l1'}
    sums = torch.stack([parameter.grad.abs().sum() for parameter in network.parameters()])
    assert (sums.isfinite() & (sums > 0.0)).all()


def test_confidence_weighs_the_labels():
    """The mean is that of torch with the confidence as weights; 0 counts nothing."""
    batch, outputs = batch_of(), outputs_of()
    outputs = {'logits': outputs['logits']}
    confidence = torch.linspace(0.0, 1.0, batch.labels.numel()).view_as(batch.labels)
    config = LossConfig(SegmentationLossConfig(class_weights=(1.0, 2.0, 3.0)))

    total, _ = loss_of(config)(outputs, replace(batch, confidence=confidence))

    full = functional.interpolate(outputs['logits'], (8, 12), mode='bilinear')
    losses = functional.cross_entropy(full, batch.labels, ignore_index=255, reduction='none')
    weights = torch.tensor([1.0, 2.0, 3.0])[batch.labels.clamp(max=2)] * confidence
    weights = weights * (batch.labels != 255)
    assert number(total) == pytest.approx(number((losses * weights).sum() / weights.sum()))


def test_confidence_follows_the_stride_of_labels():
    """Only pixels that are looked at and trusted count."""
    batch, outputs = batch_of(), {'logits': outputs_of()['logits']}
    config = LossConfig(SegmentationLossConfig(label_stride=2))
    grid_loss = loss_of(config)
    trusted = torch.zeros(batch.labels.shape)
    trusted[:, 3, 5] = 1.0
    lost = replace(batch, confidence=trusted)
    found = {round(number(grid_loss(outputs, lost, seed=seed)[0]), 5) for seed in range(12)}

    full = functional.interpolate(outputs['logits'], (8, 12), mode='bilinear')[:, :, 3, 5]
    expected = number(functional.cross_entropy(full, batch.labels[:, 3, 5]))
    # One of four grids has the pixel.
    assert found == {0.0, round(expected, 5)}


def soft_of(batch, seed=5):
    """Draw two classes for each pixel, the second one sometimes unknown; row 3 has none."""
    generator = torch.Generator().manual_seed(seed)
    first = batch.labels.clamp(max=2)
    second = (first + torch.randint(1, 3, first.shape, generator=generator)) % 3
    second[:, 5] = 255
    shares = torch.randint(1, 128, (2, *first.shape), generator=generator)
    soft = torch.stack([first, second, 127 + shares[0], shares[1]], dim=1).to(torch.uint8)
    soft[:, 2:, 3] = 0
    return soft


@pytest.mark.parametrize('share', [0.0, 0.25, 1.0])
def test_soft_labels_count_with_their_probabilities(share):
    """The loss is that of torch for the probabilities scaled to 1; where there are none, hard."""
    batch, outputs = batch_of(), {'logits': outputs_of()['logits']}
    soft = soft_of(batch)
    config = LossConfig(SegmentationLossConfig(soft_labels=share))
    total, _ = loss_of(config)(outputs, replace(batch, soft_labels=soft))

    full = functional.interpolate(outputs['logits'], (8, 12), mode='bilinear')
    hard = functional.cross_entropy(full, batch.labels, ignore_index=255, reduction='none')
    goal = torch.zeros_like(full)
    for rank in range(2):
        known = soft[:, rank] != 255
        one = functional.one_hot(soft[:, rank].long().clamp(max=2), 3).permute(0, 3, 1, 2)
        goal += one * (soft[:, 2 + rank] * known)[:, None]
    weights = goal.sum(dim=1)
    goal = goal / weights.clamp(min=1)[:, None]
    mixed = functional.cross_entropy(full, goal, reduction='none')
    mixed = torch.where(weights > 0, mixed, hard)
    losses = (share * mixed + (1 - share) * hard)[batch.labels != 255]
    assert number(total) == pytest.approx(number(losses.mean()), rel=1e-5)


def test_soft_labels_of_one_class_are_against_all_else():
    """The share of channel 1 is the goal of its probability."""
    batch = batch_of()
    labels = torch.where(batch.labels == 255, 255, (batch.labels > 0).long())
    soft = torch.stack([labels, 1 - labels.clamp(max=1)], dim=1)
    soft = torch.cat([soft, torch.tensor([204, 51])[None, :, None, None].expand(2, 2, 8, 12)], 1)
    logits = outputs_of()['logits'][:, :1]
    loss = of_labels_soft(logits, labels, soft.to(torch.uint8))
    goal = torch.where(labels == 1, 0.8, 0.2)
    full = functional.interpolate(logits, (8, 12), mode='bilinear')[:, 0]
    expected = functional.binary_cross_entropy_with_logits(full, goal, reduction='none')
    assert torch.allclose(loss, torch.where(labels == 255, 0.0, expected))


def of_labels_soft(logits, labels, soft):
    """Upsample the logits and compute the losses of pixels."""
    full = functional.interpolate(logits, labels.shape[-2:], mode='bilinear')
    return soft_cross_entropy(full, labels, soft)


def test_soft_labels_follow_the_stride_of_labels():
    """With all of the probability on the label they change nothing, whatever the grid."""
    batch, outputs = batch_of(), {'logits': outputs_of()['logits']}
    soft = torch.stack([batch.labels, torch.full_like(batch.labels, 255)], dim=1)
    loss = loss_of(LossConfig(SegmentationLossConfig(label_stride=2)))
    for seed in range(4):
        same, _ = loss(outputs, replace(batch, soft_labels=soft.to(torch.uint8)), seed=seed)
        assert number(same) == pytest.approx(number(loss(outputs, batch, seed=seed)[0]))


def test_a_share_of_soft_labels_beyond_one_is_refused():
    """It would learn against the labels."""
    with pytest.raises(ValueError, match=r'soft_labels must be from 0 to 1, got 1\.5'):
        SegmentationLossConfig(soft_labels=1.5)
