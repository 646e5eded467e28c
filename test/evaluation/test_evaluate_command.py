# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer evaluate MODEL DATA."""

import argparse
import json
from threading import current_thread, main_thread

import cv2
import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.commands import evaluate
from segformer_ros.commands.evaluate_options import add_options, names, numbers, pair
from segformer_ros.commands.truth_arguments import TRUTH_OPTIONS
from segformer_ros.datasets import checks, KINDS
from segformer_ros.evaluation.evaluated_classes import CLASSES_OF
from segformer_ros.evaluation.prediction import AVERAGES, RESIZES
from segformer_ros.evaluation.tables import number
from segformer_ros.inference.backend_choice import PRECISIONS
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.metrics import CROPS
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def bundle(tmp_path):
    """Return the path of a bundle that takes 32x64."""
    return str(make_tiny_bundle(tmp_path / 'tiny', sizes=((32, 64),)))


@pytest.fixture(autouse=True)
def reader(monkeypatch):
    """Add a kind of dataset."""
    monkeypatch.setitem(KINDS, 'stub', 'stub_reader')


def _run(capsys, *arguments):
    code = main(['evaluate', *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_bundle_is_measured_on_a_dataset(bundle, tmp_path, capsys):
    """Tables, and the same figures in files and as JSON."""
    report = tmp_path / 'report'
    code, out, err = _run(
        capsys, bundle, 'stub', '--backend', 'onnxruntime', '--report', str(report),
    )  # fmt: skip
    assert code == 0, err
    lines = out.splitlines()
    summary = json.loads((report / 'summary.json').read_text())
    assert summary['frames'] == 2
    assert summary['measured']['split'] == 'val'
    assert summary['iou'].keys() == {'building', 'road', 'vegetation', 'vehicle', 'sky'}
    cells = next(line.split() for line in lines if line.strip().startswith('AbsRel'))
    assert cells[1] == f'{summary["abs_rel"]:.4f}'
    assert (report / 'report.html').is_file()
    again = [bundle, 'stub', '--backend', 'onnxruntime', '--json', '--report', str(report)]
    code, out, err = _run(capsys, *again)
    assert (code, out) == (1, '')
    assert 'report has files: choose another, or replace them with --overwrite' in err
    code, out, err = _run(capsys, *again, '--overwrite')
    assert code == 0, err
    assert json.loads(out) == summary


def test_options_reach_reader_and_rules(bundle, capsys):
    """Split, options of the reader, inference, labels, depth."""
    code, out, err = _run(
        capsys, bundle, 'stub', '--split', 'test', '--option', 'count=5', '--max-frames', '3',
        '--backend', 'onnxruntime', '--window', '32x64', '--flip', '--rule', 'shift',
        '--crop', 'garg', '--bands', '5', '--ignore', 'sky', '--no-boundary', '--json',
    )  # fmt: skip
    assert code == 0, err
    summary = json.loads(out)
    assert summary['frames'] == 3
    assert summary['measured'] | {'model': '', 'computed by': ''} == {
        'model': '', 'computed by': '', 'data': 'stub', 'split': 'test', 'option count': '5',
    }  # fmt: skip
    assert summary['inference']['window'] == [32, 64]
    assert summary['inference']['flip'] is True
    assert 'sky' not in summary['iou']
    assert 'boundary_f' not in summary
    assert summary['depth_crop'] == 'garg'
    assert list(summary['depth_by_distance']) == ['0.5 to 5 m', '5 to 80 m']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['stub', '--window', '64x64'], 'takes inputs of 32x64, expected one for 64x64'),
        (['stub', '--split', 'train'], "has no split 'train', it has: val, test"),
        (['stub', '--resize', 'aligned'], "resize 'aligned' needs a scale"),
        (['stub', '--map', 'road'], 'expected --map DATA=NETWORK'),
        (['stub', '--max-frames', '0'], '--max-frames must be at least 1'),
        (['nowhere'], "'nowhere' is not a dataset: the kinds are"),
    ],
)
def test_mistakes_are_reported_in_one_line(bundle, capsys, arguments, message):
    """Expected, found, what to do."""
    code, _, err = _run(capsys, bundle, *arguments, '--backend', 'onnxruntime')
    assert code == 1
    assert message in err
    assert err.count('\n') == 1


def test_a_dataset_without_an_evaluated_pixel_is_an_error(bundle, tmp_path, capsys):
    """Every label unknown and every depth NaN: figures of nothing are no success."""
    for name in ('images', 'labels', 'depth'):
        (tmp_path / 'data' / name).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'data/images/a.png'), np.zeros((32, 64, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'data/labels/a.png'), np.full((32, 64), 255, np.uint8))
    np.save(tmp_path / 'data/depth/a.npy', np.full((32, 64), np.nan, np.float32))
    facts = 'label_set: carla_0914\nlabels: {stored: ids}\n'
    (tmp_path / 'data/classes.yaml').write_text(facts)
    code, out, err = _run(capsys, bundle, str(tmp_path / 'data'), '--split', 'all', '--json')
    assert (code, out) == (1, '')
    assert err.startswith('segformer: error: nothing to measure: no pixel of ')


def test_the_network_is_opened_before_the_data_are_read(monkeypatch, capsys):
    """Frames of the world take a minute the first time: a wrong name is reported before that."""
    read = []
    monkeypatch.setattr(checks, 'check_labels', read.append)
    assert main(['evaluate', 'nowhere', 'world']) == 1
    assert 'nowhere' in capsys.readouterr().err
    assert not read


