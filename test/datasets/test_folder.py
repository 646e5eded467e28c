# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A plain folder with classes.yaml."""

import pickle

import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.checks import check_labels
from segformer_ros.datasets.soft_labels import stacked, unstacked
from segformer_ros.datasets.statistics import count_classes
from segformer_ros.labels import CITYSCAPES_19, distinct_color, LabelClass, LabelSet
from trees import FOLDER_CLASSES, save, scene, write_folder


def opened(root, split='all'):
    """Open it as a recipe does."""
    return open_dataset(DatasetSpec('folder', str(root), split))


def names(root, split):
    """Return the names of a split."""
    data = opened(root, split)
    return [data.name(index) for index in range(len(data))]


def test_classes_depth_and_camera_are_as_the_file_says(tmp_path):
    """Ids need not be without gaps; 255 is unknown."""
    data = pickle.loads(pickle.dumps(opened(write_folder(tmp_path))))

    sample = data[2]

    image, labels, depth = scene(2, (0, 1, 4, 255))
    assert data.label_set == LabelSet(
        'yard',
        (
            LabelClass(0, 'ground', (120, 90, 60)),
            LabelClass(1, 'plant', (20, 160, 40)),
            LabelClass(4, 'robot', (200, 30, 30)),
        ),
    )
    assert len(data) == 4
    assert sample.name == '002'
    assert np.abs(sample.image.astype(int) - image).mean() < 12
    assert np.array_equal(sample.labels, labels)
    np.testing.assert_allclose(sample.depth, depth, atol=0.001)
    assert sample.intrinsics == Intrinsics.from_fov(96, 64, 90)
    check_labels(data)


def test_names_alone_are_enough(tmp_path):
    """They are numbered from 0 and get colours; the set is named after the folder."""
    root = write_folder(tmp_path / 'garden', classes='classes: [soil, plant]\n', depth=False)
    for number in (0, 1):
        save(root / f'labels/{number:03d}.png', np.zeros((64, 96), np.uint8))
    sample = opened(root)[0]
    assert opened(root).label_set == LabelSet(
        'garden',
        (LabelClass(0, 'soil', distinct_color(0)), LabelClass(1, 'plant', distinct_color(1))),
    )
    assert sample.depth is None
    assert sample.intrinsics is None
    with pytest.raises(DatasetError, match=r'of garden \(0 to 1, or 255 .* in 002, found 4'):
        check_labels(opened(root))


def test_a_label_set_that_is_known_needs_no_classes(tmp_path):
    """By its name."""
    root = write_folder(tmp_path, classes='label_set: cityscapes_19\n', depth=False)
    assert opened(root).label_set is CITYSCAPES_19


def test_splits_are_sub_folders(tmp_path):
    """Those of the names train, val and test; nothing is in two."""
    root = write_folder(tmp_path, frames=2, splits=('train', 'val'))
    assert names(root, 'train') == ['train/000', 'train/001']
    assert names(root, 'val') == ['val/000', 'val/001']
    assert len(opened(root)) == 4
    with pytest.raises(DatasetError, match="no split 'test', it has: all, train, val"):
        opened(root, 'test')


def test_splits_are_named_in_the_file(tmp_path):
    """Sub-folders of any name, or lists with or without suffix."""
    splits = 'splits: {train: [monday, tuesday], val: val.txt}\n'
    root = write_folder(
        tmp_path, frames=2, classes=FOLDER_CLASSES + splits, splits=('monday', 'tuesday', 'rain')
    )
    (root / 'val.txt').write_text('rain/001.jpg\nrain/000\n')
    assert names(root, 'train') == ['monday/000', 'monday/001', 'tuesday/000', 'tuesday/001']
    assert names(root, 'val') == ['rain/001', 'rain/000']
    (root / 'val.txt').write_text('rain/007.jpg\n')
    with pytest.raises(DatasetError, match=r'val.txt names rain/007.jpg, which is not in images/'):
        opened(root, 'val')
    (root / 'classes.yaml').write_text(FOLDER_CLASSES + 'splits: {train: moonday}\n')
    with pytest.raises(DatasetError, match='expected split train with images/moonday'):
        opened(root, 'train')


def test_a_folder_without_splits_has_only_all(tmp_path):
    """A folder without splits has none but all."""
    with pytest.raises(DatasetError, match=r"no split 'train', it has: all; .*--split all"):
        opened(write_folder(tmp_path), 'train')


