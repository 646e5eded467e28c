# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cityscapes."""

import json
import pickle

import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.checks import check_labels
from segformer_ros.labels import CITYSCAPES_19, CITYSCAPES_34
from trees import save, scene, write_cityscapes


def opened(root, split='train', **options):
    """Open it as a recipe does."""
    return open_dataset(DatasetSpec('cityscapes', str(root), split, options))


@pytest.mark.parametrize('train_ids', [False, True])
def test_train_ids_are_derived_from_label_ids(tmp_path, train_ids):
    """Both give the same."""
    data = opened(write_cityscapes(tmp_path, train_ids=train_ids))

    sample = data[1]

    image, ids, _ = scene(1, (7, 8, 11, 21, 23, 26, 0))
    assert data.label_set is CITYSCAPES_19
    assert len(data) == 2
    assert sample.name == data.name(1) == 'train/aachen/aachen_000001_000019'
    assert np.array_equal(sample.image, image)
    assert np.array_equal(data.labels(1), sample.labels)
    assert {(int(a), int(b)) for a, b in zip(ids.flat, sample.labels.flat, strict=True)} == {
        (8, 1), (11, 2), (21, 8), (23, 10),
    }  # fmt: skip
    assert sample.intrinsics == Intrinsics(100.0, 101.0, 48.0, 30.0, 96, 64)
    assert sample.depth is None
    check_labels(data)


def test_what_is_not_evaluated_is_unknown(tmp_path):
    """Label id 0 has no train id."""
    labels = opened(write_cityscapes(tmp_path, frames=4), 'val')[3].labels
    assert set(np.unique(labels)) == {255, 8, 10, 13}


def test_label_ids(tmp_path):
    """All 34 as they are stored."""
    data = opened(write_cityscapes(tmp_path), labels=34)
    assert data.label_set is CITYSCAPES_34
    assert np.array_equal(data[0].labels, scene(0, (7, 8, 11, 21))[1])


def test_depth_is_baseline_times_focal_length_by_disparity(tmp_path):
    """Disparity 0 is unknown."""
    data = opened(write_cityscapes(tmp_path, depth=True), depth=True)

    depth = data[0].depth

    expected = scene(0, (7,))[2]
    assert depth.dtype == np.float32
    assert np.isnan(depth[:, :4]).all()
    np.testing.assert_allclose(depth[:, 4:], expected[:, 4:], rtol=0.005)
    assert np.array_equal(pickle.loads(pickle.dumps(data))[0].depth, depth, equal_nan=True)


def test_a_tree_without_camera_files_has_no_intrinsics(tmp_path):
    """They are a download of their own."""
    root = write_cityscapes(tmp_path, splits=('train',))
    for file in root.glob('camera/*/*/*'):
        file.unlink()
    assert opened(root)[0].intrinsics is None


def test_missing_files_are_reported_with_the_tree(tmp_path):
    """One sentence, for each thing that may be missing."""
    with pytest.raises(DatasetError, match=r'leftImg8bit/SPLIT/CITY/\*_leftImg8bit.png'):
        opened(tmp_path)
    root = write_cityscapes(tmp_path)
    with pytest.raises(DatasetError, match=r'found leftImg8bit/.* without disparity/train/aachen'):
        opened(root, depth=True)
    (root / 'gtFine/val/aachen/aachen_000001_000019_gtFine_labelIds.png').unlink()
    with pytest.raises(DatasetError, match=r'without gtFine/val/aachen/aachen_000001'):
        opened(root, 'val')


def test_options_are_checked(tmp_path):
    """A text is no number."""
    root = write_cityscapes(tmp_path)
    for options in ({'labels': 20}, {'labels': '19'}, {'labels': True}, {'depth': 1}):
        with pytest.raises(DatasetError, match=r'must be one of'):
            opened(root, **options)
    with pytest.raises(DatasetError, match="no option 'classes', it has: depth, labels"):
        opened(root, classes=19)
    with pytest.raises(DatasetError, match="no split 'minival'"):
        opened(root, 'minival')


def test_labels_of_another_size_are_refused(tmp_path):
    """The message names the sample."""
    root = write_cityscapes(tmp_path)
    name = 'train/aachen/aachen_000000_000019'
    save(root / f'gtFine/{name}_gtFine_labelIds.png', np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match=rf'{name}.*found 8x8'):
        opened(root)[0]


def test_a_damaged_camera_file_is_named(tmp_path):
    """It has no baseline."""
    root = write_cityscapes(tmp_path)
    file = next(iter(root.glob('camera/train/aachen/*000000_000019*')))
    file.write_text('{"intrinsic": {}}')
    with pytest.raises(DatasetError, match=file.name):
        opened(root)[0]


@pytest.mark.parametrize(
    ('part', 'name', 'value', 'flaw'),
    [
        ('intrinsic', 'fy', 0.0, 'fy = 0'),
        ('intrinsic', 'fx', float('nan'), 'fx = nan'),
        ('intrinsic', 'u0', 96.5, 'cx = 96.5 in an image of 96x64'),
        ('extrinsic', 'baseline', 0.0, 'found 0'),
    ],
)
@pytest.mark.parametrize('depth', [False, True])
def test_a_camera_that_cannot_be_is_refused(tmp_path, part, name, value, flaw, depth):
    """Depth would be scaled by it, or made of it."""
    root = write_cityscapes(tmp_path, depth=True)
    file = next(iter(root.glob('camera/train/aachen/*000000_000019*')))
    facts = json.loads(file.read_text())
    facts[part][name] = value
    file.write_text(json.dumps(facts))
    with pytest.raises(DatasetError, match=f'{file.name}.*{flaw}'):
        opened(root, depth=depth)[0]
