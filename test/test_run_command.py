# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer run` and `segformer info`, from their arguments to their files."""

from dataclasses import replace
from functools import partial
import json
import os
import re
import subprocess
import sys
import warnings

from bag_builder import drive, read_bag, STORE, write_bag
import cv2
import numpy as np
import pytest
from segformer_ros import bundle, cli, run_folder
from segformer_ros.bags.writer import BagWriter
from segformer_ros.commands import run as run_command
from segformer_ros.files.results import Results
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Make a network of a few hundred weights."""
    return make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny')


@pytest.fixture
def segformer(model, capsys):
    """Run a command line; the result is the exit status, stdout and stderr."""

    def run(command, *arguments):
        words = [command, *map(str, arguments), '--model', str(model)]
        status = cli.main(words if command == 'run' else [command, str(model), *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def inputs(tmp_path):
    """Make an image, a video and a bag."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (40, 64, 3), np.uint8)
    folder = tmp_path / 'inputs'
    folder.mkdir()
    cv2.imwrite(str(folder / 'a.png'), pixels)
    with VideoWriter(folder / 'a.mp4', 25) as writer:
        for index in range(3):
            writer.add(np.roll(pixels, index, axis=1), index / 25)
    write_bag(folder / 'bag', drive(3))
    return folder


def test_the_camera_info_of_a_bag_is_chosen_and_named(segformer, tmp_path):
    """One that is not the sibling of the images; of a folder there is none to choose."""
    messages = [
        item._replace(topic='/calibration') if item.topic.endswith('camera_info') else item
        for item in drive(2)
    ]
    bag = write_bag(tmp_path / 'bag', messages)
    out = tmp_path / 'out'
    status, said, _ = segformer('run', bag, '--out', out, '--camera-info', '/calibration')
    assert status == 0
    assert 'intrinsics of /front/image: P of camera_info' in said
    assert 'its P equals K' in said
    assert sum(_report(out)['intrinsics']['/front/image'].values()) == 2
    status, said, _ = segformer('run', bag, '--out', tmp_path / 'other')
    assert status == 0
    assert 'no camera_info on /front/camera_info, but on /calibration: choose' in said
    folder = tmp_path / 'images'
    folder.mkdir()
    status, _, said = segformer('run', folder, '--out', out, '--camera-info', '/calibration')
    assert status == 1
    assert '--camera-info applies to bags' in said


def _report(out):
    return json.loads((out / 'report.json').read_text())


@pytest.mark.parametrize('name', ['a.png', 'a.mp4', 'bag', 'bag/bag.db3'])
def test_every_kind_of_input_is_known_by_itself(segformer, inputs, tmp_path, name):
    """One line says what was done, and report.json has the figures."""
    out = tmp_path / 'out'
    status, said, error = segformer('run', inputs / name, '--out', out)
    assert status == 0, error
    frames = 1 if name == 'a.png' else 3
    assert said.startswith('1 frame in ' if frames == 1 else f'{frames} frames in ')
    shares = [int(share) for share in re.findall(r' (\d+)%', said)]
    assert 95 <= sum(shares) <= 105
    assert f'-> {out}\n' in said
    report = _report(out)
    assert report['finished']
    assert report['frames'] == {'total': frames, 'done': frames, 'reused': 0, 'failed': 0}
    assert report['model'] == 'tiny'
    assert report['frames_per_second'] > 0
    assert not list(out.rglob('.*'))
    if 'bag' in name:
        assert len(read_bag(out / 'bag')['/front/label/image']) == 3
        with VideoReader(out / 'overlay.mp4') as reader:
            times = [frame.time_s for frame in reader]
        assert times == pytest.approx([0.0, 0.1, 0.2], abs=1e-3)


