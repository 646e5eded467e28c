# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs at addresses: what servers and stores say is passed on, and copies are whole."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading
from typing import ClassVar
from urllib.parse import unquote

from bag_builder import drive, write_bag
import pytest
from recordings_builder import write_images, write_video
from segformer_ros import cli
from segformer_ros.fleet import remote
from segformer_ros.fleet.delivery import Delivery
from segformer_ros.fleet.inputs import BAG, IMAGES, VIDEO


class Server(BaseHTTPRequestHandler):
    """Serves files by name, without ranges; some names are refused or end early."""

    files: ClassVar[dict[str, bytes]] = {}

    def do_HEAD(self):
        """Send the size of a file."""
        self.answer(body=False)

    def do_GET(self):
        """Send a file."""
        self.answer(body=True)

    def answer(self, *, body):
        """Answer as the name asks for."""
        name = unquote(self.path).lstrip('/')
        code = {'refused.mp4': 403, 'busy.mp4': 503}.get(name, 200 if name in self.files else 404)
        self.send_response(code)
        content = self.files.get(name, b'')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[: len(content) // 2] if 'cut' in name else content)

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture
def server(tmp_path):
    """Serve a video under several names."""
    video = write_video(tmp_path / 'a.mp4', 5).read_bytes()
    Server.files = {'a.mp4': video, 'night #1.mp4': video, 'cut.mp4': video}
    running = ThreadingHTTPServer(('127.0.0.1', 0), Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{running.server_port}'
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('absent.mp4', 'the server says 404 '),
        ('refused.mp4', 'the server says 403 '),
        ('busy.mp4', 'the server says 503 '),
    ],
)
def test_a_server_that_refuses_is_one_sentence(server, tmp_path, model, capsys, name, words):
    """Also where the file may be there: fsspec would call it missing."""
    out = tmp_path / 'out'
    status = cli.main(['label', f'{server}/{name}', '--out', str(out), '--model', str(model)])
    error = capsys.readouterr().err
    assert status == 1
    assert error == f'segformer: error: {server}/{name}: {words}' + error.split(words)[1]
    assert not out.exists()


def test_a_server_that_ends_early_leaves_nothing(server, tmp_path):
    """A half is no recording."""
    (item,) = remote.find(f'{server}/cut.mp4', tmp_path)
    with pytest.raises(remote.RemoteError, match='the server ended early'):
        remote.fetch(item)
    assert not any(path.is_file() for path in (tmp_path / remote.CACHE).rglob('*'))


def test_a_name_with_a_number_sign_is_that_file(server, tmp_path):
    """It is no fragment."""
    (item,) = remote.find(f'{server}/night #1.mp4', tmp_path)
    assert (item.kind, item.path.name) == (VIDEO, 'night #1.mp4')
    remote.fetch(item)
    assert item.path.read_bytes() == Server.files['a.mp4']
    remote.drop(item)
    assert not item.path.parent.exists()


def test_an_address_is_labelled_as_its_file(server, tmp_path, model, capsys):
    """Once; the copy is gone afterwards, and the report names the address."""
    out = tmp_path / 'out'
    words = [
        'label',
        f'{server}/a.mp4',
        '--out',
        str(out),
        '--model',
        str(model),
        '--workers',
        '1',
    ]
    assert cli.main(words) == 0, capsys.readouterr().err
    assert len(list((out / 'results' / 'a.mp4' / 'label').iterdir())) == 5
    assert list((out / remote.CACHE).iterdir()) == []
    assert f'{server}/a.mp4,video,done' in (out / 'inputs.csv').read_text()
    assert cli.main(words) == 0
    assert '0 of them now' in capsys.readouterr().out


def test_copies_of_the_same_content_go_away(server, tmp_path, model, capsys):
    """Nothing is computed of the second one, so that nothing else would remove it."""
    out = tmp_path / 'out'
    words = ['label', f'{server}/a.mp4', f'{server}/night #1.mp4', '--out', str(out)]
    assert cli.main([*words, '--model', str(model), '--workers', '1']) == 0
    assert '1 inputs have the content of another one' in capsys.readouterr().out
    assert list((out / remote.CACHE).iterdir()) == []


def test_a_store_has_bags_videos_and_images(tmp_path):
    """A folder with metadata.yaml is one bag; images of a folder are one input."""
    fsspec = pytest.importorskip('fsspec', reason='stores need fsspec')
    memory = fsspec.filesystem('memory')
    bag = write_bag(tmp_path / 'bag', drive(1))
    images = write_images(tmp_path / 'stills', 2)
    for path in [*bag.iterdir(), *images.iterdir()]:
        memory.pipe_file(f'/night/{path.parent.name}/{path.name}', path.read_bytes())
    memory.pipe_file('/night/a[0].mp4', b'video')
    found = list(remote.find('memory://night', tmp_path / 'out'))
    assert sorted(item.kind for item in found) == [BAG, IMAGES, VIDEO]
    for item in found:
        remote.fetch(item)
    by_kind = {item.kind: item.path for item in found}
    assert sorted(i.name for i in by_kind[BAG].iterdir()) == sorted(i.name for i in bag.iterdir())
    assert len(list(by_kind[IMAGES].iterdir())) == 2
    assert by_kind[VIDEO].read_bytes() == b'video'
    (single,) = remote.find('memory://night/a[0].mp4', tmp_path / 'out')
    assert [single] == list(remote.find('memory://night/a[0].mp4', tmp_path / 'out'))
    memory.pipe_file('/night/a[0].mp4', b'another')
    (changed,) = remote.find('memory://night/a[0].mp4', tmp_path / 'out')
    assert changed.path != single.path
    memory.rm('/night', recursive=True)


