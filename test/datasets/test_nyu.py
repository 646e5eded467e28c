# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NYU Depth v2."""

import pickle

import h5py
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from trees import scene, write_nyu, write_nyu_mat


def opened(root, split='train', **options):
    """Open it as a recipe does."""
    return open_dataset(DatasetSpec('nyu', str(root), split, options))


def test_depth_is_in_millimetres(tmp_path):
    """0 is unknown; the intrinsics are those of the authors."""
    data = pickle.loads(pickle.dumps(opened(write_nyu(tmp_path))))

    sample = data[1]

    assert sample.name == data.name(1) == 'sync/kitchen_0001a/rgb_00001'
    assert data.label_set is None
    assert np.isnan(sample.depth[:2]).all()
    np.testing.assert_allclose(sample.depth[2:], scene(1, (0,))[2][2:] / 5, atol=0.001)
    full = Intrinsics(518.8579, 519.4696, 325.5824, 253.7362, 640, 480)
    assert sample.intrinsics == full.resized(96, 64)


def test_validation_is_test(tmp_path):
    """There is no third split."""
    root = write_nyu(tmp_path)
    for split in ('val', 'test'):
        assert opened(root, split).name(0) == 'official_splits/test/bathroom/rgb_00000'
    assert len(opened(root, 'all')) == 4


def test_lists_of_others(tmp_path):
    """Their names begin with a slash and leave the first folder out."""
    root = write_nyu(tmp_path)
    line = '/kitchen_0001a/rgb_00001.jpg /kitchen_0001a/sync_depth_00001.png 518.8579\n'
    (root / 'train.txt').write_text(line)
    data = opened(root, file_list='train.txt')
    assert [data.name(index) for index in range(len(data))] == ['sync/kitchen_0001a/rgb_00001']
    assert np.isfinite(data[0].depth[2:]).all()
    (root / 'train.txt').write_text(line.replace('00001.png', '00009.png'))
    with pytest.raises(DatasetError, match=r'with /kitchen_0001a/sync_depth_00009.png'):
        opened(root, file_list='train.txt')
    (root / 'train.txt').write_text('one')
    with pytest.raises(DatasetError, match='image and depth in every line'):
        opened(root, file_list='train.txt')


def test_the_labelled_part_is_one_file(tmp_path):
    """MATLAB has it column by column."""
    path = write_nyu_mat(tmp_path / 'nyu_depth_v2_labeled.mat', size=(48, 64))
    data = pickle.loads(pickle.dumps(opened(path, 'all')))

    sample = data[1]

    image, _, depth = scene(1, (0, 1, 2, 3), size=(48, 64))
    assert len(data) == 2
    assert sample.name == '0001'
    assert np.array_equal(sample.image, image)
    assert np.array_equal(sample.depth, depth)
    assert sample.intrinsics.width == 64
    with pytest.raises(IndexError):
        data[2]


def test_missing_files_are_reported_with_the_tree(tmp_path):
    """One sentence, for each thing that may be missing."""
    with pytest.raises(DatasetError, match=r'sync/ROOM/rgb_\*.jpg and sync_depth_\*.png'):
        opened(tmp_path)
    root = write_nyu(tmp_path)
    (root / 'sync/kitchen_0001a/sync_depth_00000.png').unlink()
    with pytest.raises(DatasetError, match=r'without sync/kitchen_0001a/sync_depth_00000.png'):
        opened(root)
    path = write_nyu_mat(tmp_path / 'nyu_depth_v2_labeled.mat', size=(48, 64))
    with pytest.raises(DatasetError, match='expected split all and no list'):
        opened(path, 'train')
    with h5py.File(path, 'a') as file:
        del file['depths']
    with pytest.raises(DatasetError, match=r'take nyu_depth_v2_labeled.mat'):
        opened(path, 'all')
    path.write_bytes(b'MATLAB 5.0')
    with pytest.raises(DatasetError, match=r'MATLAB 7.3 file in'):
        opened(path, 'all')