def test_depth_may_be_metres(tmp_path):
    """Arrays of floats, where what is not above 0 is unknown and infinity is the sky."""
    root = write_folder(tmp_path, frames=1, classes='classes: [a, b, c, d, e]\n', depth=False)
    (root / 'depth').mkdir()
    stored = np.full((64, 96), 3.5)
    stored[0, :3] = 0, np.nan, np.inf
    np.save(root / 'depth/000.npy', stored)
    depth = opened(root)[0].depth
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth[0, :4], [np.nan, np.nan, np.inf, 3.5])
    np.save(root / 'depth/000.npy', np.ones((64, 96), int))
    with pytest.raises(DatasetError, match=r'metres in depth/000.npy .*found int64'):
        opened(root)[0]
    (root / 'depth/000.npy').write_bytes(b'none')
    with pytest.raises(DatasetError, match=r'an array in depth/000.npy'):
        opened(root)[0]


def test_the_sky_may_have_a_number(tmp_path):
    """It is infinitely far."""
    classes = 'classes: [a, b, c, d, e]\ndepth: {scale: 100, sky: 65535}\n'
    root = write_folder(tmp_path, frames=1, classes=classes)
    stored = np.full((64, 96), 250, np.uint16)
    stored[0, :2] = 65535, 0
    save(root / 'depth/000.png', stored)
    np.testing.assert_array_equal(opened(root)[0].depth[0, :3], [np.inf, np.nan, 2.5])


def test_labels_may_be_colours(tmp_path):
    """Those of the classes."""
    root = write_folder(tmp_path, frames=1, classes=FOLDER_CLASSES + 'labels: {stored: colors}\n')
    ids = np.where(np.arange(64 * 96).reshape(64, 96) % 2, 4, 1).astype(np.uint8)
    save(root / 'labels/000.png', opened(root).label_set.palette()[ids])
    assert np.array_equal(opened(root)[0].labels, ids)


def test_a_camera_with_intrinsics_fits_resized_images(tmp_path):
    """Its size is that of the calibration."""
    camera = 'camera: {fx: 100, fy: 110, cx: 95, cy: 63, width: 192, height: 128}\n'
    root = write_folder(tmp_path, classes=f'classes: [a, b, c, d, e]\n{camera}', depth=False)
    assert opened(root)[0].intrinsics == Intrinsics(50, 55, 47.5, 31.5, 96, 64)


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        ('[', 'not YAML'),
        ('3', 'expected keys and values, got 3'),
        ('clases: [a]', "unknown key 'clases', the nearest known one is 'classes'"),
        ('label_set: moon', 'label set must be one of'),
        ('{label_set: shift_23, classes: [a]}', 'found both'),
        ('classes: a', 'must be a list of classes'),
        ('classes: [a, a]', "two classes have the name 'a'"),
        ('classes: [{name: a, id: 255}]', 'class 0: id must be a whole number from 0 to 254: 255'),
        ('classes: [{name: a, color: [1, 2]}]', 'color must be red, green, blue'),
        ('classes: [{name: a, colour: [1, 2, 3]}]', "nearest known one is 'color'"),
        ('classes: [{id: 3}]', 'class 0 has no name'),
        ('classes: [{name: a, id: 1}, b]', 'two classes have the id 1'),
        ('{classes: [a], labels: {stored: rgb}}', 'labels.stored must be ids or colors'),
        ('{label_set: ade20k_150, labels: {stored: colors}}', 'two classes have the color'),
        ('{classes: [a], depth: {scale: 0}}', 'depth.scale must be a number above 0'),
        ('{classes: [a], depth: {scale: 1, sky: x}}', 'depth.sky must be a whole number'),
        (
            '{classes: [a], camera: {fx: 1}}',
            'camera_fov_deg alone, or fx, fy, cx, cy, width and height',
        ),
        ('{classes: [a], camera: {camera_fov_deg: 200}}', 'camera_fov_deg must be below 180'),
        (
            '{classes: [a], camera: {camera_fov_deg: .inf}}',
            'camera.camera_fov_deg must be a number above 0',
        ),
        (
            '{classes: [a], camera: {fx: 9, fy: 9, cx: 30, cy: 5, width: 20, height: 10}}',
            'camera is not calibrated: cx = 30 in an image of 20x10',
        ),
        ('{classes: [a], splits: {train: 3}}', 'splits.train must be sub-folders'),
        ('{classes: [a], splits: {training: x}}', "nearest known one is 'train'"),
        ('classes: [a, b, c]', 'expected depth.scale in'),
        ('depth: {scale: 1000}', 'expected classes or label_set in'),
    ],
)
def test_wrong_settings_are_reported(tmp_path, classes, message):
    """With the file and the key."""
    root = write_folder(tmp_path, frames=1, classes=classes)
    with pytest.raises(DatasetError, match=message) as caught:
        opened(root)
    assert 'classes.yaml' in str(caught.value)


