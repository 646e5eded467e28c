# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CamVid in both forms."""

import numpy as np
import pytest
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.camvid import split_of
from segformer_ros.datasets.checks import check_labels
from segformer_ros.labels import CAMVID_11, CAMVID_32
from trees import CAMVID_STEMS, scene, write_camvid


def opened(root, split='train', **options):
    """Open it as a recipe does."""
    return open_dataset(DatasetSpec('camvid', str(root), split, options))


def names(data):
    """Return the names of all samples."""
    return [data.name(index) for index in range(len(data))]


def test_the_form_of_segnet(tmp_path):
    """Its eleven ids, and 11 for none of them."""
    data = opened(write_camvid(tmp_path))
    assert data.label_set is CAMVID_11
    assert names(data) == ['train/0001TP_006690', 'train/0006R0_f00930', 'train/0016E5_00390']
    stored = scene(2, (0, 1, 3, 5, 8, 11))[1]
    assert np.array_equal(data[2].labels, np.where(stored == 11, 255, stored))
    assert len(opened(tmp_path, 'all')) == 7
    check_labels(data)
    with pytest.raises(DatasetError, match='camvid with 32 classes with 701_StillsRaw_full'):
        opened(tmp_path, labels=32)


def test_the_form_of_the_authors(tmp_path):
    """Colours of 32 classes, of which eleven are made."""
    root = write_camvid(tmp_path, layout='colors')
    all_classes, eleven = opened(root, labels=32), opened(root)
    assert all_classes.label_set is CAMVID_32
    assert np.array_equal(all_classes[0].labels, scene(0, (22, 5, 18, 28, 6, 0))[1])
    seen = {
        (int(a), int(b))
        for index in range(3)
        for a, b in zip(all_classes[index].labels.flat, eleven[index].labels.flat, strict=True)
    }
    assert seen == {(22, 0), (5, 1), (18, 3), (28, 8), (6, 8), (0, 255)}
    check_labels(all_classes)
    check_labels(eleven)


@pytest.mark.parametrize('layout', ['segnet', 'colors'])
@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_both_forms_have_the_same_splits(tmp_path, layout, split):
    """In the authors' form the names tell."""
    data = opened(write_camvid(tmp_path, layout=layout), split)
    assert [name.split('/')[-1] for name in names(data)] == list(CAMVID_STEMS[split])


def test_splits_have_their_published_sizes():
    """Of the frames every 30th is labelled, and every second in a part of 0016E5."""
    stems = [f'0001TP_{number:06d}' for number in range(6690, 10381, 30)]
    stems += [f'0006R0_f{number:05d}' for number in range(930, 3931, 30)]
    stems += [f'0016E5_{number:05d}' for number in range(7959, 8160, 2)]
    stems += [f'Seq05VD_f{number:05d}' for number in range(0, 5101, 30)]
    sizes = [sum(split_of(stem) == split for stem in stems) for split in ('val', 'test', 'train')]
    # 204 more of 0016E5 train: 367 in all.
    assert sizes == [101, 233, 367 - 204]


def test_wrong_use_is_refused(tmp_path):
    """Missing files with the tree."""
    with pytest.raises(DatasetError, match=r'train/\*.png and trainannot/\*.png .* or 701_Stills'):
        opened(tmp_path)
    with pytest.raises(DatasetError, match='option labels of camvid must be one of 11, 32'):
        opened(tmp_path, labels=12)
    with pytest.raises(DatasetError, match='frame such as 0016E5_07959 of CamVid, found holiday'):
        split_of('holiday')
    root = write_camvid(tmp_path, layout='colors')
    (root / 'LabeledApproved_full/0016E5_07959_L.png').unlink()
    with pytest.raises(DatasetError, match=r'without LabeledApproved_full/0016E5_07959_L.png'):
        opened(root, 'val')
