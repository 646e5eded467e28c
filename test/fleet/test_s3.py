# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs and results in a store that speaks S3, and what it refuses, in one sentence."""

import json
from urllib.request import Request, urlopen

import pytest

pytest.importorskip('s3fs', reason='s3:// needs s3fs: make test-fleet')
pytest.importorskip('moto', reason="the store is moto's: make test-fleet")

from moto.server import ThreadedMotoServer
from recordings_builder import write_images, write_video
import s3fs
from segformer_ros import cli

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore::DeprecationWarning'),
    pytest.mark.filterwarnings('ignore::ResourceWarning'),
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Put a folder of images and a video into a bucket."""
    running = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv('AWS_ENDPOINT_URL', f'http://{host}:{port}')
    monkeypatch.setenv('AWS_DEFAULT_REGION', 'us-east-1')
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'secret')
    # No credentials of the machine that the test runs on.
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    monkeypatch.setenv('AWS_SHARED_CREDENTIALS_FILE', str(tmp_path / 'none'))
    monkeypatch.setenv('AWS_CONFIG_FILE', str(tmp_path / 'none'))
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.makedirs('fleet', exist_ok=True)
    for path in write_images(tmp_path / 'day', 3).iterdir():
        files.put_file(str(path), f'fleet/night/day/{path.name}')
    files.put_file(str(write_video(tmp_path / 'a.mp4', 5)), 'fleet/night/a::b #1.mp4')
    yield files
    urlopen(Request(f'http://{host}:{port}/moto-api/reset', method='POST')).close()
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


def test_a_folder_of_a_store_is_labelled(store, model, tmp_path, capsys):
    """Every recording in it, also one whose name has the sign of a chain; copies go away."""
    out = tmp_path / 'out'
    words = ['label', 's3://fleet/night/', '--out', str(out), '--model', str(model)]
    assert cli.main([*words, '--workers', '1']) == 0, capsys.readouterr().err
    report = json.loads((out / 'report.json').read_text())
    assert report['inputs'] == {'done': 2}
    assert report['frames'] == {'total': 8, 'done': 8, 'failed': 0}
    assert list((out / 'inputs').iterdir()) == []
    store.rm_file('fleet/night/day/002.png')
    capsys.readouterr()
    assert cli.main([*words, '--workers', '1']) == 0, capsys.readouterr().err
    assert '2 of them now' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('missing', 'address', 'words'),
    [
        ('AWS_ACCESS_KEY_ID', 's3://fleet/night/', 'cannot be read: Unable to locate credentials'),
        ('', 's3://fleet/absent.mp4', 'found nothing'),
        ('', 's3://absent/night/', 'found nothing'),
    ],
)
def test_what_a_store_refuses_is_one_sentence(
    store, model, tmp_path, capsys, monkeypatch, missing, address, words
):
    """Before anything is written."""
    if missing:
        monkeypatch.delenv(missing)
        monkeypatch.delenv('AWS_SECRET_ACCESS_KEY')
        s3fs.S3FileSystem.clear_instance_cache()
    out = tmp_path / 'out'
    assert cli.main(['label', address, '--out', str(out), '--model', str(model)]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert address in error
    assert words in error
    assert not out.exists()


def results_in(store, address):
    """Return the files below an address, with their content."""
    store.invalidate_cache()
    return {name.removeprefix(f'{address}/'): store.cat_file(name) for name in store.find(address)}


def test_results_go_to_a_store_as_they_are_here(store, model, tmp_path, capsys):
    """Whole inputs with their report, which is last; what was sent is removed here."""
    words = ['label', 's3://fleet/night/', '--model', str(model), '--workers', '1']
    here, work = tmp_path / 'here', tmp_path / 'work'
    assert cli.main([*words, '--out', str(here)]) == 0, capsys.readouterr().err
    sent = [*words, '--out', 's3://fleet/out', '--work', str(work)]
    assert cli.main(sent) == 0, capsys.readouterr().err
    assert '8 of them now' in capsys.readouterr().out
    found = results_in(store, 'fleet/out')
    for path in (here / 'results').rglob('*'):
        if path.is_file() and path.name != 'report.json':
            assert found[path.relative_to(here).as_posix()] == path.read_bytes(), path
    assert 'results/day/report.json' in found
    assert {'inputs.csv', 'report.json', 'label.json'} <= found.keys()
    assert not (work / 'results' / 'day' / 'label').exists()
    assert cli.main(sent) == 0
    assert '0 of them now' in capsys.readouterr().out
    assert results_in(store, 'fleet/out').keys() == found.keys()


def test_an_address_belongs_to_one_labelling(store, model, tmp_path, capsys):
    """Of another folder, machine or driver nothing is overwritten, also at the same time."""
    words = ['label', 's3://fleet/night/day/000.png', '--model', str(model), '--workers', '1']
    sent = [*words, '--out', 's3://fleet/out', '--work']
    assert cli.main([*sent, str(tmp_path / 'one')]) == 0, capsys.readouterr().err
    before = results_in(store, 'fleet/out')
    capsys.readouterr()
    assert cli.main([*sent, str(tmp_path / 'two')]) == 1
    error = capsys.readouterr().err
    assert 's3://fleet/out has results of another labelling, whose state is in' in error
    assert str(tmp_path / 'one') in error
    assert results_in(store, 'fleet/out') == before
    other = [*words, '--out', 's3://fleet/other', '--work', str(tmp_path / 'one')]
    assert cli.main(other) == 1
    assert 'has the state of results in s3://fleet/out' in capsys.readouterr().err
    assert cli.main([*words, '--out', 's3://absent/out', '--work', str(tmp_path / 'new')]) == 1
    error = capsys.readouterr().err
    assert error.startswith('segformer: error: s3://absent/out cannot be written: ')
    assert len(error.splitlines()) == 1


def test_a_store_that_stops_taking_results_loses_none(store, model, tmp_path, capsys, monkeypatch):
    """The run ends with one sentence; the next start sends what is missing."""
    words = ['label', 's3://fleet/night/', '--model', str(model), '--workers', '1']
    words += ['--out', 's3://fleet/out', '--work', str(tmp_path / 'work')]
    put = s3fs.S3FileSystem._put_file

    async def refuse(self, here, there, **options):
        if here.endswith('report.json'):
            raise PermissionError('Access Denied')
        await put(self, here, there, **options)

    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, '_put_file', refuse)
        assert cli.main(words) == 1
    assert 's3://fleet/out cannot be written: Access Denied' in capsys.readouterr().err
    assert not any(name.endswith('report.json') for name in results_in(store, 'fleet/out'))
    assert cli.main(words) == 0, capsys.readouterr().err
    found = results_in(store, 'fleet/out')
    assert sum(name.endswith('/report.json') for name in found) == 2
    assert json.loads(found['report.json'])['frames']['done'] == 8


def test_a_training_set_in_a_store_is_replaced(store, model, tmp_path, capsys):
    """By another choice of the same frames, without files of the one before."""
    words = ['label', 's3://fleet/night/', '--model', str(model), '--workers', '1']
    words += ['--out', 's3://fleet/set', '--work', str(tmp_path / 'work'), '--format', 'dataset']
    assert cli.main(words) == 0, capsys.readouterr().err
    assert '8 samples -> s3://fleet/set/dataset' in capsys.readouterr().out
    assert len(store.find('fleet/set/dataset/images')) == 8
    assert cli.main([*words, '--select', 'novelty', '--samples', '3']) == 0
    found = results_in(store, 'fleet/set/dataset')
    assert sum(name.startswith('images/') for name in found) == 3
    made = tmp_path / 'work' / 'dataset'
    assert found == {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob('*')
        if path.is_file()
    }
