# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SHIFT, read from every kind of archive that it comes in."""

import pickle

import cv2
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import DatasetError, DatasetSpec, open_dataset, recognise
from segformer_ros.labels import SHIFT_23
from shift_tree import content, png, SIZE, SKY, write_group, write_tree


def shift(root, split='train', **options):
    """Open a part of SHIFT as a recipe does."""
    return open_dataset(DatasetSpec('shift', str(root), split, options))


@pytest.mark.parametrize('backend', ['folder', 'zip', 'tar', 'hdf5'])
def test_a_frame_is_what_its_files_say(tmp_path, backend):
    """Ids from the red channel, metres from 24 bits, the sky and the far plane without an end."""
    data = shift(write_tree(tmp_path, backend=backend))

    assert data.label_set is SHIFT_23
    names = [data.name(index) for index in range(len(data))]
    assert names == [
        'front/0003-17fb/00000000', 'front/0003-17fb/00000010', 'front/016b-93a1/00000000',
    ]  # fmt: skip
    for index, key in enumerate([('0003-17fb', 0), ('0003-17fb', 10), ('016b-93a1', 0)]):
        labels, codes, _, files = content(*key)
        sample = data[index]
        assert sample.name == names[index]
        bgr = cv2.imdecode(np.frombuffer(files['img'], np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(sample.image, bgr[..., ::-1])
        np.testing.assert_array_equal(sample.labels, labels)
        assert np.isnan(sample.depth[1, 0])
        assert sample.depth[1, 1] == np.inf
        assert sample.depth[1, 2] == 1000.0 / 1024.0
        assert np.all(sample.depth[labels == SKY] == np.inf)
        known = np.isfinite(sample.depth)
        np.testing.assert_allclose(
            sample.depth[known], codes[known] * (1000.0 / 2.0**24), rtol=1e-6
        )
        assert data.encoded_image(index) == ('jpg', files['img'])


def test_the_camera_is_that_of_shift(tmp_path):
    """640 px at 1280x800, which is 90 degrees."""
    frame = np.zeros((800, 1280, 3), np.uint8)
    files = {'a/00000000_img_front.jpg': png(frame, '.jpg')}
    write_group(tmp_path / 'discrete/images/val/front', 'img', files, 'folder')

    sample = shift(tmp_path, 'val', labels=False, depth='none')[0]

    assert sample.labels is None
    assert sample.depth is None
    found = sample.intrinsics
    assert (found.fx, found.fy) == pytest.approx((640.0, 640.0))
    assert (found.cx, found.cy, found.width, found.height) == (640.0, 400.0, 1280, 800)
    assert isinstance(found, Intrinsics)


def test_eight_bit_depth_ends_at_eighty_metres(tmp_path):
    """255 is 80 m or more; it is no place where a surface is known to be."""
    data = shift(write_tree(tmp_path, groups=('img', 'semseg', 'depth_8bit')), depth='8bit')
    labels, _, eight, _ = content('0003-17fb', 0)
    depth = data[0].depth

    assert depth[1, 2] == pytest.approx(64 / 3.1875)
    assert np.all(np.isinf(depth) == ((eight == 255) | (labels == SKY)))


def test_depth_of_minival_is_rare(tmp_path):
    """Only frame 100 of a sequence has it: the others have none, or are left out."""
    frames = [(sequence, number) for sequence in ('a', 'b') for number in (0, 90, 100, 110)]
    write_tree(
        tmp_path,
        place='discrete/images/minival/front',
        frames=frames,
        depth_frames=[('a', 100), ('b', 100)],
        backend='zip',
    )
    data = shift(tmp_path, 'minival')
    assert [data[index].depth is not None for index in range(len(data))] == 2 * [
        False, False, True, False,
    ]  # fmt: skip
    complete = shift(tmp_path, 'minival', frames='complete')
    assert [complete.name(index) for index in range(len(complete))] == [
        'front/a/00000100', 'front/b/00000100',
    ]  # fmt: skip


def test_views_come_one_after_the_other(tmp_path):
    """A list, words with commas, or all."""
    for view in ('front', 'left_45', 'left_90', 'right_45', 'right_90', 'left_stereo'):
        write_tree(tmp_path, place=f'discrete/images/train/{view}', frames=[('a', 0)])
    assert [shift(tmp_path, views='all').name(index).split('/')[0] for index in range(6)] == [
        'front', 'left_45', 'left_90', 'right_45', 'right_90', 'left_stereo',
    ]  # fmt: skip
    for views in (['left_stereo', 'front'], 'left_stereo,front'):
        data = shift(tmp_path, views=views)
        assert [data.name(0), data.name(1)] == ['left_stereo/a/00000000', 'front/a/00000000']


@pytest.mark.parametrize(
    'place',
    ['continuous/videos/10x/val/front', 'continuous/10x/videos/val/front'],
    ids=['where it is downloaded', 'where the reader of SHIFT looks'],
)
def test_continuous_shifts_and_videos(tmp_path, place):
    """The pictures of a film lie in img_decompressed; the film itself is not read."""
    write_tree(tmp_path, place=place, groups=('semseg', 'depth'), backend='zip')
    write_group(tmp_path / place, 'img', {'0003-17fb.mp4': b'film'}, 'tar')
    with pytest.raises(DatasetError, match=r'expected pictures in .*img\.tar, found videos: run'):
        shift(tmp_path, 'val', shift='continuous/10x', framerate='videos')

    images = {
        f'{sequence}/{number:08d}.jpg': content(sequence, number)[3]['img']
        for sequence, number in [('0003-17fb', 0), ('0003-17fb', 10)]
    }
    write_group(tmp_path / place, 'img_decompressed', images, 'hdf5')
    data = shift(tmp_path, 'val', shift='continuous/10x', framerate='videos')
    assert len(data) == 2
    np.testing.assert_array_equal(data[1].labels, content('0003-17fb', 10)[0])


def test_a_missing_group_is_said_with_its_tree(tmp_path):
    """One sentence: what was expected where, and what to do."""
    write_tree(tmp_path, groups=('img', 'semseg'))
    with pytest.raises(DatasetError) as caught:
        shift(tmp_path)
    assert str(caught.value) == (
        f'expected the group depth of SHIFT in {tmp_path}/discrete/images/train/front/depth (a '
        'folder, or depth.zip, depth.tar or depth.hdf5 next to it) with files such as '
        'SEQUENCE/00000000_depth_front.png, found none: download the group, or choose another '
        'split, view, shift, framerate or backend'
    )
    assert shift(tmp_path, depth='none')[0].depth is None
    with pytest.raises(DatasetError, match=r'img \(as zip\)'):
        shift(tmp_path, backend='zip')


def test_groups_that_do_not_belong_together(tmp_path):
    """No frame in common is not the same as no depth."""
    write_tree(tmp_path, depth_frames=[('other', 0)])
    with pytest.raises(DatasetError, match='found only others: download both again'):
        shift(tmp_path)


def test_labels_of_another_size(tmp_path):
    """They name the sample."""
    write_tree(tmp_path, frames=[('a', 0)], groups=('img',))
    files = {'a/00000000_semseg_front.png': png(np.zeros((5, 6, 3), np.uint8))}
    write_group(tmp_path / 'discrete/images/train/front', 'semseg', files, 'folder')
    with pytest.raises(
        DatasetError, match=r'labels of front/a/00000000 in 32x20 pixels .* found 6x5'
    ):
        shift(tmp_path, depth='none')[0]
    assert SIZE == (20, 32)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'shift': 'continuous'}, 'shift must be one of discrete, continuous/1x'),
        ({'views': 'back'}, "views must be one of all, front, .*, not 'back'"),
        ({'depth': '16bit'}, 'depth must be one of none, 24bit, 8bit'),
        ({'size': 3}, "shift has no option 'size'"),
    ],
)
def test_options_that_do_not_exist(tmp_path, options, message):
    """The message has what there is."""
    with pytest.raises(DatasetError, match=message):
        shift(write_tree(tmp_path), **options)


def test_its_tree_is_recognised(tmp_path):
    """Only names of folders are looked at."""
    assert recognise(write_tree(tmp_path / 'a')) == 'shift'
    for place in ('continuous/videos/1x/val/front', 'continuous/1x/images/val/front'):
        assert recognise(write_tree(tmp_path / place[11:13], place=place)) == 'shift'


@pytest.mark.parametrize('backend', ['folder', 'zip', 'tar', 'hdf5'])
def test_a_copy_for_a_worker_reads_the_same(tmp_path, backend):
    """Also after the original has opened its files."""
    data = shift(write_tree(tmp_path, backend=backend))
    before = data[1]
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy[1].depth, before.depth)
