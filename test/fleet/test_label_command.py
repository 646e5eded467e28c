# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer label`, from its arguments to its files, with processes that are killed."""

import csv
import json
import os
from pathlib import Path
import shutil
import signal
import time

from bag_builder import drive, read_bag, write_bag
from label_process import begin
import numpy as np
import pytest
from recordings_builder import write_images, write_video
from segformer_ros import cli
from segformer_ros.image_encoding import decode_stored
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def segformer(model, capsys):
    """Run a command line; the result is the exit status, stdout and stderr."""

    def run(command, *arguments):
        status = cli.main([command, *map(str, arguments), '--model', str(model)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_hidden_inputs_that_are_named_have_results(segformer, tmp_path):
    """Under names that are not hidden, and unlike; what a recorder writes is reported."""
    for count, name in enumerate(('.a.bag.d', 'one/.cam/day', 'two/day'), 1):
        write_bag(tmp_path / name, drive(count))
    (tmp_path / 'one/.run.part/run').mkdir(parents=True)
    whole = next((tmp_path / 'two/day').glob('*.db3'))
    shutil.copy(whole, tmp_path / 'one/.run.part/run')
    inputs = [tmp_path / '.a.bag.d', tmp_path / 'two', tmp_path / 'one/.cam/day']
    status, out, _ = segformer('label', *inputs, '--out', tmp_path / 'out')
    assert (status, out.partition(',')[0]) == (0, '3 inputs with 6 frames are done')
    names = {item.name for item in (tmp_path / 'out' / 'results').iterdir()}
    assert names == {'a.bag.d', 'day', 'cam__day'}
    with pytest.warns(UserWarning, match=r'one/.run.part is not labelled: it is being recorded'):
        segformer('label', tmp_path / 'one', '--out', tmp_path / 'other')


def test_results_never_become_inputs(segformer, tmp_path):
    """Of a folder of bags alone neither, and a glob takes the same inputs at every start."""
    night = tmp_path / 'night'
    write_bag(night / 'bag', drive(2))
    status, _, err = segformer('label', night, '--out', night / 'labels')
    assert (status, err.count('\n')) == (1, 1)
    assert f'{night}/labels lies in {night}: results would become input' in err
    assert not (night / 'labels').exists()
    for now in (2, 0):
        status, out, _ = segformer('label', night / '*', '--out', night / 'labels')
        assert (status, out.partition(' in ')[0]) == (
            0, f'1 inputs with 2 frames are done, {now} of them now'
        )  # fmt: skip
    status, _, err = segformer('label', night / 'labels', '--out', night / 'labels')
    assert status == 1
    assert 'expected inputs elsewhere than in' in err


def files_of(folder):
    """Read the images, depths and tables of a result."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.suffix in {'.png', '.npy', '.csv'}
    }


def bag_of(folder):
    """Read what does not depend on the files of a bag."""
    return {
        topic: [(item.type, item.time_ns, str(item.message)) for item in messages]
        for topic, messages in read_bag(folder / 'bag').items()
    }


@pytest.mark.parametrize(('workers', 'shard_frames'), [(1, 500), (2, 2)])
def test_results_are_those_of_run(segformer, recordings, tmp_path, workers, shard_frames):
    """Bit for bit, of every kind of input, whatever the shards and the number of workers."""
    out = tmp_path / 'out'
    status, said, error = segformer(
        'label', recordings, '--out', out, '--workers', workers, '--shard-frames', shard_frames,
        '--confidence',
    )  # fmt: skip
    assert status == 0, error
    assert '3 inputs with 22 frames are done, 22 of them now' in said
    report = json.loads((out / 'report.json').read_text())
    assert sum(row['frames'] for row in report['workers']) == 22
    assert (len(report['workers']) <= workers, report['workers_died']) == (True, 0)
    for name, source in (('night', '.'), ('drive.mp4', 'drive.mp4'), ('bag', 'bag')):
        alone = tmp_path / name
        options = ('--out', alone, '--no-overlay', '--confidence')
        assert segformer('run', recordings / source, *options)[0] == 0
        made = out / 'results' / name
        assert files_of(made) == files_of(alone)
        report = json.loads((made / 'report.json').read_text())
        expected = json.loads((alone / 'report.json').read_text())
        assert report['frames'] == expected['frames']
        assert report.get('intrinsics') == expected.get('intrinsics')
    assert files_of(out / 'results' / 'drive.mp4')
    assert bag_of(out / 'results' / 'bag') == bag_of(tmp_path / 'bag')
    assert list((out / 'parts').iterdir()) == []
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg;base64,') == 3


def test_the_classes_of_a_bag_come_with_its_first_image_that_can_be_read(segformer, tmp_path):
    """Also where a whole shard before it has none: the bag is then one shard."""
    messages = drive(6)
    for item in [item for item in messages if item.topic.endswith('image')][:3]:
        item.message.step = 1
    bag = write_bag(tmp_path / 'bag', messages)
    out = tmp_path / 'out'
    options = ('--out', out, '--workers', 1, '--shard-frames', 2)
    status, said, _ = segformer('label', bag, *options)
    assert (status, said.partition(' in ')[0]) == (
        0, '1 inputs with 6 frames are done, 6 of them now'
    )  # fmt: skip
    segformer('run', bag, '--out', tmp_path / 'alone', '--no-overlay')
    assert bag_of(out / 'results' / 'bag') == bag_of(tmp_path / 'alone')


def test_frames_are_counted_as_they_were_read(segformer, tmp_path):
    """Not as the header of a video estimates them: here 13 and none."""
    (tmp_path / 'night').mkdir()
    write_video(tmp_path / 'night' / 'many.flv', 11)
    write_video(tmp_path / 'night' / 'none.h264', 11)
    options = ('--out', tmp_path / 'out', '--workers', 1, '--shard-frames', 5)
    status, said, _ = segformer('label', tmp_path / 'night', *options)
    assert (status, said.partition(' in ')[0]) == (
        0, '2 inputs with 22 frames are done, 22 of them now'
    )  # fmt: skip
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert (report['frames_now'], report['workers'][0]['frames']) == (22, 22)


def test_other_options_on_the_same_folder_are_refused(segformer, tmp_path):
    """Nothing is overwritten; how the work is cut and shared is no such option."""
    folder, out = write_images(tmp_path / 'night', 2), tmp_path / 'out'
    assert segformer('label', folder, '--out', out, '--workers', 1)[0] == 0
    before = files_of(out)
    status, _, error = segformer('label', folder, '--out', out, '--camera-fov', 70)
    assert status == 1
    assert 'holds the output of another run (camera_fov_deg was 0.0, now 70.0)' in error
    assert files_of(out) == before
    status, said, error = segformer('label', folder, '--out', out, '--shard-frames', 1)
    assert (status, error) == (0, '')
    assert '0 of them now' in said


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--workers', '-1'], '--workers must be at least 0, not -1'),
        (['--topic', '/a'], '--topic applies to bags; none of the inputs is a bag'),
        (['--bag-format', 'mcap'], '--bag-format applies to bags; none of the inputs is a bag'),
        (['--ros-distro', 'jazzy'], '--ros-distro applies to bags; none of the inputs is a bag'),
        (['--only', 'segmentation', '--max-depth', '9'], '--max-depth is of depth'),
        (['--min-depth', '9', '--max-depth', '1'], 'expected min_depth_m < max_depth_m'),
        (['--backend', 'absent'], 'absent'),
        (['--depth-confidence'], 'expected a network with a confidence of depth'),
        (['--min-depth-confidence', '0.5'], 'expected a network with a confidence of depth'),
        (
            ['--depth-confidence', '--format', 'dataset'],
            '--depth-confidence applies to --format run',
        ),
    ],
)
def test_arguments_without_sense_are_one_sentence(segformer, tmp_path, arguments, words):
    """Before anything is written."""
    folder = write_images(tmp_path / 'night', 1)
    status, _, error = segformer('label', folder, '--out', tmp_path / 'out', *arguments)
    assert status == 1
    assert words in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('out', 'words'),
    [
        ('', 'expected a folder or an address for --out, found an empty text'),
        ('s3://', 'expected an address such as s3://BUCKET/FOLDER for --out, found s3://'),
    ],
)
def test_an_out_that_is_no_place_is_refused(segformer, tmp_path, monkeypatch, out, words):
    """An empty one is not the current folder."""
    folder = write_images(tmp_path / 'night', 1)
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    status, _, error = segformer('label', folder, '--out', out)
    assert (status, error) == (1, f'segformer: error: {words}\n')
    assert not list((tmp_path / 'here').iterdir())


def test_depth_confidence_is_that_of_run(tmp_path, capsys):
    """Bit for bit, and unsure depths are unknown; in a training set they are not stored."""
    folder = write_images(tmp_path / 'night', 2)
    network = make_tiny_bundle(tmp_path / 'sure', scale=True)
    more = ('--model', str(network), '--depth-confidence', '--min-depth-confidence', '0.53')
    out, alone = tmp_path / 'out', tmp_path / 'alone'
    label = ['label', str(folder), '--workers', '1', '--out']
    assert cli.main([*label, str(out), *more]) == 0, capsys.readouterr().err
    assert cli.main(['run', str(folder), '--out', str(alone), '--no-overlay', *more]) == 0
    made = out / 'results' / 'night'
    assert len(list((made / 'depth_confidence').iterdir())) == 2
    assert files_of(made) == files_of(alone)
    name = min(path.name for path in (made / 'depth').iterdir())
    depth, certain = (
        decode_stored((made / kind / name).read_bytes()) for kind in ('depth', 'depth_confidence')
    )
    assert 0 < np.count_nonzero(depth) < depth.size
    assert not depth[certain < 255 * 0.53].any()

    few = ('--model', str(network), '--min-depth-confidence', '0.53', '--format', 'dataset')
    assert cli.main([*label, str(tmp_path / 'set'), *few]) == 0, capsys.readouterr().err
    stored = min((tmp_path / 'set' / 'dataset' / 'depth').rglob('*.png'))
    np.testing.assert_array_equal(decode_stored(stored.read_bytes()), depth)


def test_a_failed_input_makes_the_command_fail_after_the_others_are_done(segformer, tmp_path):
    """It is named with its reason."""
    folder = write_images(tmp_path / 'night', 1)
    (tmp_path / 'night' / 'a.mcap').write_bytes(b'no bag')
    out = tmp_path / 'out'
    status, said, error = segformer('label', folder, '--out', out, '--workers', 1)
    assert status == 1
    assert '1 inputs with 1 frames are done' in said
    assert '1 of 2 inputs failed, the first is' in error
    assert 'damaged or of another kind' in error
    page = (out / 'report.html').read_text()
    rows = list(csv.DictReader((out / 'inputs.csv').read_text().splitlines()))
    for row in rows:
        # The reason stands behind it, and has to be in sight.
        assert row['sha256'][:12] in page
        assert not row['sha256'] or row['sha256'] not in page
        assert Path(row['input']).name in page


def wait_for(condition, what):
    """Wait until something is so."""
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, f'no {what} after four minutes'
        time.sleep(0.01)


def workers_of(process):
    """Return the processes that a driver has started to work."""
    found = []
    for number in Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split():
        command = Path(f'/proc/{number}/cmdline').read_bytes().replace(b'\0', b' ')
        if b'spawn_main' in command:
            found.append(int(number))
    return found


def parts_in(out):
    """List the shards that are done, and whose input is not."""
    folder = out / 'parts'
    return [item for item in folder.iterdir() if item.name[0] != '.'] if folder.is_dir() else []


@pytest.mark.slow
def test_killed_workers_and_drivers_lose_nothing(model, segformer, tmp_path):
    """A worker, then the driver, by kill -9; results are those of a run that nobody disturbed."""
    folder, out = write_images(tmp_path / 'night', 60), tmp_path / 'out'
    first = begin(model, folder, out, '--shard-frames', '3', '--workers', '2')
    wait_for(lambda: parts_in(out), 'part')
    victim = workers_of(first)[0]
    os.kill(victim, signal.SIGKILL)
    count = len(parts_in(out))
    wait_for(lambda: len(parts_in(out)) > count + 1, 'part after the death of a worker')
    survivors = workers_of(first)
    first.kill()
    first.communicate()
    assert len(parts_in(out)) < 20, 'the driver had ended before it was killed'
    wait_for(lambda: not any(Path(f'/proc/{pid}').exists() for pid in survivors), 'end of workers')
    done = {item.name: item.stat().st_mtime_ns for item in parts_in(out)}
    second = begin(model, folder, out, '--workers', '1')
    said, error = second.communicate(timeout=300)
    assert second.returncode == 0, error
    now = int(said.split(' frames are done, ')[1].split()[0])
    assert now == 60 - 3 * len(done)
    segformer('run', folder, '--out', tmp_path / 'alone', '--no-overlay')
    assert files_of(out / 'results' / 'night') == files_of(tmp_path / 'alone')


@pytest.mark.slow
def test_an_interrupt_ends_the_driver_and_its_workers(model, tmp_path):
    """With a report of what is done, no traceback and the status of the signal."""
    folder, out = write_images(tmp_path / 'night', 60), tmp_path / 'out'
    process = begin(model, folder, out, '--shard-frames', '3', '--workers', '1')
    # The second one is begun when the driver has noted the first.
    wait_for(lambda: len(parts_in(out)) >= 2, 'second part')
    workers = workers_of(process)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 143
    assert 'Traceback' not in error
    wait_for(lambda: not any(Path(f'/proc/{pid}').exists() for pid in workers), 'end of workers')
    report = json.loads((out / 'report.json').read_text())
    assert report['finished'] is False
    assert report['shards']['done'] >= 1


def test_a_bundle_of_two_networks_labels_too(tmp_path, recordings, capsys):
    """The backend that is chosen holds for both networks; what `run` alone can do is refused."""
    labels = make_tiny_bundle(tmp_path / 'first')
    depth = make_tiny_bundle(tmp_path / 'second', sizes=((32, 96),), activation='metric')
    pair = tmp_path / 'pair'
    assert cli.main(['export', str(labels), str(depth), str(pair)]) == 0
    out = tmp_path / 'out'
    arguments = ['label', str(recordings / 'bag'), '--out', str(out), '--model', str(pair)]
    assert cli.main(arguments) == 0, capsys.readouterr().err
    assert bag_of(out / 'results' / 'bag')

    assert cli.main([*arguments, '--scale-by', 'camera_height=1.5']) == 2
    assert '--scale-by' in capsys.readouterr().err