@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_an_address_belongs_to_one_folder_whatever_the_store_heeds(tmp_path, monkeypatch):
    """Also in one that writes what it should only create, as a stand-in for gs:// does."""
    memory = pytest.importorskip('fsspec.implementations.memory').MemoryFileSystem
    write = memory.pipe_file

    def overwrite(system, path, value, **_):
        write(system, path, value)

    monkeypatch.setattr(memory, 'pipe_file', overwrite)
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
    for _ in range(2):
        Delivery(tmp_path / 'a', 'memory://owned').claim()
    with pytest.raises(remote.RemoteError, match='of another labelling, whose state is in'):
        Delivery(tmp_path / 'b', 'memory://owned').claim()
    memory().rm('/owned', recursive=True)


def test_hidden_files_of_a_store_are_no_inputs(tmp_path):
    """As in folders: thumbnails, and what macOS puts next to each file; named, they are."""
    fsspec = pytest.importorskip('fsspec')
    system = fsspec.filesystem('memory')
    for name in ('a.mp4', '._a.mp4', '.thumbnails/b.jpg', 'c/.d/e.mp4', 'c/f.mp4'):
        system.pipe(f'/shown/{name}', name.encode())

    def names(url):
        return [item.url.removeprefix('memory://shown/') for item in remote.find(url, tmp_path)]

    assert names('memory://shown') == ['a.mp4', 'c/f.mp4']
    assert names('memory://shown/c/*') == ['c/f.mp4']
    assert names('memory://shown/c/.d') == ['c/.d/e.mp4']
    assert names('memory://shown/.thumbnails/b.jpg') == ['.thumbnails']
    system.rm('/shown', recursive=True)


@pytest.mark.parametrize(
    ('url', 'words'),
    [
        ('memory://nothing', 'expected a file or a folder at memory://nothing, found nothing'),
        ('http://127.0.0.1:1/a.mp4', 'cannot be reached: '),
        ('unheard://a', 'unheard://a cannot be read: '),
        ('ftp://127.0.0.1:1/a.mp4', 'ftp://127.0.0.1:1/a.mp4 cannot be read: '),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(tmp_path, url, words):
    """It names the address and the reason."""
    with pytest.raises(remote.RemoteError) as caught:
        list(remote.find(url, tmp_path))
    assert words in str(caught.value)


def test_a_whole_copy_of_a_worker_that_died_is_taken(server, tmp_path):
    """It was killed between the last byte and the name."""
    (item,) = remote.find(f'{server}/a.mp4', tmp_path)
    left = item.path.with_name(f'.{item.path.name}.part')
    left.mkdir(parents=True)
    (left / item.path.name).write_bytes(Server.files['a.mp4'])
    Server.files.clear()

    remote.fetch(item)
    assert item.path.is_file()
    assert not left.exists()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--out', 'memory://labels'], '--out memory://labels needs --work DIR'),
        (['--out', 'https://host/labels'], 'expected a folder, s3:// or gs:// for --out'),
        (['--out', 'unheard://a', '--work', 'work'], 'unheard://a cannot be read: '),
        (['--out', 'labels', '--work', 'work'], '--work applies to --out with an address'),
        (
            ['memory://night/', '--out', 'memory://night/labels', '--work', 'work'],
            'memory://night/labels lies in memory://night/: results would become input',
        ),
    ],
)
def test_where_results_cannot_go_is_one_sentence(
    model, tmp_path, monkeypatch, capsys, arguments, words
):
    """Before anything is written or made."""
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / 'day', 1)
    assert cli.main(['label', 'day', *arguments, '--model', str(model)]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    assert [item.name for item in tmp_path.iterdir()] == ['day']


def test_the_folder_of_a_stores_state_is_no_folder_of_results(model, tmp_path, capsys):
    """They are in the store: here an input would seem done that is not there."""
    run = ['label', str(write_images(tmp_path / 'day', 1)), '--model', str(model)]
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'delivery.json').write_text('{}')
    assert cli.main([*run, '--out', str(tmp_path / 'work')]) == 1
    assert 'has the state of results in a store: name it with --work' in capsys.readouterr().err


def test_a_list_of_addresses_is_labelled(server, model, tmp_path, capsys):
    """Next to a folder of this machine."""
    write_images(tmp_path / 'day', 1)
    (tmp_path / 'todo.txt').write_text(f'{server}/a.mp4\nday\n')
    words = ['label', str(tmp_path / 'todo.txt'), '--out', str(tmp_path / 'out')]
    assert cli.main([*words, '--model', str(model), '--workers', '1']) == 0
    assert '2 inputs with 6 frames are done' in capsys.readouterr().out