def test_files_that_do_not_belong_together(tmp_path):
    """An image without its labels, two images of one name, nothing at all."""
    root = write_folder(tmp_path)
    save(root / 'images/000.png', scene(0, (1,))[0])
    with pytest.raises(DatasetError, match='one file of this name'):
        opened(root)
    (root / 'images/000.png').unlink()
    (root / 'labels/003.png').unlink()
    with pytest.raises(DatasetError, match=r'expected labels/003 with one of .png'):
        opened(root)
    with pytest.raises(
        DatasetError,
        match=r'expected classes.yaml, images/NAME.png, .* found no classes.yaml: No such',
    ):
        opened(tmp_path / 'nothing')
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'empty/classes.yaml').write_text('classes: [a]')
    with pytest.raises(DatasetError, match=r'classes.yaml, images/NAME.png'):
        opened(tmp_path / 'empty')


def with_confidence(root, option='trust'):
    """Open it with the confidence of its labels."""
    return open_dataset(DatasetSpec('folder', str(root), 'all', {'confidence': option}))


def test_confidence_lies_next_to_the_labels(tmp_path):
    """Without the option nobody looks at it."""
    root = write_folder(tmp_path)
    trust = np.arange(64 * 96).reshape(64, 96).astype(np.uint8)
    for number in range(4):
        save(root / 'trust' / f'{number:03d}.png', trust + np.uint8(number))

    assert np.array_equal(with_confidence(root)[3].confidence, trust + np.uint8(3))
    assert opened(root)[3].confidence is None


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda root: (root / 'trust' / '002.png').unlink(), r'expected trust/002 with one of'),
        (
            lambda root: save(root / 'trust' / '002.png', np.zeros((64, 90), np.uint8)),
            'confidence',
        ),
        (lambda root: save(root / 'trust' / '002.png', np.zeros((64, 96), np.uint16)), '8 bits'),
        (lambda root: save(root / 'trust' / '002.png', np.zeros((64, 96, 3), np.uint8)), 'one ch'),
    ],
)
def test_broken_confidence_is_reported(tmp_path, change, said):
    """A missing, smaller or wider image is an error with its name."""
    root = write_folder(tmp_path)
    for number in range(4):
        save(root / 'trust' / f'{number:03d}.png', np.full((64, 96), 200, np.uint8))
    change(root)

    with pytest.raises(DatasetError, match=said):
        with_confidence(root)[2]


def test_confidence_without_files_is_reported(tmp_path):
    """An option that finds nothing is a slip of the user's."""
    with pytest.raises(DatasetError, match=r'labels/NAME\.png and sure/NAME\.png .* found none'):
        with_confidence(write_folder(tmp_path), 'sure')


def with_soft_labels(root):
    """Open it with the soft labels."""
    return open_dataset(DatasetSpec('folder', str(root), 'all', {'soft_labels': 'soft'}))


def test_soft_labels_are_images_below_each_other(tmp_path):
    """Ids of each rank, then their probabilities; two classes here."""
    root = write_folder(tmp_path)
    soft = np.arange(4 * 64 * 96).reshape(64, 96, 4).astype(np.uint8)
    for number in range(4):
        save(root / 'soft' / f'{number:03d}.png', np.vstack([soft[..., i] for i in range(4)]))

    assert np.array_equal(with_soft_labels(root)[3].soft_labels, soft)
    assert opened(root)[3].soft_labels is None
    assert np.array_equal(unstacked(stacked(soft), (64, 96, 3), ''), soft)