@pytest.mark.parametrize('name', ['a.png', 'a.mp4', 'bag'])
def test_a_second_run_does_nothing_again(segformer, inputs, tmp_path, name):
    """With the same arguments, nothing is computed twice."""
    out = tmp_path / 'out'
    segformer('run', inputs / name, '--out', out)
    before = {item: item.stat().st_mtime_ns for item in out.rglob('*') if item.suffix != '.json'}
    status, said, _ = segformer('run', inputs / name, '--out', out)
    assert status == 0
    expected = 'nothing to do' if name != 'a.png' else '0 frames in'
    assert said.startswith(expected)
    assert before.items() <= {item: item.stat().st_mtime_ns for item in out.rglob('*')}.items()


def test_an_image_that_has_changed_is_computed_again(segformer, inputs, tmp_path):
    """Also where its new content keeps an old time, as after `cp -p`."""
    out, source = tmp_path / 'out', inputs / 'a.png'
    segformer('run', source, '--out', out)
    before = source.stat()
    old = (out / 'label/a.png').read_bytes()
    cv2.imwrite(str(source), 255 - cv2.imread(str(source)))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert segformer('run', source, '--out', out)[0] == 0
    assert _report(out)['frames'] == {'total': 1, 'done': 1, 'reused': 0, 'failed': 0}
    segformer('run', source, '--out', tmp_path / 'anew')
    new = (out / 'label/a.png').read_bytes()
    assert new == (tmp_path / 'anew/label/a.png').read_bytes() != old


@pytest.mark.parametrize('name', ['a.mp4', 'bag'])
def test_results_of_an_input_that_has_changed_are_not_taken_for_its_own(
    segformer, inputs, tmp_path, name
):
    """Another recording under the same name; what was made of the first stays."""
    out = tmp_path / 'out'
    segformer('run', inputs / name, '--out', out)
    before = {item: item.read_bytes() for item in out.rglob('*') if item.is_file()}
    files = list((inputs / name).glob('*.db3')) or [inputs / name]
    later = files[0].stat().st_mtime_ns + 1_000_000_000
    os.utime(files[0], ns=(later, later))
    status, _, error = segformer('run', inputs / name, '--out', out)
    assert status == 1
    assert 'holds the output of another run (input_modified was' in error
    assert before == {item: item.read_bytes() for item in out.rglob('*') if item.is_file()}


def test_a_run_that_is_stopped_says_what_the_same_command_does(
    segformer, inputs, tmp_path, monkeypatch
):
    """Ctrl-C after the first frame of a video; the next run takes the others."""
    out, write = tmp_path / 'out', Results.write
    written = []

    def interrupted(self, name, **results):
        if written:
            raise KeyboardInterrupt
        written.append(name)
        write(self, name, **results)

    monkeypatch.setattr(Results, 'write', interrupted)
    status, _, error = segformer('run', inputs / 'a.mp4', '--out', out)
    assert status == 130
    assert re.search(
        r'^segformer: stopped after [0-3] of 3 frames; the same command continues there$',
        error,
        re.M,
    )
    monkeypatch.setattr(Results, 'write', write)
    assert segformer('run', inputs / 'a.mp4', '--out', out)[0] == 0
    assert _report(out)['frames']['reused'] == 1


