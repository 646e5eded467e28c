# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ADE20K."""

import numpy as np
import pytest
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.ade20k import reduce_zero_label
from segformer_ros.datasets.checks import check_labels
from segformer_ros.labels import ADE20K_4, ADE20K_150
from trees import save, scene, write_ade20k

STORED = (3, 5, 10, 13, 21, 2, 0, 128)


def opened(root, split='train', **options):
    """Open it as a recipe does."""
    return open_dataset(DatasetSpec('ade20k', str(root), split, options))


def test_zero_is_unknown_and_the_others_are_one_less():
    """What others call reduce_zero_label."""
    stored = np.array([[0, 1, 150, 255]], np.uint8)
    assert reduce_zero_label(stored).tolist() == [[255, 0, 149, 255]]


def test_names_are_those_of_the_ids(tmp_path):
    """The sky is 3 in the files and 2 in the network."""
    data = opened(write_ade20k(tmp_path, frames=7))

    labels = data[6].labels

    stored = scene(6, STORED)[1]
    assert data.label_set is ADE20K_150
    assert data.name(0) == 'training/ADE_train_00000001'
    assert {(int(a), int(b)) for a, b in zip(stored.flat, labels.flat, strict=True)} == {
        (0, 255), (128, 127), (3, 2), (5, 4),
    }  # fmt: skip
    assert [ADE20K_150.classes[number].name for number in (2, 4, 127)] == [
        'sky',
        'tree',
        'bicycle',
    ]
    check_labels(data)


def test_the_four_classes(tmp_path):
    """Background is everything else, also what is none of the 150."""
    data = opened(write_ade20k(tmp_path, frames=8), 'val', map='karpenet4')
    assert data.label_set is ADE20K_4
    seen = set()
    for index in range(8):
        stored, labels = scene(index, STORED)[1], data[index].labels
        seen |= {(int(a), int(b)) for a, b in zip(stored.flat, labels.flat, strict=True)}
    assert seen == {(3, 0), (5, 1), (10, 1), (13, 2), (21, 3), (2, 0), (0, 0), (128, 3)}
    check_labels(data)


def test_images_without_foreground_are_left_out(tmp_path):
    """By the share of the pixels that are not background."""
    root = write_ade20k(tmp_path, frames=2)
    stored = np.full((64, 96), 3, np.uint8)
    stored[:16] = 13
    save(root / 'annotations/training/ADE_train_00000002.png', stored)
    assert len(opened(root, map='karpenet4', min_foreground=0.25)) == 2
    assert len(opened(root, map='karpenet4', min_foreground=0.26)) == 1
    for options in (
        {'min_foreground': 0.1},
        {'min_foreground': 1, 'map': 'karpenet4'},
        {'min_foreground': 'all', 'map': 'karpenet4'},
    ):
        with pytest.raises(DatasetError, match='min_foreground'):
            opened(root, **options)


@pytest.mark.parametrize('options', [{}, {'map': 'karpenet4'}])
def test_an_id_that_the_benchmark_does_not_have_is_found(tmp_path, options):
    """The full ADE20K has thousands of classes and other files."""
    root = write_ade20k(tmp_path, frames=1)
    save(root / 'annotations/training/ADE_train_00000001.png', np.full((64, 96), 201, np.uint8))
    with pytest.raises(DatasetError, match=r'in training/ADE_train_00000001, found 20[01]'):
        check_labels(opened(root, **options))


def test_wrong_use_is_refused(tmp_path):
    """Missing files with the tree."""
    with pytest.raises(DatasetError, match=r'images/training/\*.jpg and annotations/training'):
        opened(tmp_path)
    root = write_ade20k(tmp_path)
    with pytest.raises(DatasetError, match='option map of ade20k must be one of karpenet4'):
        opened(root, map='five')
    (root / 'annotations/validation/ADE_val_00000001.png').unlink()
    with pytest.raises(DatasetError, match=r'here annotations/validation/ADE_val_00000001.png'):
        opened(root, 'val')
