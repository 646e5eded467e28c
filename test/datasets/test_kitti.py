# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""KITTI: pixel-level semantics, and annotated depth."""

import pickle

import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.checks import check_labels
from segformer_ros.labels import CITYSCAPES_19, CITYSCAPES_34
from trees import CALIBRATION, save, scene, write_kitti_depth, write_kitti_semantic

LEFT, RIGHT = Intrinsics(72, 73, 46, 31, 96, 64), Intrinsics(74, 75, 47, 32, 96, 64)


def semantic(root, split='train', **options):
    """Open the semantics as a recipe does."""
    return open_dataset(DatasetSpec('kitti_semantic', str(root), split, options))


def depth(root, split='train', **options):
    """Open the depth as a recipe does."""
    return open_dataset(DatasetSpec('kitti_depth', str(root), split, options))


def names(data):
    """Return the names of all samples."""
    return [data.name(index) for index in range(len(data))]


def test_three_quarters_train_and_the_rest_validates(tmp_path):
    """150 and 50 of the 200 real ones."""
    root = write_kitti_semantic(tmp_path, frames=8, test_frames=1)
    assert names(semantic(root)) == [f'{number:06d}_10' for number in range(6)]
    assert names(semantic(root, 'val')) == ['000006_10', '000007_10']
    assert names(semantic(root, 'all')) == [f'{number:06d}_10' for number in range(8)]
    test = semantic(root, 'test')
    assert names(test) == ['000000_10']
    assert test[0].labels is None


def test_a_list_chooses_other_images(tmp_path):
    """For those who know which 50 somebody else took."""
    root = write_kitti_semantic(tmp_path)
    (root / 'val.txt').write_text('000003_10.png\n\n000001_10\n')
    assert names(semantic(root, 'val', file_list='val.txt')) == ['000003_10', '000001_10']
    (root / 'val.txt').write_text('000009_10')
    with pytest.raises(DatasetError, match=r'val.txt names 000009_10, which is not in'):
        semantic(root, 'val', file_list='val.txt')
    with pytest.raises(DatasetError, match=r'none.txt: No such file'):
        semantic(root, 'val', file_list='none.txt')
    with pytest.raises(DatasetError, match='option file_list must be the name of a file, not 3'):
        semantic(root, 'val', file_list=3)
    (root / 'val.txt').write_text('\n')
    with pytest.raises(DatasetError, match='names of files'):
        semantic(root, 'val', file_list='val.txt')


def test_semantics_have_the_ids_of_cityscapes(tmp_path):
    """As label ids or as train ids."""
    root = write_kitti_semantic(tmp_path)
    ids, train = semantic(root, labels=34), semantic(root)
    assert ids.label_set is CITYSCAPES_34
    assert np.array_equal(ids[0].labels, scene(0, (7, 8, 11, 21))[1])
    assert train.label_set is CITYSCAPES_19
    assert set(np.unique(train[0].labels)) == {0, 1, 2, 8}
    assert train[0].intrinsics is None
    check_labels(train)


def test_the_calibration_is_read_where_it_is_there(tmp_path):
    """Of the rectified left colour camera; the download is one of its own."""
    data = semantic(write_kitti_semantic(tmp_path, calibration=True))
    assert data[0].intrinsics == LEFT
    (tmp_path / 'training/calib_cam_to_cam/000000.txt').write_text('S_rect_02: 1 2\n')
    with pytest.raises(DatasetError, match=r'expected S_rect_02 and P_rect_02 in training/calib'):
        data[0]


@pytest.mark.parametrize('layout', ['prediction', 'lists'])
def test_depth_is_in_256ths_of_a_metre(tmp_path, layout):
    """By the folders of the benchmark and by the lists of others; 0 is unknown."""
    root = write_kitti_depth(tmp_path, layout=layout)
    options = {'file_list': 'eigen_train.txt'} if layout == 'lists' else {}
    data = pickle.loads(pickle.dumps(depth(root, **options)))

    sample = data[0]

    assert names(data) == [
        '2011_09_26_drive_0001_sync/image_02/0000000005',
        '2011_09_26_drive_0001_sync/image_02/0000000006',
    ]
    assert data.label_set is None
    assert sample.labels is None
    known = np.isfinite(sample.depth)
    assert 0.3 < known.mean() < 0.4
    np.testing.assert_allclose(
        sample.depth[known], scene(5, (7,))[2][known], rtol=0, atol=0.5 / 256 + 1e-6
    )
    assert sample.intrinsics == LEFT