def test_depth_files_are_millimetres_and_the_training_data_are_named(segformer, inputs, tmp_path):
    """float32 is an option; no one takes a network for one of real roads in silence."""
    status, said, _ = segformer('run', inputs / 'a.png', '--out', tmp_path / 'out')
    assert status == 0
    assert cv2.imread(str(tmp_path / 'out/depth/a.png'), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    assert re.search(r'^tiny: trained by others .* \(`segformer info', said, re.M)
    segformer('run', inputs / 'a.png', '--out', tmp_path / 'other', '--format', 'npy')
    assert np.load(tmp_path / 'other/depth/a.npy').dtype == np.float32


@pytest.mark.parametrize(
    ('origin', 'expected'),
    [
        (
            'world_b0_fast',
            'trained on 6000 frames of the built-in world alone; not for real roads',
        ),
        # 34 other photographs are those of its figures, which do not count.
        (
            'road_b0',
            'trained on 560 images and 4800 frames of the built-in world; '
            'measure it on your own images before you rely on it',
        ),
        (
            {'data': 'unknown', 'source': 'hf://org/name'},
            'from hf://org/name, trained by others on data unknown here; see what they published',
        ),
        ({'data': 'unknown'}, 'trained by others on data unknown here; see what they published'),
    ],
)
def test_a_network_says_what_it_was_trained_on_by_its_origin(origin, expected):
    """No more and no less than is known, and the same as one network of two."""
    manifest = bundle.read(bundle.find('road_b0' if isinstance(origin, dict) else origin)).manifest
    if isinstance(origin, dict):
        manifest = replace(manifest, name='city', provenance=origin)
    assert manifest.training_data() == f'{manifest.name}: {expected}'
    other = {'data': 'unknown', 'source': 'other'}
    pair = replace(manifest, provenance={'labels': manifest.provenance, 'depth': other})
    assert pair.training_data().startswith(f'{manifest.name}: labels {expected}; depth from other')
    pair = replace(manifest, provenance=dict.fromkeys(('labels', 'depth'), manifest.provenance))
    assert pair.training_data() == f'{manifest.name}: {expected}'


def test_a_longer_run_continues_a_shorter_one(segformer, inputs, tmp_path):
    """Of a video: the frames of the first run are kept."""
    out = tmp_path / 'out'
    segformer('run', inputs / 'a.mp4', '--out', out, '--max-frames', 1)
    status, said, _ = segformer('run', inputs / 'a.mp4', '--out', out)
    assert status == 0
    assert '1 were finished before' in said
    assert _report(out)['frames'] == {'total': 3, 'done': 2, 'reused': 1, 'failed': 0}


def test_a_bag_can_be_written_as_mcap_with_everything_in_it(segformer, inputs, tmp_path):
    """Millimetres, confidence, a copy of the input, and no video."""
    arguments = ['--bag-format', 'mcap', '--format', 'png16', '--confidence', '--copy']
    out = tmp_path / 'out'
    status, _, error = segformer(
        'run', inputs / 'bag', '--out', out, *arguments, '--no-overlay', '--topic', '/front/image'
    )
    assert status == 0, error
    assert sorted(item.name for item in out.iterdir()) == ['bag', 'report.json', 'run.json']
    found = read_bag(out / 'bag')
    assert (out / 'bag' / 'bag.mcap').is_file()
    assert found['/front/depth/image'][0].message.encoding == '16UC1'
    assert {'/front/image', '/front/label/confidence/image'} <= set(found)


def test_two_cameras_are_two_videos(segformer, tmp_path):
    """Named by where they look."""
    messages = sorted(drive(2) + drive(2, namespace='/rear'), key=lambda item: item.time_ns)
    source, out = write_bag(tmp_path / 'bag', messages), tmp_path / 'out'
    topics = ['--topic', '/front/image', '--topic', '/rear/image']
    assert segformer('run', source, '--out', out, *topics)[0] == 0
    assert {'overlay_front.mp4', 'overlay_rear.mp4'} <= {item.name for item in out.iterdir()}


def test_a_run_that_took_no_time_has_no_rate(segformer, inputs, tmp_path, monkeypatch):
    """On a machine so quick, or with a clock so coarse."""
    monkeypatch.setattr(run_folder.time, 'perf_counter', lambda: 5.0)
    monkeypatch.setattr(run_command, 'Report', partial(run_folder.Report, _start=5.0))
    out = tmp_path / 'out'
    status, said, error = segformer('run', inputs / 'a.png', '--out', out)
    assert (status, error) == (0, '')
    assert said.startswith(f'1 frame in 0.0 s -> {out}\n')
    assert _report(out)['frames_per_second'] is None


def test_frames_that_cannot_be_read_are_no_failure_unless_asked(
    segformer, inputs, tmp_path, monkeypatch
):
    """They are counted and named; --strict makes the exit status 1."""
    (inputs / 'damaged.png').write_bytes(b'x')
    (inputs / 'a.mp4').unlink()
    (inputs / 'bag' / 'metadata.yaml').unlink()
    (inputs / 'bag' / 'bag.db3').unlink()
    out = tmp_path / 'out'
    status, said, _ = segformer('run', inputs, '--out', out)
    assert status == 0
    assert '1 of 2 could not be read' in said
    assert _report(out)['failed'][0]['name'] == 'damaged.png'
    status, _, error = segformer('run', inputs, '--out', out, '--strict')
    assert status == 1
    assert error.endswith(f'1 of 2 could not be read: see {out / "report.json"}\n')
    (inputs / 'a.png').unlink()
    # A machine so quick that no time passes.
    monkeypatch.setattr(run_folder.time, 'perf_counter', lambda: 5.0)
    status, _, error = segformer('run', inputs, '--out', tmp_path / 'other')
    assert status == 1
    assert '1 of 1 could not be read' in error


def test_a_finished_run_without_a_frame_stays_a_failure(segformer, tmp_path):
    """However often it is started; so does one with an unreadable frame under --strict."""
    messages = drive(2)
    messages[1].message.step = 5
    bag, out = write_bag(tmp_path / 'bag', messages), tmp_path / 'out'
    arguments = ['run', bag, '--out', out, '--topic', '/front/image', '--no-overlay']
    assert segformer(*arguments)[0] == 0
    for _ in range(2):
        status, _, error = segformer(*arguments, '--strict')
        assert (status, error.count('\n')) == (1, 1)
        assert '1 of 2 could not be read' in error
    messages[3].message.step = 5
    bag, out = write_bag(tmp_path / 'bag2', messages), tmp_path / 'out2'
    arguments[1], arguments[3] = bag, out
    for _ in range(2):
        status, _, error = segformer(*arguments)
        assert (status, error.count('\n')) == (1, 1)
        assert '2 of 2 could not be read' in error


def test_a_topic_without_messages_is_a_failure(segformer, tmp_path):
    """Named, alone or beside another one; nothing is made."""
    with BagWriter(tmp_path / 'bag', 'mcap', STORE) as writer:
        writer.add_topic('/image', 'sensor_msgs/msg/Image')
    for topic in ([], ['--topic', '/image']):
        status, _, error = segformer('run', tmp_path / 'bag', '--out', tmp_path / 'out', *topic)
        assert (status, error.count('\n')) == (1, 1)
        assert '/image (no messages)' in error
        assert not (tmp_path / 'out').exists()


def test_an_unfinished_bag_is_said_to_be_one(segformer, tmp_path, monkeypatch):
    """In one line on stderr and in the report, and it counts what there is."""
    write_bag(tmp_path / 'bag', drive(8, size=(240, 320)), 'mcap')
    content = (tmp_path / 'bag' / 'bag.mcap').read_bytes()
    cut, out = tmp_path / 'cut.mcap', tmp_path / 'out'
    cut.write_bytes(content[: len(content) * 3 // 4])
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        # That of pytest keeps the warnings to itself.
        monkeypatch.setattr(
            warnings,
            'showwarning',
            lambda *item, **_: sys.stderr.write(warnings.formatwarning(*item[:4])),
        )
        status, said, error = segformer('run', cut, '--out', out, '--no-overlay')
    assert (status, said[:9]) == (0, '5 frames ')
    assert error.startswith(f'segformer: warning: {cut} is unfinished or cut off')
    assert error.count('\n') == 1
    (text,) = _report(out)['warnings']
    assert '10 messages over 0.4 s' in text


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['nothing.png', '--out', 'out'], 'found nothing at nothing.png'),
        (['inputs/a.txt', '--out', 'out'], 'expected a video in inputs/a.txt'),
        (['inputs/a.bag', '--out', 'out'], 'ROS 1 bag'),
        (['empty', '--out', 'out'], 'expected images in empty'),
        (['inputs', '--out', 'inputs/out'], 'results would become input'),
        (['inputs/a.png', '--out', 'inputs'], 'inputs holds files of another program'),
        (['inputs/a.png', '--out', 'inputs/a.txt'], 'inputs/a.txt is a file'),
        (['inputs/a.png', '--out', 'out', '--topic', '/x'], '--topic applies to bags'),
        (['inputs/bag', '--out', 'out', '--topic', '/x'], 'found /front/image'),
        (['inputs/a.png', '--out', 'out', '--copy'], '--copy applies to bags'),
        (['inputs/a.png', '--out', 'out', '--all-outputs'], '--all-outputs applies to bags'),
        (['inputs/a.png', '--out', 'out', '--bag-format', 'mcap'], '--bag-format applies to bags'),
        (['inputs/a.png', '--out', 'out', '--only', 'depth', '--confidence'], 'is of the labels'),
        *(
            (['inputs/a.png', '--out', 'out', '--only', 'segmentation', *words], 'is of depth')
            for words in (['--min-depth', '1'], ['--max-depth', '9'], ['--sky-depth', 'keep'])
        ),
        (['inputs/a.png', '--out', 'out', '--temporal', 'both'], '--temporal applies to videos'),
        (['inputs/a.png', '--out', 'out', '--camera-fov', '200'], 'between 0 and 180'),
        (['inputs/a.png', '--out', 'out', '--focal-length', '0'], 'must be a positive number'),
        (['inputs/a.png', '--out', 'out', '--max-frames', '0'], 'at least 1'),
        (['inputs/a.png', '--out', 'out', '--min-depth', '9', '--max-depth', '1'], 'min_depth_m'),
        (['inputs/a.png', '--out', 'out', '--min-depth', '80'], 'the network gives 0.5 to 80 m'),
        (['inputs/a.png', '--out', 'out', '--backend', 'abacus'], 'abacus'),
    ],
)
def test_errors_are_one_line(segformer, inputs, tmp_path, monkeypatch, arguments, sentence):
    """On stderr, with exit status 1; nothing is made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (inputs / 'a.txt').write_text('text')
    (inputs / 'a.bag').write_bytes(b'#ROSBAG V2.0')
    status, said, error = segformer('run', *arguments)
    assert (status, said) == (1, '')
    assert error.startswith('segformer: error: ')
    assert error.count('\n') == 1
    assert sentence in error
    assert not (tmp_path / 'out').exists()


def test_a_missing_network_is_one_line(inputs, tmp_path, capsys):
    """Known names are named."""
    arguments = ['run', str(inputs / 'a.png'), '--out', str(tmp_path / 'out'), '--model', 'b99']
    assert cli.main(arguments) == 1
    assert "bundle 'b99'" in capsys.readouterr().err


def test_other_arguments_are_another_run(segformer, inputs, tmp_path):
    """Their results are not mixed."""
    out = tmp_path / 'out'
    segformer('run', inputs / 'a.png', '--out', out)
    status, _, error = segformer('run', inputs / 'a.png', '--out', out, '--format', 'npy')
    assert status == 1
    assert "depth_format was 'png16', now 'npy'" in error


def test_a_run_that_fails_says_so_in_its_report(segformer, inputs, tmp_path, monkeypatch):
    """And can be continued."""
    out = tmp_path / 'out'

    def fail(*args, **kwargs):
        raise OSError(28, 'No space left on device', 'disk')

    with monkeypatch.context() as patch:
        patch.setattr('segformer_ros.run_folder.os.replace', _after(2, fail))
        status, _, error = segformer('run', inputs / 'a.mp4', '--out', out)
    assert status == 1
    assert error == 'segformer: error: disk: No space left on device\n'
    assert segformer('run', inputs / 'a.mp4', '--out', out)[0] == 0
    assert _report(out)['finished']


def _after(count, fail):
    """Return os.replace that fails once after so many files."""
    import os

    calls = []
    replace = os.replace

    def replace_or_fail(*args):
        calls.append(args)
        if len(calls) == count + 1:
            fail()
        replace(*args)

    return replace_or_fail


def test_run_never_touches_torch_or_ros(model, inputs, tmp_path):
    """An installation without them is enough."""
    code = (
        'import sys\n'
        'from segformer_ros import cli\n'
        'assert cli.main(sys.argv[1:]) == 0\n'
        "assert not {'torch', 'rclpy', 'onnx'} & set(sys.modules)\n"
    )
    arguments = ['run', inputs / 'bag', '--out', tmp_path / 'out', '--model', model]
    subprocess.run([sys.executable, '-c', code, *map(str, arguments)], check=True)


def test_info_shows_what_a_network_is(segformer):
    """Its facts, and that it computes what it should."""
    status, said, error = segformer('info')
    assert status == 0, error
    for text in ('name:', 'tiny', 'road 1', '64x128', '0.5 to 80 m', 'Apache-2.0', 'passed on'):
        assert text in said
    status, said, _ = segformer('info', '--no-check')
    assert status == 0
    assert 'passed' not in said
    status, said, _ = segformer('info', '--json')
    assert json.loads(said)['name'] == 'tiny'


def test_info_refuses_a_damaged_network(tmp_path, capsys):
    """In one line."""
    folder = make_tiny_bundle(tmp_path / 'tiny')
    (folder / 'weights.bin').write_bytes(b'')
    assert cli.main(['info', str(folder)]) == 1
    assert 'sha256' in capsys.readouterr().err


def test_the_confidence_of_depth_is_written_and_filters(inputs, tmp_path, capsys):
    """Of an image as a PNG, of a bag as a topic; fewer depths are known then."""
    model = make_tiny_bundle(tmp_path / 'sure', scale=True)
    options = ['--model', str(model), '--depth-confidence', '--no-overlay', '--format', 'npy']
    known = []
    for minimum in ('0', '0.5'):
        out = tmp_path / f'out{minimum}'
        words = ['run', str(inputs / 'a.png'), '--out', str(out), *options]
        assert cli.main([*words, '--min-depth-confidence', minimum]) == 0
        confidence = cv2.imread(str(out / 'depth_confidence' / 'a.png'), cv2.IMREAD_UNCHANGED)
        depth = np.load(out / 'depth' / 'a.npy')
        assert (confidence.dtype, confidence.shape) == (np.uint8, depth.shape)
        known.append(np.isfinite(depth))
    np.testing.assert_array_equal(known[1], known[0] & (confidence >= 127.5))
    assert 0 < known[1].sum() < known[0].sum()
    bag = ['run', str(inputs / 'bag'), '--out', str(tmp_path / 'bag'), *options]
    assert cli.main(bag) == 0
    images = read_bag(tmp_path / 'bag' / 'bag')['/front/depth/confidence/image']
    assert [image.message.encoding for image in images] == ['mono8'] * 3
    assert cli.main(['info', str(model)]) == 0
    assert 'camera of 100 px, with confidence' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--depth-confidence'], 'expected a network with a confidence of depth'),
        (['--min-depth-confidence', '0.5'], 'tiny has none: leave it at 0'),
        (['--min-depth-confidence', '2'], 'must be from 0 to 1, not 2.0'),
    ],
)
def test_a_confidence_that_the_network_does_not_state_is_refused(
    segformer, inputs, tmp_path, options, message
):
    """Before anything is written."""
    out = tmp_path / 'out'
    status, _, said = segformer('run', inputs / 'a.png', '--out', out, *options)
    assert status == 1
    assert message in said
    assert not out.exists()
