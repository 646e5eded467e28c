# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page of the viewer: who reaches it, how it ends, and what a real browser shows of it."""

import os
from pathlib import Path
import signal
import socket
import subprocess
import urllib.request

import chromium
import numpy as np
import pytest
from segformer_ros import interrupts
from segformer_ros.labels import CARLA_0914
from segformer_ros.viewer import session
from segformer_ros.viewer.scene import Scene, SceneOptions, ViewFrame
from segformer_ros.viewer.sdk import ViewerError
from segformer_ros.viewer.server import Server

pytest.importorskip('rerun', reason='rerun-sdk is not installed (it needs Python 3.11)')


def listeners(port):
    """Return the addresses that a TCP port is listened on, as Linux has them."""
    found = set()
    for name in ('tcp', 'tcp6'):
        for line in Path(f'/proc/net/{name}').read_text().splitlines()[1:]:
            fields = line.split()
            address, number = fields[1].split(':')
            if fields[3] == '0A' and int(number, 16) == port:
                found.add(address)
    return found


def ports(server):
    """Return those of the page and of the data."""
    return server._page_port, server._data_port


def test_the_server_listens_on_loopback_only():
    """Both ports are those of 127.0.0.1; the page is served from the wheel."""
    with Server() as server:
        assert server.page.startswith('http://127.0.0.1:')
        for port in ports(server):
            assert listeners(port) == {'0100007F'}
        with urllib.request.urlopen(server.page) as reply:
            assert b'<html' in reply.read()
    assert not any(map(listeners, ports(server)))


def test_a_signal_while_it_starts_leaves_nothing_running(monkeypatch):
    """Neither one before it is known to us nor one after that."""
    born = []

    class Slow(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            born.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr('segformer_ros.viewer.server.subprocess.Popen', Slow)
    with interrupts.handled(None), pytest.raises(KeyboardInterrupt), Server():
        pytest.fail('a signal had come')
    assert [process.poll() is None for process in born] == [False]


def test_a_port_in_use_is_left_to_its_owner():
    """The next one is anybody's guess, and in the address that is printed."""
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        taken = other.getsockname()[1]
        server = Server(port=taken)
        assert taken not in ports(server)
        assert f':{ports(server)[0]}/' in server.page


def test_two_servers_that_are_begun_at_once_have_ports_of_their_own():
    """Before the first one listens, and so for two processes too."""
    first, second = Server(), Server()
    assert not set(ports(first)) & set(ports(second))
    first._release()
    second._release()


@pytest.mark.parametrize('address', ['192.0.2.1', 'localhost.invalid', ''])
def test_an_address_of_another_computer_is_refused(address):
    """In one sentence."""
    with pytest.raises(ViewerError, match='expected an IP address of this computer'):
        Server(address)


def test_a_server_that_dies_is_an_error():
    """It says so when it is looked after."""
    with Server() as server:
        server.check()
        os.kill(server._process.pid, signal.SIGKILL)
        server._process.wait()
        with pytest.raises(ViewerError, match='has ended with exit code -9'):
            server.check()


def has_colors(*colors):
    """Look for colours that each fill at least 2000 pixels."""

    def found(picture):
        return all((picture == color).all(axis=-1).sum() > 2000 for color in colors)

    return found


@pytest.mark.slow
@pytest.mark.skipif(chromium.PROGRAM is None, reason='Chromium is not installed')
def test_a_browser_shows_the_scene(tmp_path):
    """Labels have their colours, depth and its confidence theirs; the console has no error."""
    labels = np.full((60, 120), 11, np.uint8)
    labels[30:] = 1
    depth = np.full((60, 120), np.nan, np.float32)
    depth[30:] = 2.0
    certain = np.full((60, 120), 77, np.uint8)
    image = np.full((60, 120, 3), (10, 200, 30), np.uint8)
    sky, road = CARLA_0914.by_name('sky').color, CARLA_0914.by_name('road').color
    with Server() as server, session.served(server) as recording:
        scene = Scene(recording, (), SceneOptions(palette='carla'))
        for _ in range(2):  # Live, they come later, and again when the node restarts.
            scene.set_classes(CARLA_0914.classes)
        for at in range(3):
            stamp_ns = 10**18 + at * 10**8
            scene.log(ViewFrame(stamp_ns, image, labels, depth, depth_confidence=certain))
        recording.flush()
        page = chromium.Page(server.page, tmp_path / 'profile')
        colors = (sky, road, (128, 128, 128), (77, 77, 77))
        shown, picture = page.shows(has_colors(*colors), 300.0)
    assert shown, f'{len(np.unique(picture.reshape(-1, 3), axis=0))} colours on the page'
    assert not [text for text in page.said if not chromium.is_of_the_network(text)]


@pytest.mark.slow
@pytest.mark.skipif(chromium.PROGRAM is None, reason='Chromium is not installed')
def test_a_browser_shows_several_cameras_next_to_each_other(tmp_path):
    """Each has a column with its own labels, and the page has a tab for each."""
    image = np.full((60, 120, 3), (10, 200, 30), np.uint8)
    names = {'front': 'road', 'left': 'sky', 'right': 'building'}
    ids = {name: CARLA_0914.by_name(item).id for name, item in names.items()}
    colors = [CARLA_0914.by_name(item).color for item in names.values()]
    with Server() as server, session.served(server) as recording:
        options = SceneOptions(palette='carla', cameras=tuple(names))
        scene = Scene(recording, CARLA_0914.classes, options)
        for at in range(3):
            for name, class_id in ids.items():
                labels = np.full((60, 120), class_id, np.uint8)
                depth = np.full((60, 120), 2.0, np.float32)
                scene.log(ViewFrame(10**18 + at * 10**8, image, labels, depth, camera=name))
        recording.flush()
        page = chromium.Page(server.page, tmp_path / 'profile')
        shown, picture = page.shows(has_colors(*colors), 300.0)
    assert shown, f'{len(np.unique(picture.reshape(-1, 3), axis=0))} colours on the page'
    # The columns are in the order of the names; the legend has some pixels of each colour.
    middles = [np.median(np.nonzero((picture == color).all(axis=-1))[1]) for color in colors]
    assert middles == sorted(middles)


def test_the_wrapper_in_python_is_not_what_runs():
    """A signal to it would leave the server running."""
    with Server() as server:
        program = os.readlink(f'/proc/{server._process.pid}/exe')
    assert Path(program).name == 'rerun'
    subprocess.run([program, '--version'], check=True, capture_output=True)