def test_the_data_are_checked_where_a_signal_interrupts(bundle, monkeypatch):
    """That is the main thread: elsewhere Ctrl-C waits until the world is compiled."""
    threads = []
    monkeypatch.setattr(checks, 'check_labels', lambda data: threads.append(current_thread()))
    assert main(['evaluate', bundle, 'stub', '--backend', 'onnxruntime']) == 0
    assert threads == [main_thread()]


def test_the_graph_opens_next_to_the_first_look_at_the_data(bundle, monkeypatch):
    """In a thread of its own, done before the first image."""
    threads, prepare = [], Pipeline.prepare

    def remembered(pipeline):
        threads.append(current_thread())
        prepare(pipeline)

    monkeypatch.setattr(Pipeline, 'prepare', remembered)
    assert main(['evaluate', bundle, 'stub', '--backend', 'onnxruntime']) == 0
    assert [thread is main_thread() for thread in threads] == [False]


def test_frames_of_the_world_are_a_dataset_too(bundle, tmp_path, capsys):
    """With the tables and figures of any dataset, report or none."""
    arguments = [bundle, '--backend', 'onnxruntime', '--no-boundary', '--json']
    seeds = ['--seeds', '3-4', '--size', '32x64']
    report = tmp_path / 'report'
    code, out, err = _run(capsys, *arguments, *seeds, '--report', str(report))
    assert code == 0, err
    figures = json.loads(out)
    assert figures['measured']['option size'] == '32x64'
    assert figures == json.loads((report / 'summary.json').read_text())
    assert (report / 'report.html').is_file()
    code, out, err = _run(capsys, *arguments[:-1], *seeds)
    assert code == 0, err
    cells = [line.split() for line in out.splitlines()]
    assert next(row for row in cells if row[:1] == ['road'])[1] == number(figures['iou']['road'])
    options = ['--option', 'first_seed=3', '--option', 'frames=2', '--option', 'size=32x64']
    code, out, err = _run(capsys, *arguments[:1], 'world', *arguments[1:], *options)
    assert code == 0, err
    assert json.loads(out) | {'measured': 0} == figures | {'measured': 0}


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['world', '--seeds', '0-1'], '--seeds and --size choose frames of the built-in'),
        (['--split', 'val'], '--split and --option need DATA'),
    ],
)
def test_options_of_the_other_mode_are_refused(bundle, capsys, arguments, message):
    """What would be ignored is refused."""
    code, _, err = _run(capsys, bundle, *arguments)
    assert (code, message in err) == (1, True)


def test_options_without_effect_are_refused(bundle, tmp_path, capsys):
    """By name: of a drive those of a network, of a network those of a drive or of another kind."""
    checkpoint = tmp_path / 'a.safetensors'
    checkpoint.touch()
    for arguments, said in (
        (['--bag', 'drive', '--backend', 'openvino'], '--backend does not apply to --bag'),
        (['--bag', 'drive', '--max-depth', '40'], '--max-depth does not apply to --bag'),
        (['--bag', 'drive', '--ignore', 'sky'], '--ignore does not apply to --bag'),
        (['--bag', 'drive', '--max-frames', '3'], '--max-frames does not apply to --bag'),
        ([bundle, 'stub', '--namespace', '/front'], '--namespace applies to --bag'),
        ([bundle, 'stub', '--coding', 'native'], '--coding applies to --bag'),
        ([bundle, 'stub', '--device', 'cpu'], '--device applies to checkpoints'),
        ([bundle, 'stub', '--label-set', 'ade20k'], '--label-set applies to checkpoints'),
        ([str(checkpoint), 'stub', '--backend', 'openvino'], '--backend applies to bundles'),
        ([str(checkpoint), 'stub', '--threads', '2'], '--threads applies to bundles'),
    ):
        code, out, err = _run(capsys, *arguments)
        assert (code, out) == (1, '')
        assert err.startswith(f'segformer: error: {said}')
        assert err.endswith(': leave it out\n')


def test_every_option_is_of_a_network_or_of_a_drive():
    """A new one has to say whether it has an effect on a drive."""
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    both = {'--help', '--json', '--report', '--overwrite', '--bag', '--namespace', '--label-set'}
    options = {text for action in parser._actions for text in action.option_strings}
    known = {'-h', *both, *TRUTH_OPTIONS, *evaluate._NOT_OF_BAGS}
    assert options == known


def test_choices_are_those_of_the_library():
    """They are written twice so that --help imports nothing."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    choices = {action.dest: action.choices for action in parser._actions}
    assert choices['resize'] == RESIZES
    assert choices['average'] == AVERAGES
    assert choices['classes_of'] == CLASSES_OF
    assert choices['crop'] == CROPS
    assert choices['precision'] == PRECISIONS


def test_texts_are_read_as_numbers():
    """Pairs, lists of numbers, lists of names."""
    assert pair('512x1024') == (512, 1024)
    assert numbers('0.5,1') == (0.5, 1.0)
    assert names('road, sky') == ('road', 'sky')
    for read, text in ((pair, '512'), (pair, '0x4'), (numbers, 'one')):
        with pytest.raises(argparse.ArgumentTypeError, match='expected'):
            read(text)
