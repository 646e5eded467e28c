# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels that are not those of their label set."""

import numpy as np
import pytest
from segformer_ros.datasets import DatasetError, Sample
from segformer_ros.datasets.checks import check_labels
from segformer_ros.labels import CITYSCAPES_19


class Labelled:
    """Frames whose labels are given."""

    def __init__(self, *labels, label_set=CITYSCAPES_19):
        self.labels, self.label_set, self.read = labels, label_set, []

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        self.read.append(index)
        ids = self.labels[index]
        return Sample(
            np.zeros((1, 2, 3), np.uint8),
            labels=None if ids is None else np.array([ids], np.uint8),
        )

    def name(self, index):
        """Return the number."""
        return f'frame {index}'


def test_ids_of_the_label_set_pass():
    """So does what is unknown, and a frame without labels."""
    check_labels(Labelled([0, 18], [255, 3], None))
    check_labels(Labelled([77, 77], label_set=None))


def test_other_ids_are_named_with_the_sample():
    """The ids 33 of Cityscapes' label ids are no train ids."""
    with pytest.raises(
        DatasetError,
        match=r'cityscapes_19 \(0 to 18, or 255 .* in frame 1, found 21, 33: choose the label set',
    ):
        check_labels(Labelled([0, 1], [33, 21]))


def test_some_frames_stand_for_all():
    """First and last are among them."""
    data = Labelled(*[[0, 1]] * 100)
    check_labels(data, frames=5)
    assert data.read == [0, 25, 50, 74, 99]


def test_an_empty_dataset_is_an_error():
    """An empty dataset."""
    with pytest.raises(DatasetError, match='found none'):
        check_labels(Labelled())


def test_one_frame_stands_for_a_dataset_that_makes_its_labels():
    """Each costs as much as rendering it; all have the same ids to choose from."""
    data = Labelled(*[[0, 1]] * 100)
    data.class_ids = (0, 1)
    check_labels(data)
    assert data.read == [0]