@pytest.mark.parametrize(
    ('shape', 'kind'), [((192, 96), 'u1'), ((256, 90), 'u1'), ((256, 96), 'u2')]
)
def test_soft_labels_of_another_size_are_refused(tmp_path, shape, kind):
    """Three images are no two, and numbers of 16 bits no probabilities of 8."""
    root = write_folder(tmp_path)
    for number in range(4):
        save(root / 'soft' / f'{number:03d}.png', np.zeros(shape, kind))
    with pytest.raises(DatasetError, match=r'one channel of 8 bits, 96 pixels wide and a'):
        with_soft_labels(root)[2]


def test_depth_may_be_metres_in_a_tiff(tmp_path):
    """Floats are metres whatever the scale of whole numbers is, which these do not need."""
    for classes in ('classes: [a, b, c, d, e]\n', FOLDER_CLASSES):
        root = write_folder(tmp_path, frames=1, classes=classes, depth=False)
        stored = np.full((64, 96), 3.5, np.float32)
        stored[0, :3] = 0, np.nan, np.inf
        save(root / 'depth/000.tif', stored)
        depth = opened(root)[0].depth
        np.testing.assert_array_equal(depth[0, :4], [np.nan, np.nan, np.inf, 3.5])
    (root / 'classes.yaml').write_text('classes: [a, b, c, d, e]\n')
    save(root / 'depth/000.tif', np.full((64, 96), 3500, np.uint16))
    with pytest.raises(DatasetError, match=r'depth\.scale .*since depth/000\.tif has'):
        opened(root)[0]


def test_lists_take_whole_lines_as_names(tmp_path):
    """A name with spaces is not the image that has its first word for a name."""
    root = write_folder(tmp_path, frames=1, classes=FOLDER_CLASSES + 'splits: {val: val.txt}\n')
    for folder, suffix in (('images', '.jpg'), ('labels', '.png'), ('depth', '.png')):
        content = (root / folder / f'000{suffix}').read_bytes()
        for name in ('000 left', '000.v2', '000'):
            (root / folder / f'{name}{suffix}').write_bytes(content)
    (root / 'val.txt').write_text('000 left.jpg\n  000 left  \n\n000.v2\n000.v2.jpg\n')
    assert names(root, 'val') == ['000 left', '000 left', '000.v2', '000.v2']
    for line in ('000 right', '000.v3'):
        (root / 'val.txt').write_text(f'{line}\n')
        with pytest.raises(DatasetError, match=f'names {line}, which is not in images/'):
            opened(root, 'val')


def test_links_are_followed_and_hidden_folders_are_no_data(tmp_path):
    """Sub-folders often lie on another disk, and desktops leave folders of their own."""
    root = write_folder(tmp_path / 'data', frames=1)
    other = write_folder(tmp_path / 'other', frames=1)
    for folder in ('images', 'labels', 'depth'):
        (root / folder / 'night').symlink_to(other / folder, target_is_directory=True)
    for hidden in ('.Trash', '.ipynb_checkpoints', 'night/.thumbnails'):
        save(root / 'images' / hidden / 'x.jpg', scene(0, (1,))[0])
    (root / 'images/._000.jpg').write_bytes(b'')
    assert names(root, 'all') == ['000', 'night/000']


def test_images_that_are_not_read_are_not_passed_over(tmp_path):
    """Otherwise half of a folder could be missing without a word."""
    root = write_folder(tmp_path)
    (root / 'images/phone.HEIC').write_bytes(b'')
    with pytest.raises(DatasetError, match=r'images/phone\.HEIC: convert it or take it'):
        opened(root)


def test_ids_are_checked_in_every_sample_that_is_read(tmp_path):
    """Not only in those that a check before the run looks at."""
    root = write_folder(tmp_path, frames=40)
    labels = scene(7, (0, 1, 4, 255))[1]
    labels[0, 0] = 9
    save(root / 'labels/007.png', labels)
    data = opened(root)
    check_labels(data)
    message = r'ids of yard \(0 to 1, 4, or 255 for unknown\) in 007, found 9'
    with pytest.raises(DatasetError, match=message):
        data[7]
    with pytest.raises(DatasetError, match=message):
        count_classes(data)


def test_classes_without_end_are_refused(tmp_path):
    """Label images hold one byte."""
    rows = ', '.join(f'c{number}' for number in range(255))
    root = write_folder(tmp_path, frames=1, classes=f'classes: [{rows}]\n', depth=False)
    assert len(opened(root).label_set.classes) == 255
    (root / 'classes.yaml').write_text(f'classes: [{rows}, one_more]\n')
    with pytest.raises(DatasetError, match='expected at most 255 classes'):
        opened(root)