def test_lists_may_have_other_folders_in_front(tmp_path):
    """What counts is drive and file."""
    root = write_kitti_depth(tmp_path, layout='lists')
    lines = (root / 'eigen_val.txt').read_text().replace('2011_09_26/', '/kitti/2011_09_26/')
    lines = lines.replace(' 2011_', ' /data_depth_annotated/2011_')
    (root / 'eigen_val.txt').write_text(lines)
    (root / 'gt_depth').rename(root / 'data_depth_annotated')
    data = depth(root, 'val', file_list='eigen_val.txt')
    assert len(data) == 2
    assert data[1].intrinsics == LEFT
    assert np.isfinite(data[1].depth).any()


def test_cameras_are_chosen(tmp_path):
    """The right one has intrinsics of its own."""
    root = write_kitti_depth(tmp_path)
    drive = '2011_09_26_drive_0001_sync'
    save(root / f'train/{drive}/proj_depth/groundtruth/image_03/0000000005.png',
         np.full((64, 96), 2560, np.uint16))  # fmt: skip
    save(root / f'raw/2011_09_26/{drive}/image_03/data/0000000005.jpg', scene(0, (1,))[0])
    assert len(depth(root)) == 3
    assert len(depth(root, cameras=[2])) == 2
    data = depth(root, cameras=3)
    assert names(data) == [f'{drive}/image_03/0000000005']
    assert data[0].intrinsics == RIGHT
    assert (data[0].depth == 10).all()
    for cameras in ([1], [], '23', [[2]]):
        with pytest.raises(DatasetError, match='option cameras'):
            depth(root, cameras=cameras)


def test_the_middle_part_has_its_own_principal_point(tmp_path):
    """1216x352 from the bottom up."""
    root = write_kitti_depth(tmp_path, frames=1, size=(360, 1220))
    whole, part = depth(root)[0], depth(root, kb_crop=True)[0]
    assert part.image.shape == (352, 1216, 3)
    assert np.array_equal(part.image, whole.image[8:, 2:-2])
    assert np.array_equal(part.depth, whole.depth[8:, 2:-2], equal_nan=True)
    own = whole.intrinsics
    assert part.intrinsics == Intrinsics(own.fx, own.fy, own.cx - 2, own.cy - 8, 1216, 352)
    with pytest.raises(DatasetError, match='at least 1216x352'):
        depth(write_kitti_depth(tmp_path / 'small'), kb_crop=True)[0]


@pytest.mark.parametrize('above', ['depth_selection', ''])
def test_the_chosen_images_of_the_benchmark(tmp_path, above):
    """Each has its intrinsics beside it."""
    folder, stem = tmp_path / above / 'val_selection_cropped', '2011_09_26_drive_0002_sync'
    image, _, metres = scene(0, (1, 2))
    save(folder / f'image/{stem}_image_0000000005_image_02.png', image)
    save(folder / f'groundtruth_depth/{stem}_groundtruth_depth_0000000005_image_02.png',
         np.round(metres * 256).astype(np.uint16))  # fmt: skip
    file = folder / f'intrinsics/{stem}_image_0000000005_image_02.txt'
    file.parent.mkdir()
    file.write_text('7.2e+01 0.0 4.6e+01 0.0 7.3e+01 3.1e+01 0.0 0.0 1.0')

    sample = depth(tmp_path, 'selection')[0]

    assert sample.intrinsics == LEFT
    np.testing.assert_allclose(sample.depth, metres, atol=0.002)
    file.write_text('7.2e+01 0.0')
    with pytest.raises(DatasetError, match='9 numbers'):
        depth(tmp_path, 'selection')[0]


