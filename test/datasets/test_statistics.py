# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Class frequencies and the weights made of them."""

import math

import numpy as np
import pytest
from segformer_ros.datasets.sample import Sample
from segformer_ros.datasets.statistics import (
    channel_counts,
    class_weights,
    count_classes,
    KINDS,
    spread,
)

COUNTS = np.array([700, 200, 100], np.int64)


class Labelled:
    """Frames whose labels are given."""

    label_set = None

    def __init__(self, *labels):
        self.stored = [None if item is None else np.array(item, np.uint8) for item in labels]

    def __len__(self):
        return len(self.stored)

    def __getitem__(self, index):
        return Sample(np.zeros((1, 1, 3), np.uint8), labels=self.stored[index])

    def name(self, index):
        """Return the number."""
        return str(index)


def test_pixels_and_frames_are_counted():
    """A frame without labels counts as looked at and adds nothing."""
    found = count_classes(Labelled([[0, 0], [3, 255]], [[3, 3], [3, 3]], None))

    assert {int(i): int(found.pixels[i]) for i in np.flatnonzero(found.pixels)} == {
        0: 2, 3: 5, 255: 1,
    }  # fmt: skip
    assert {int(i): int(found.frames[i]) for i in np.flatnonzero(found.frames)} == {
        0: 1, 3: 2, 255: 1,
    }  # fmt: skip
    assert found.total == 3


def test_some_frames_stand_for_all():
    """They are spread evenly and reach both ends."""
    assert spread(10, 4) == [0, 3, 6, 9]
    assert spread(3, 16) == spread(3, None) == [0, 1, 2]
    assert count_classes(Labelled([[1]], [[2]], [[3]]), frames=2).pixels[[1, 2, 3]].tolist() == [
        1, 0, 1,
    ]  # fmt: skip


def test_channels_gather_the_ids_that_are_mapped_to_them():
    """Two ids may become one channel; what has no class is in none."""
    pixels = np.zeros(256, np.int64)
    pixels[[0, 1, 2, 255]] = [5, 6, 7, 100]
    table = np.full(256, 255, np.uint8)
    table[[0, 1]] = 8
    assert channel_counts(pixels, table, [3, 8]).tolist() == [0, 11]


@pytest.mark.parametrize(
    ('kind', 'parameters', 'expected'),
    [
        ('none', {}, [1, 1, 1]),
        ('complement', {}, [0.15, 0.40, 0.45]),
        ('log_c', {}, [1 / math.log(1.72), 1 / math.log(1.22), 1 / math.log(1.12)]),
        ('log_c', {'c': 1.1}, [1 / math.log(1.8), 1 / math.log(1.3), 1 / math.log(1.2)]),
        ('effective', {'beta': 0.0}, [1, 1, 1]),
    ],
)
def test_weights_by_hand(kind, parameters, expected):
    """The published formulas, worked out."""
    np.testing.assert_allclose(class_weights(COUNTS, kind, **parameters), expected, rtol=1e-12)


def test_log1p_is_scaled_to_the_number_of_classes():
    """1 / log(1 + count), sum N."""
    raw = [1 / math.log(701), 1 / math.log(201), 1 / math.log(101)]
    expected = [3 * item / sum(raw) for item in raw]
    np.testing.assert_allclose(class_weights(COUNTS, 'log1p'), expected, rtol=1e-12)


def test_the_effective_number_is_that_of_the_paper():
    """(1 - beta ** n) / (1 - beta), inverted and scaled to sum N."""
    raw = [(1 - 0.99) / (1 - 0.99**count) for count in (700, 200, 100)]
    expected = [3 * item / sum(raw) for item in raw]
    np.testing.assert_allclose(class_weights(COUNTS, 'effective', beta=0.99), expected, rtol=1e-12)


def test_the_complement_of_22_classes_sums_to_one():
    """So do the weights with which SegFormer was trained on SHIFT: one class of many is 1/21."""
    counts = np.random.default_rng(1).integers(0, 10**9, 22)
    weights = class_weights(counts, 'complement')
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert class_weights(np.array([0] * 21 + [9]), 'complement')[0] == pytest.approx(1 / 21)
    assert weights.argmax() == counts.argmin()


@pytest.mark.parametrize('kind', KINDS)
def test_a_class_that_never_occurs_has_a_finite_weight(kind):
    """It weighs at least as much as any other, and large counts lose no digits."""
    weights = class_weights(np.array([0, 10**12, 50]), kind)
    assert np.isfinite(weights).all()
    assert weights.argmax() == 0
    assert (weights > 0).all() or kind == 'complement'


def test_one_class_has_a_weight():
    """A network of one class has nothing to balance."""
    for kind in ('none', 'complement', 'log1p', 'effective'):
        assert class_weights(np.array([9]), kind).tolist() == pytest.approx([1.0])


@pytest.mark.parametrize(
    ('counts', 'kind', 'parameters', 'message'),
    [
        (COUNTS, 'inverse', {}, 'one of none, complement, log1p, log_c, effective'),
        (COUNTS, 'log1p', {'c': 1.1}, "no 'c', they have: none"),
        (COUNTS, 'log_c', {'c': 0.9}, 'above 1'),
        (COUNTS, 'effective', {'beta': 1.0}, 'below 1'),
        (np.array([0, 0]), 'none', {}, 'some above 0'),
        (np.array([1, -1]), 'none', {}, 'not negative'),
        (np.array([[1, 1]]), 'none', {}, r'\(N,\)'),
    ],
)
def test_wrong_use_is_refused(counts, kind, parameters, message):
    """The message says what would have been right."""
    with pytest.raises(ValueError, match=message):
        class_weights(counts, kind, **parameters)
