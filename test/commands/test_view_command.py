# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer view`: what of each kind of input is in the recording."""

from fractions import Fraction
import json
import os
import shutil
import sys

from bag_builder import camera_info, image, Message, write_bag
import numpy as np
import pytest
from rerun_rows import rows
from segformer_ros import carla
from segformer_ros.cli import main
from segformer_ros.files.images import encode_png
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Pipeline
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


def test_a_bag_has_its_ground_truth_next_to_the_results(tmp_path, tiny):
    """The coloured labels of the simulator are not taken for a camera; camera_info is used."""
    found = view(drive(tmp_path / 'bag'), tiny, tmp_path / 'x.rrd')
    assert {
        '/camera/label',
        '/points',
        '/camera/ground_truth/label',
        '/camera/ground_truth/depth',
    } <= found.keys()


def test_several_cameras_of_a_bag_are_in_one_recording(tmp_path, tiny, capsys):
    """Each below its name, in the order of their stamps; results are those of each."""
    messages = []
    for at in range(10**9, 10**9 + 3 * 10**8, 10**8):
        for name in ('/front/image', '/rig/left/image'):
            messages.append(Message(name, IMAGE, at, image(RGB, 'rgb8', at)))
    label = image(np.ones((32, 64), np.uint8), 'mono8', 10**9)
    messages.append(Message('/front/label/image', IMAGE, 10**9, label))
    messages.append(Message('/front/depth/confidence/image', IMAGE, 10**9, label))
    write_bag(tmp_path / 'bag', messages)
    topics = ('--topic', '/front/image', '--topic', '/rig/left/image')
    found = view(tmp_path / 'bag', tiny, tmp_path / 'x.rrd', *topics)
    assert {'/front/camera/label', '/rig/left/camera/depth', '/rig/left/camera/label'} <= set(
        found
    )
    assert '/front/camera/depth_confidence' in found
    assert not {'/camera/image', '/points'} & found.keys()
    assert capsys.readouterr().out == f'6 frames -> {tmp_path / "x.rrd"}\n'


@pytest.mark.parametrize(
    ('words', 'cameras', 'topics'),
    [
        (['--topics'], [''], {}),
        (['--topics', 'front'], ['front'], {}),
        (
            ['--topics', '--topic', '/cam/image_raw'],
            [''],
            {'image': '/cam/image_raw', 'camera_info': '/cam/camera_info'},
        ),
        (
            ['--topics', 'a', '/b', '--camera-info', '/x', '--camera-info', '/y'],
            ['a', '/b'],
            {'a/camera_info': '/x', '/b/camera_info': '/y'},
        ),
    ],
)
def test_live_topics_are_those_of_the_cameras(words, cameras, topics, monkeypatch):
    """The node subscribes in the namespace of each; what is elsewhere is remapped."""
    node = pytest.importorskip('segformer_ros.nodes.viewer_node', exc_type=ImportError)
    started = []
    monkeypatch.setattr(node, 'main', lambda given: started.append(given) or 0)
    assert main(['view', *words]) == 0
    given = started[0]
    pairs = [given[at + 1] for at, word in enumerate(given) if word == '-r']
    assert dict(pair.split(':=') for pair in pairs) == topics
    assert f'cameras:={json.dumps(cameras)}' in given


def test_each_live_camera_has_its_image_topic(capsys):
    """One for two cameras is a mistake."""
    assert main(['view', '--topics', 'a', 'b', '--topic', '/x']) == 1
    assert 'expected --topic once for each of 2 cameras, found it 1' in capsys.readouterr().err


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


def test_results_of_an_input_that_has_changed_are_refused(tmp_path, tiny, capsys):
    """`segformer run` would refuse them too; of images each is computed when it has changed."""
    video, bag, out = tmp_path / 'v.mp4', tmp_path / 'bag', tmp_path / 'out'
    with VideoWriter(video, Fraction(10)) as writer:
        writer.add(RGB, 0.0)
    write_bag(bag, [Message('/image', IMAGE, 0, image(RGB, 'rgb8'))])
    for path, file in ((video, video), (bag, bag / 'bag.db3')):
        words = ['run', str(path), '--model', tiny, '--out', str(out / path.name)]
        assert main(words) == 0
        view(out / path.name, tiny, tmp_path / 'x.rrd')
        os.utime(file)
        capsys.readouterr()
        shown = ['view', str(out / path.name), '--save', str(tmp_path / 'y.rrd')]
        assert [main(shown), main(words)] == [1, 1]
        said = capsys.readouterr().err.splitlines()
        assert f'has the results of {path} as it was at 20' in said[0]
        assert f'run it again into another folder, or view {path} itself' in said[0]
        assert 'holds the output of another run (input_' in said[1]


