# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs in a store that speaks S3: written there, read back, and refused in one sentence."""

import json

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
