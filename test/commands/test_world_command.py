# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer world, run as a user runs it."""

import cv2
import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.datasets import DatasetSpec, open_dataset
from segformer_ros.labels import CARLA_0914
from segformer_ros.world import CameraRig, random_frame, render, Scene

_SMALL = ('--max-frames', '2', '--width', '64', '--height', '32', '--seed', '5')


@pytest.mark.parametrize('kind', [(), ('--random',)])
def test_every_frame_is_three_pictures_and_all_are_on_the_sheet(tmp_path, capsys, kind):
    """The frames are there to be looked at."""
    out = tmp_path / 'world'
    assert main(['world', '--out', str(out), *_SMALL, *kind]) == 0

    names = sorted(path.name for path in out.glob('*.png'))
    assert names == sorted(
        [f'{index:03}_{kind}.png' for index in (0, 1) for kind in ('image', 'labels', 'depth')]
        + ['contact_sheet.png']
    )
    labels = cv2.imread(str(out / '000_labels.png'))
    assert labels.shape == (32, 64, 3)
    known = {item.color[::-1] for item in CARLA_0914.classes}
    assert {tuple(color) for color in np.unique(labels.reshape(-1, 3), axis=0)} <= known
    assert str(out / 'contact_sheet.png') in capsys.readouterr().out


@pytest.mark.parametrize('kind', [(), ('--random', '--variety', 'roads')])
def test_a_split_becomes_a_route_of_a_dataset(tmp_path, capsys, kind):
    """Ids, metres and the intrinsics of each frame are those that were rendered."""
    out = tmp_path / 'dataset'
    assert main(['world', '--out', str(out), '--split', 'train', *_SMALL, *kind]) == 0
    assert f'2 frames in the dataset {out}' in capsys.readouterr().out
    name = 'random_roads_5' if kind else 'street_5'
    assert (out / 'train' / name / 'preview.jpg').is_file()

    found = open_dataset(DatasetSpec('', str(out), 'train'))
    assert len(found) == 2
    if kind:
        frames = [random_frame(seed, 64, 32, 'roads') for seed in (5, 6)]
    else:
        scene, rig = Scene(5), CameraRig(64, 32)
        frames = [render(scene, rig, time_s) for time_s in (0.0, 2.0)]
    for sample, frame in zip((found[0], found[1]), frames, strict=True):
        np.testing.assert_array_equal(sample.image, frame.image)
        np.testing.assert_array_equal(sample.labels, frame.labels)
        sky = np.isinf(frame.depth)
        np.testing.assert_array_equal(np.isinf(sample.depth), sky)
        np.testing.assert_allclose(sample.depth[~sky], frame.depth[~sky], atol=1e-4)
        assert sample.intrinsics.fx == pytest.approx(frame.intrinsics.fx, rel=1e-8)
    assert main(['world', '--out', str(out), '--split', 'val', *_SMALL, *kind]) == 1
    assert 'must not be there twice' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('--max-frames', '0'), '--max-frames'),
        (('--weather', 'frogs'), 'weather'),
        (('--width', '4'), '16'),
    ],
)
def test_what_the_world_cannot_do_is_one_line(tmp_path, capsys, arguments, words):
    """A wrong argument names what is possible."""
    small = dict(zip(_SMALL[::2], _SMALL[1::2], strict=True)) | dict([arguments])
    words_of_it = [word for option in small.items() for word in option]
    assert main(['world', '--out', str(tmp_path / 'world'), *words_of_it]) == 1
    error = capsys.readouterr().err.strip()
    assert words in error
    assert len(error.splitlines()) == 1


def test_a_folder_with_other_files_is_left_alone(tmp_path, capsys):
    """Nobody's files are mixed with ours."""
    (tmp_path / 'thesis.txt').write_text('mine')
    assert main(['world', '--out', str(tmp_path), *_SMALL]) == 1
    assert 'choose another folder' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']
