# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The output folder of a run."""

import json

import pytest
from segformer_ros import run_folder
from segformer_ros.run_folder import RunFolderError


def test_a_new_folder_is_made_and_remembers_its_settings(tmp_path):
    """Parents are made too."""
    folder = tmp_path / 'a' / 'b'
    run_folder.claim(folder, {'model': 'x'})
    assert json.loads((folder / 'run.json').read_text()) == {'model': 'x'}


def test_the_same_settings_continue(tmp_path):
    """What is there stays there."""
    run_folder.claim(tmp_path, {'model': 'x'})
    (tmp_path / 'done.png').write_bytes(b'1')
    run_folder.claim(tmp_path, {'model': 'x'})
    assert (tmp_path / 'done.png').read_bytes() == b'1'


def test_other_settings_are_refused(tmp_path):
    """The sentence says what differs."""
    run_folder.claim(tmp_path, {'model': 'x', 'size': 1})
    with pytest.raises(RunFolderError, match=r"model was 'x', now 'y'.*choose another folder"):
        run_folder.claim(tmp_path, {'model': 'y', 'size': 1})
    with pytest.raises(RunFolderError, match='size was 1, now None'):
        run_folder.claim(tmp_path, {'model': 'x'})


def test_foreign_files_are_refused_and_stay(tmp_path):
    """Nobody's photographs are overwritten."""
    (tmp_path / 'holiday.jpg').write_bytes(b'1')
    with pytest.raises(RunFolderError, match='files of another program'):
        run_folder.claim(tmp_path, {})
    assert [item.name for item in tmp_path.iterdir()] == ['holiday.jpg']


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    """As is a run.json that is none."""
    file = tmp_path / 'out'
    file.write_bytes(b'')
    with pytest.raises(RunFolderError, match='is a file'):
        run_folder.claim(file, {})
    (tmp_path / 'run.json').write_text('[]')
    with pytest.raises(RunFolderError, match='JSON object'):
        run_folder.claim(tmp_path, {})
    (tmp_path / 'run.json').write_text('{')
    with pytest.raises(RunFolderError, match='expected JSON'):
        run_folder.claim(tmp_path, {})


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """A file is whole or absent; nothing temporary stays behind."""
    path = tmp_path / 'x.json'
    run_folder.write_bytes(path, b'old')
    with pytest.raises(TypeError):
        run_folder.write_bytes(path, None)
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_the_report_counts_frames_and_time(tmp_path):
    """Rates are those of the frames of this run."""
    report = run_folder.Report()
    report.done, report.reused = 2, 3
    report.add('network', 0.5)
    report.add('network', 0.25)
    with report.timed('write'):
        pass
    report.fail('x.png', ValueError('two\nlines'))
    report.facts['model'] = 'm'
    assert run_folder.finished_report(tmp_path) is None
    report.write(tmp_path)
    assert run_folder.finished_report(tmp_path) is None
    report.finished = True
    report.write(tmp_path)

    found = run_folder.finished_report(tmp_path)
    assert found['frames'] == {'total': 6, 'done': 2, 'reused': 3, 'failed': 1}
    assert found['seconds']['network'] == 0.75
    assert found['ms_per_frame']['network'] == 375.0
    assert found['failed'] == [{'name': 'x.png', 'reason': 'two lines'}]
    assert found['model'] == 'm'
    assert found['frames_per_second'] > 0


def test_a_report_of_nothing_has_no_rates():
    """Not even a division by zero."""
    content = run_folder.Report().as_dict()
    assert content['frames_per_second'] is None
    assert content['ms_per_frame'] is None
