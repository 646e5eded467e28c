# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded drives as a dataset."""

import pickle

from drive_frames import drive_frames
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset, recognise
from segformer_ros.drive_dataset.folder import DatasetFolder
from segformer_ros.labels import CARLA_0914


@pytest.fixture
def folder(tmp_path):
    """Write two drives to train with and one to evaluate by."""
    dataset = DatasetFolder(tmp_path / 'data', CARLA_0914)
    dataset.add('train', 'town03', drive_frames(2, seed=3))
    dataset.add('train', 'town01', drive_frames(3, seed=1))
    dataset.add('val', 'town05', drive_frames(1, seed=5))
    return dataset.folder


def drive(folder, split='train', **options):
    """Open a split as a recipe does."""
    return open_dataset(DatasetSpec('drive', str(folder), split, options))


def test_the_frames_are_those_that_were_recorded(folder):
    """Image and ids are equal, depth to a tenth of a millimetre, the sky has no end."""
    data = drive(folder)
    assert data.label_set is CARLA_0914
    assert [data.name(index) for index in range(len(data))] == [
        'train/town01/000000', 'train/town01/000001', 'train/town01/000002',
        'train/town03/000000', 'train/town03/000001',
    ]  # fmt: skip
    frames = [*drive_frames(3, seed=1), *drive_frames(2, seed=3)]
    for index, frame in enumerate(frames):
        sample = data[index]
        assert sample.name == data.name(index)
        np.testing.assert_array_equal(sample.image, frame.image)
        np.testing.assert_array_equal(sample.labels, frame.labels)
        np.testing.assert_allclose(sample.depth, frame.depth, atol=1e-4)
        assert data.encoded_image(index)[0] == 'png'
    # The second frame of every drive has no camera_info.
    assert data[0].intrinsics == Intrinsics(33.0, 34.0, 20.0, 12.0, 40, 24)
    assert data[1].intrinsics is None


def test_splits_and_routes_are_chosen(folder):
    """A split without a drive, or a drive that is not there, is an error."""
    assert len(drive(folder, 'val')) == 1
    assert len(drive(folder, routes='town03')) == 2
    assert drive(folder, routes=['town03', 'town01']).name(0) == 'train/town03/000000'
    with pytest.raises(DatasetError, match=r"no drive 'town05' in train, it has: \['town03'"):
        drive(folder, routes='town05')
    with pytest.raises(DatasetError, match=r'found none: record one with .* --split test`'):
        drive(folder, 'test')


def test_what_is_missing_or_damaged_is_named(folder, tmp_path):
    """The tree, the file, or the column."""
    with pytest.raises(DatasetError, match=r'SPLIT/ROUTE/frames\.csv .* found no dataset\.json'):
        drive(tmp_path)
    data = drive(folder, 'val')
    labels = folder / 'val' / 'town05' / 'labels' / '000000.png'
    labels.write_bytes(b'')
    with pytest.raises(DatasetError, match=r'val/town05/labels/000000\.png of .*found .*0 bytes'):
        data[0]
    labels.unlink()
    with pytest.raises(DatasetError, match=r'town05/labels/000000\.png: No such file'):
        data[0]
    table = folder / 'val' / 'town05' / 'frames.csv'
    table.write_text('name,stamp_ns\n000000,1\n')
    with pytest.raises(DatasetError, match=r"frames\.csv, a row is without \('fx'\)"):
        drive(folder, 'val')
    table.write_text('name,width,height,fx,fy,cx,cy\n000000,40,24,33,0,50,12\n')
    with pytest.raises(DatasetError, match=r'000000 in .*frames\.csv: .*not calibrated: fy = 0'):
        drive(folder, 'val')
    table.write_text('name,width,height,fx,fy,cx,cy\n000000,40,24,33,34,50,12\n')
    assert len(drive(folder, 'val')) == 1
    table.unlink()
    with pytest.raises(DatasetError, match=r'frames\.csv: No such file'):
        drive(folder, 'val')
    for text, message in (('{', 'expected JSON'), ('{}', 'found another format')):
        (folder / 'dataset.json').write_text(text)
        with pytest.raises(DatasetError, match=message):
            drive(folder)


def test_its_folder_is_recognised(folder):
    """By the facts and a split."""
    assert recognise(folder) == 'drive'


def test_a_copy_for_a_worker_reads_the_same(folder):
    """It is pickled."""
    data = drive(folder)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data))[2].depth, data[2].depth)
