# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer view`: what of each kind of input is in the recording."""

from fractions import Fraction
import sys

from bag_builder import camera_info, image, Message, write_bag
import numpy as np
import pytest
from rerun_rows import rows
from segformer_ros import carla
from segformer_ros.cli import main
from segformer_ros.files.images import encode_png
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.output_topics.contents import CAMERA_INFO, IMAGE
from tiny_bundle import make_tiny_bundle

pytest.importorskip('rerun', reason='rerun-sdk is not installed (it needs Python 3.11)')

RGB = np.full((32, 64, 3), 90, np.uint8)
VEHICLE = '/carla/ego_vehicle'


@pytest.fixture
def tiny(tmp_path):
    """Make a network without weights worth the name."""
    return str(make_tiny_bundle(tmp_path / 'tiny'))


def view(path, tiny, out, *more):
    """Save what the command shows."""
    assert main(['view', str(path), '--model', tiny, '--save', str(out), *more]) == 0
    return rows(out)


def test_images_go_through_the_network(tmp_path, tiny, capsys):
    """A field of view is enough for points."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in ('a', 'b'):
        (folder / f'{name}.png').write_bytes(encode_png(RGB))
    found = view(folder, tiny, tmp_path / 'x.rrd', '--camera-fov', '60')
    assert {'/camera/label', '/camera/depth', '/points', '/latency_ms/network'} <= found.keys()
    assert capsys.readouterr().out == f'2 frames -> {tmp_path / "x.rrd"}\n'


def test_a_video_is_shown_at_its_times(tmp_path, tiny, capsys):
    """Without a field of view there are no points."""
    path = tmp_path / 'v.mp4'
    with VideoWriter(path, Fraction(10)) as writer:
        for index in range(3):
            writer.add(RGB, index / 10)
    found = view(path, tiny, tmp_path / 'x.rrd')
    assert '/camera/label' in found
    assert '/points' not in found
    assert capsys.readouterr().out.startswith('3 frames -> ')


def drive(path, count=3):
    """Write a bag as the built-in world has it."""
    labels = np.full((32, 64), 1, np.uint8)
    depth = np.full((32, 64), 7.0, np.float32)
    bgra = carla.encode_labels(labels)
    sensors = (
        ('rgb_front', IMAGE, lambda at: image(RGB, 'rgb8', at)),
        ('rgb_front', CAMERA_INFO, lambda at: camera_info(32, 64, 40.0, at)),
        ('semantic_segmentation_front', IMAGE, lambda at: image(bgra, 'bgra8', at)),
        ('depth_front', IMAGE, lambda at: image(depth, '32FC1', at)),
    )
    messages = []
    for at in range(10**9, 10**9 + count * 10**8, 10**8):
        for sensor, kind, make in sensors:
            name = 'camera_info' if kind == CAMERA_INFO else 'image'
            messages.append(Message(f'{VEHICLE}/{sensor}/{name}', kind, at, make(at)))
    write_bag(path, messages)
    return path


def test_a_bag_has_its_ground_truth_beside_the_results(tmp_path, tiny):
    """The coloured labels of the simulator are not taken for a camera; camera_info is used."""
    found = view(drive(tmp_path / 'bag'), tiny, tmp_path / 'x.rrd')
    assert {
        '/camera/label',
        '/points',
        '/camera/ground_truth/label',
        '/camera/ground_truth/depth',
    } <= found.keys()


def test_results_that_exist_are_shown_without_the_network(tmp_path, tiny, monkeypatch, capsys):
    """Those of `segformer run`, of a bag and of images."""
    folder = tmp_path / 'images'
    folder.mkdir()
    (folder / 'a.png').write_bytes(encode_png(RGB))
    bag = drive(tmp_path / 'bag')
    monkeypatch.chdir(tmp_path)
    for name, path, *more in (
        ('of_images', folder),
        ('of_bag', bag, '--topic', f'{VEHICLE}/rgb_front/image'),
    ):
        words = ['run', str(path), '--model', 'tiny', '--out', str(tmp_path / name), *more]
        assert main(words) == 0
    # Found from everywhere, though it was named from where it lies.
    monkeypatch.chdir('/')

    def refuse(*_arguments, **_options):
        raise AssertionError('the network has run')

    monkeypatch.setattr('segformer_ros.inference.pipeline.Pipeline.predict', refuse)
    monkeypatch.setattr('segformer_ros.inference.pipeline.Pipeline.load', refuse)
    for name in ('of_images', 'of_bag'):
        capsys.readouterr()
        found = view(tmp_path / name, tiny, tmp_path / 'x.rrd')
        assert {'/camera/label', '/camera/depth'} <= found.keys()
        assert '/latency_ms/network' not in found


def test_what_cannot_be_shown_is_one_line(tmp_path, tiny, capsys):
    """And the exit code is 1; usage is 2."""
    for arguments, text in (
        ([str(tmp_path / 'nothing')], 'expected an image, a folder, a video or a bag'),
        ([str(tmp_path / 'a.rrd')], 'expected a recording, found nothing'),
        ([str(tmp_path), '--camera-fov', '200', '--save', 'a.rrd'], 'between 0 and 180'),
        ([str(tmp_path), '--max-width', '-1'], '--max-width must be 0 or more'),
        ([str(tmp_path), '--save', str(tmp_path / 'a.mcap'), '--model', tiny], 'expected images'),
    ):
        assert main(['view', *arguments]) == 1
        assert text in capsys.readouterr().err
    assert main(['view']) == 2


def test_without_the_package_it_says_how_to_install(tmp_path, monkeypatch, capsys):
    """Before it reads the input."""
    monkeypatch.setitem(sys.modules, 'rerun', None)
    assert main(['view', str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(
        'segformer: error: the viewer needs the package rerun-sdk, which is not installed: '
    )