def test_unusable_input_is_refused_in_one_line(tmp_path, tiny, capsys):
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


def test_a_run_is_shown_by_its_own_network(tmp_path, tiny, capsys, monkeypatch):
    """Another one is refused, by whatever name; the same one may lie elsewhere."""
    (tmp_path / 'a.png').write_bytes(encode_png(RGB))
    out = tmp_path / 'out'
    words = ['--model', tiny, '--image-rotation', '90', '--camera-fov', '60']
    assert main(['run', str(tmp_path / 'a.png'), '--out', str(out), *words]) == 0
    shutil.rmtree(out / 'label')
    asked = []
    predict = Pipeline.predict

    def note(self, *arguments, **options):
        asked.append(options['options'])
        return predict(self, *arguments, **options)

    monkeypatch.setattr(Pipeline, 'predict', note)
    capsys.readouterr()
    other = make_tiny_bundle(tmp_path / 'other')
    facts = json.loads((other / 'manifest.json').read_text())
    (other / 'manifest.json').write_text(json.dumps(facts, indent=3))
    for model in ('road_b0', str(other)):
        words = ['view', str(out), '--model', model, '--save', str(tmp_path / 'x.rrd')]
        assert main(words) == 1
        assert f'has the results of {tiny}: leave --model out' in capsys.readouterr().err
    assert asked == []

    moved = shutil.copytree(tiny, tmp_path / 'moved')
    (out / 'depth' / 'a.png').unlink()
    for more in ((), ('--model', str(moved))):
        assert main(['view', str(out), '--save', str(tmp_path / 'x.rrd'), *more]) == 0
    assert [options.image_rotation for options in asked] == [90, 90]


def test_options_without_effect_are_refused(tmp_path, tiny, capsys):
    """By name, before anything is loaded."""
    (tmp_path / 'a.png').write_bytes(encode_png(RGB))
    (tmp_path / 'a.rrd').write_bytes(b'')
    picture, recording = str(tmp_path / 'a.png'), str(tmp_path / 'a.rrd')
    for arguments, option in (
        ([picture, '--topic', '/image'], '--topic'),
        ([picture, '--camera-info', '/camera_info'], '--camera-info'),
        ([picture, '--role-name', 'hero'], '--role-name'),
        ([picture, '--save', 'x.rrd', '--port', '9191'], '--port'),
        ([recording, '--model', tiny], '--model'),
        ([recording, '--max-width', '64'], '--max-width'),
        ([recording, '--camera-fov', '60'], '--camera-fov'),
        (['--topics', '--model', tiny], '--model'),
        (['--topics', '--focal-length', '300'], '--focal-length'),
    ):
        assert main(['view', *arguments]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f'segformer: error: {option} ')
        assert said.endswith(': leave it out\n')


def test_results_are_not_taken_for_images(tmp_path, tiny, capsys):
    """Neither by view nor by run: label images are no camera's."""
    folder, outs = tmp_path / 'images', [tmp_path / 'label', tmp_path / 'run']
    folder.mkdir()
    (folder / 'a.png').write_bytes(encode_png(RGB))
    for out in outs:
        assert main([out.name, str(folder), '--model', tiny, '--out', str(out)]) == 0
    for words in (
        ['view', str(outs[0]), '--save', str(tmp_path / 'x.rrd')],
        *(['run', str(out), '--model', tiny, '--out', str(tmp_path / 'again')] for out in outs),
    ):
        capsys.readouterr()
        assert main(words) == 1
        assert 'found results of segformer' in capsys.readouterr().err


def test_without_the_package_it_says_how_to_install(tmp_path, monkeypatch, capsys):
    """Before it reads the input."""
    monkeypatch.setitem(sys.modules, 'rerun', None)
    assert main(['view', str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(
        'segformer: error: the viewer needs the package rerun-sdk, which is not installed: '
    )
