# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every batch is a function of seed and step, however many processes share it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.datasets import Sample
from segformer_ros.training.augment import AugmentConfig, CropConfig, ResizeConfig
from segformer_ros.training.batch_source import (
    BatchMaker,
    prefetch,
    Share,
    Source,
    StageBatches,
)
from segformer_ros.training.sampling import Sampling
from square_dataset import SquareDataset
import torch

FIELDS = ('image', 'labels', 'depth', 'focal_px')


def table():
    """Return the channels of road, sky and car."""
    numbers = np.full(256, 255, np.uint8)
    numbers[[1, 11, 14]] = [0, 1, 2]
    return numbers


def maker(share=None, focal=48.0, datasets=None, weights=(1.0,), batch=4):
    """Make batches of squares in two stages."""
    crops = CropConfig(sizes=((32, 64), (64, 64)))
    stages = [StageBatches(3, batch, AugmentConfig(crop=crops))]
    stages.append(StageBatches(2, 8, AugmentConfig()))
    sources = [
        Source(dataset, table(), weight)
        for dataset, weight in zip(datasets or [SquareDataset()], weights, strict=True)
    ]
    return BatchMaker(sources, stages, 3, focal, share or Share())


def same(one, two):
    """Return whether two tensors are equal, NaN being equal to NaN."""
    return torch.equal(one.nan_to_num(nan=-1.0), two.nan_to_num(nan=-1.0))


def joined(steps):
    """Lay batches behind one another."""
    return {name: torch.cat([getattr(b, name) for b in steps]) for name in FIELDS}


def test_batch_is_the_same_for_any_number_of_processes_and_pieces():
    """Sample i of a step does not depend on who makes it."""
    for step in (0, 2):
        (whole,) = maker()(step)
        parts = [maker(Share(rank, 2, 2))(step) for rank in (0, 1)]
        together = joined([parts[0][0], parts[1][0], parts[0][1], parts[1][1]])
        for name in FIELDS:
            assert same(getattr(whole, name), together[name]), name


def test_batches_differ_by_step_and_have_the_size_of_their_stage():
    """The crop is drawn for a batch, the batch size is that of the stage."""
    make = maker()
    sizes = {tuple(make(step)[0].image.shape) for step in range(3)}

    assert sizes <= {(4, 3, 32, 64), (4, 3, 64, 64)}
    assert len(make(3)[0].image) == 8
    assert not torch.equal(make(3)[0].image, make(4)[0].image)
    with pytest.raises(IndexError, match='no such step'):
        make(5)


def test_batch_that_cannot_be_shared_out_is_refused():
    """The message says what the batch size must be a multiple of."""
    with pytest.raises(ValueError, match=r'3 processes in 2 pieces: expected a multiple of 6'):
        maker(Share(0, 3, 2))


def test_unknown_ground_truth_and_cameras_differ_from_known_ones():
    """Missing labels are 255, missing depth is NaN, an unknown camera has the recipe's length."""

    class Bare(SquareDataset):
        def __getitem__(self, index):
            return Sample(super().__getitem__(index).image, name=self.name(index))

    make = maker(datasets=[Bare()])
    (batch,) = make(0)

    assert torch.equal(batch.labels, torch.full_like(batch.labels, 255))
    assert bool(batch.depth.isnan().all())
    # Scaled with the image, as that of a known camera.
    assert len(set(batch.focal_px.tolist())) > 1
    (without,) = maker(datasets=[Bare()], focal=None)(0)
    assert without.focal_px.tolist() == [1.0] * 4


def test_prefetched_batches_come_in_order_from_a_thread_and_from_processes():
    """Who makes them changes nothing."""
    make = maker()
    for workers in (0, 1):
        made = list(prefetch(make, range(1, 4), workers))
        assert len(made) == 3
        for step, (batch,) in zip(range(1, 4), made, strict=True):
            (expected,) = make(step)
            for name in FIELDS:
                found = getattr(batch, name)
                assert same(found, getattr(expected, name)), (workers, step, name)


def test_error_in_a_thread_reaches_the_training():
    """A dataset that cannot be read ends the run with its own message."""

    class Broken(SquareDataset):
        def __getitem__(self, index):
            raise ValueError('square 3 is round')

    with pytest.raises(ValueError, match='square 3 is round'):
        next(prefetch(maker(datasets=[Broken()]), range(3)))


def test_every_sample_is_seen_once_in_a_round():
    """A round is a new order of all samples; the first of some datasets is theirs."""
    sampling = Sampling([1.0], 5)
    rounds = [[sampling.pick(p, [7])[1] for p in range(7 * r, 7 * r + 7)] for r in range(3)]

    assert all(sorted(found) == list(range(7)) for found in rounds)
    assert len({tuple(found) for found in rounds}) == 3
    in_order = Sampling([1.0], 5, [True])
    assert [in_order.pick(place, [7])[1] for place in range(7)] == list(range(7))
    assert [in_order.pick(place, [7])[1] for place in range(7, 14)] == rounds[1]


def test_datasets_are_mixed_by_weight_and_each_is_gone_through_in_rounds():
    """Of a thousand samples every dataset has its share, and its own samples all come."""
    sampling = Sampling([3.0, 1.0], 5)
    drawn = [sampling.pick(place, [100, 10]) for place in range(2000)]

    assert Counter(dataset for dataset, _ in drawn) == {0: 1500, 1: 500}
    assert Counter(drawn)[1, 3] == 50
    assert set(Counter(index for dataset, index in drawn if not dataset).values()) == {15}
    assert [sampling.pick(place, [100, 10]) for place in (1999, 0)] == [drawn[1999], drawn[0]]
    with pytest.raises(ValueError, match='less than 1/1000 of the weights is never drawn'):
        Sampling([1.0, 1e-6], 0)


def test_rare_classes_are_those_of_the_network(monkeypatch):
    """Crops are laid around classes that the network has, of each dataset by itself."""
    crops = CropConfig(sizes=((32, 32),), rare_share=1.0)
    resize = ResizeConfig(kind='none')
    only_cars = np.where(table() == 2, table(), 255).astype(np.uint8)
    augment = replace(AugmentConfig(), crop=crops, resize=resize)
    make = BatchMaker([Source(SquareDataset(), only_cars)], [StageBatches(4, 2, augment)], 1, 48.0)

    for step in range(4):
        (batch,) = make(step)
        assert bool((batch.labels == 2).flatten(1).any(dim=1).all())


class WithSoftLabels(SquareDataset):
    """Every sample but the first one has two classes for each pixel."""

    def __getitem__(self, index):
        """Put another class, unknown to the network, next to the label."""
        sample = super().__getitem__(index)
        if not index:
            return sample
        parts = [sample.labels, np.full_like(sample.labels, 99)]
        parts += [np.full_like(sample.labels, 200), np.full_like(sample.labels, 55)]
        return replace(sample, soft_labels=np.stack(parts, axis=-1))


def test_soft_labels_become_channels():
    """By the table of the labels; a sample without them has no probability."""
    dataset = WithSoftLabels()
    batches = [make for step in range(3) for make in maker(datasets=[dataset])(step)]
    seen = set()
    for batch in batches:
        for labels, soft in zip(batch.labels, batch.soft_labels, strict=True):
            seen.add(bool(soft.any()))
            if soft.any():
                assert torch.equal(soft[0][labels != 255].long(), labels[labels != 255])
                assert set(soft[1].unique().tolist()) <= {0, 255}
                assert set(soft[2].unique().tolist()) <= {0, 200}
    assert True in seen
    assert maker()(0)[0].soft_labels is None