def test_missing_files_are_reported_with_the_tree(tmp_path):
    """One sentence, for each thing that may be missing."""
    with pytest.raises(DatasetError, match=r'with training/image_2/\*_10.png and training/sem'):
        semantic(tmp_path)
    with pytest.raises(DatasetError, match=r'train/\*_sync/proj_depth/groundtruth/image_02'):
        depth(tmp_path)
    with pytest.raises(DatasetError, match='depth_selection/val_selection_cropped'):
        depth(tmp_path, 'selection')
    with pytest.raises(DatasetError, match='give option file_list'):
        depth(tmp_path, 'test')
    root = write_kitti_depth(tmp_path, layout='prediction')
    image = next(root.glob('raw/*/*_0001_sync/image_02/data/*5.png'))
    image.unlink()
    with pytest.raises(DatasetError, match=r'here for train/.*0000000005.png'):
        depth(root)
    (root / 'a.txt').write_text('2011_09_26/d/image_02/data/1.png d/proj_depth/1.png 721\n')
    with pytest.raises(DatasetError, match=r'with 2011_09_26/d/image_02/data/1.png'):
        depth(root, file_list='a.txt')
    (root / 'a.txt').write_text('one\n')
    with pytest.raises(DatasetError, match='image and depth in every line'):
        depth(root, file_list='a.txt')


def test_a_calibration_fits_a_resized_image(tmp_path):
    """Half the size, half the focal length."""
    root = write_kitti_semantic(tmp_path, frames=1)
    save(root / 'training/image_2/000000_10.png', np.zeros((32, 48, 3), np.uint8))
    save(root / 'training/semantic/000000_10.png', np.full((32, 48), 7, np.uint8))
    (root / 'training/calib_cam_to_cam').mkdir()
    (root / 'training/calib_cam_to_cam/000000.txt').write_text(CALIBRATION)
    assert semantic(root, 'all')[0].intrinsics == Intrinsics(36, 36.5, 23, 15.5, 48, 32)


_FLAWS = [
    ('7.3e+01', '0.0', 'fy = 0'),
    ('7.2e+01', 'nan', 'fx = nan'),
    ('4.6e+01', '9.7e+01', 'cx = 97 in an image of 96x64'),
]


@pytest.mark.parametrize(('good', 'bad', 'flaw'), _FLAWS)
def test_a_calibration_that_cannot_be_is_refused(tmp_path, good, bad, flaw):
    """Of both kinds of data that have the file."""
    semantic_root = write_kitti_semantic(tmp_path / 'semantic', calibration=True)
    depth_root = write_kitti_depth(tmp_path / 'depth')
    for file in tmp_path.rglob('*calib_cam_to_cam*/000000.txt'):
        file.write_text(CALIBRATION.replace(good, bad, 1))
    for file in tmp_path.rglob('calib_cam_to_cam.txt'):
        file.write_text(CALIBRATION.replace(good, bad, 1))
    for data in (semantic(semantic_root), depth(depth_root)):
        with pytest.raises(DatasetError, match=f'calib_cam_to_cam.*not calibrated: {flaw}'):
            data[0]


@pytest.mark.parametrize(('good', 'bad', 'flaw'), _FLAWS)
def test_intrinsics_that_cannot_be_are_refused(tmp_path, good, bad, flaw):
    """Those beside the chosen images were taken for an unknown camera."""
    folder, stem = tmp_path / 'val_selection_cropped', '2011_09_26_drive_0002_sync'
    image, _, metres = scene(0, (1, 2))
    save(folder / f'image/{stem}_image_0000000005_image_02.png', image)
    save(folder / f'groundtruth_depth/{stem}_groundtruth_depth_0000000005_image_02.png',
         np.round(metres * 256).astype(np.uint16))  # fmt: skip
    file = folder / f'intrinsics/{stem}_image_0000000005_image_02.txt'
    file.parent.mkdir()
    k = '7.2e+01 0.0 4.6e+01 0.0 7.3e+01 3.1e+01 0.0 0.0 1.0'
    file.write_text(k.replace(good, bad, 1))
    with pytest.raises(DatasetError, match=f'{file.name}.*not calibrated: {flaw}'):
        depth(tmp_path, 'selection')[0]
