# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkout builds with plain colcon in each of its three ways, and what it installs runs."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 300
WAIT_UNTIL_ACTIVE = Path(__file__).parent / 'wait_until_active.py'
SHOW_MESSAGES = """
from segformer_ros.msg import FrameStats
from rclpy.serialization import deserialize_message, serialize_message
import segformer_ros.msg
message = FrameStats(camera='front', network_ms=12.5)
assert deserialize_message(serialize_message(message), FrameStats) == message
print(segformer_ros.__file__)
print(segformer_ros.msg.__file__)
"""


@pytest.fixture(scope='module')
def build_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for what cmake builds: the messages are compiled once."""
    return tmp_path_factory.mktemp('build')


@pytest.fixture(scope='module', params=['default', 'merge-install', 'symlink-install'])
def workspace(
    request: pytest.FixtureRequest, build_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Build the checkout, and install it into a new workspace."""
    path = tmp_path_factory.mktemp('workspace')
    command = [sys.executable, '-m', 'colcon', '--log-base', str(path / 'log'), 'build']
    command += ['--base-paths', str(ROOT), '--build-base', str(build_base)]
    command += ['--install-base', str(path / 'install'), '--cmake-force-configure']
    if request.param != 'default':
        command.append(f'--{request.param}')
    if request.param == 'symlink-install':
        # What is compiled stays; a link cannot replace a folder of copies.
        shutil.rmtree(build_base / 'segformer_ros' / 'ament_cmake_python', ignore_errors=True)
    # Ninja and cmake as they are in the virtual environment; colcon would wait for a calm machine.
    environment = os.environ | {
        'CMAKE_GENERATOR': 'Ninja',
        'PATH': os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]),
    }
    if request.param == 'merge-install' and (Path(sys.prefix) / 'share' / 'ament_cmake').is_dir():
        # A shell that has sourced a workspace: AMENT_PREFIX_PATH names that, and not the wheels.
        environment['AMENT_PREFIX_PATH'] = str(path / 'sourced')
    done = subprocess.run(
        command, cwd=path, env=environment, capture_output=True, text=True, timeout=5 * DEADLINE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def prefix(workspace: Path) -> Path:
    """Find the directory the package was installed to."""
    merged = workspace / 'install' / 'share' / 'segformer_ros'
    return workspace / 'install' if merged.is_dir() else workspace / 'install' / 'segformer_ros'


def command_in(workspace: Path, *command: str | Path) -> list[str]:
    """Return the command line that sources the workspace, as a user does, and runs the command."""
    script = f'. {workspace}/install/local_setup.bash && exec "$@"'
    return ['bash', '-c', script, 'bash', *(str(word) for word in command)]


@pytest.mark.slow
def test_workspace_has_everything(workspace: Path):
    """Programs, launch files, configuration, networks and messages are installed and work."""
    installed = prefix(workspace)

    done = subprocess.run(
        command_in(workspace, sys.executable, '-c', SHOW_MESSAGES),
        cwd=workspace, capture_output=True, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    package, messages = (Path(line).parent for line in done.stdout.splitlines())
    assert package.is_relative_to(installed)
    assert messages.is_relative_to(installed)

    for folder in ('launch', 'config'):
        for source in (path for path in (ROOT / folder).rglob('*.*') if path.suffix != '.pyc'):
            target = installed / 'share' / 'segformer_ros' / source.relative_to(ROOT)
            assert target.read_bytes() == source.read_bytes()
    for source in (ROOT / 'scripts').iterdir():
        assert os.access(installed / 'lib' / 'segformer_ros' / source.name, os.X_OK)
    for source in (ROOT / 'segformer_ros').rglob('*.py'):
        assert (package / source.relative_to(ROOT / 'segformer_ros')).is_file()
    for source in (ROOT / 'segformer_ros' / 'models').rglob('*.*'):
        assert (package / source.relative_to(ROOT / 'segformer_ros')).is_file()


@pytest.mark.slow
def test_installed_node_becomes_active(workspace: Path):
    """The installed program finds its network, configures and activates itself, and ends."""
    if workspace.name != 'workspace0':
        pytest.skip('started once, from the default build: the other two install the same files')
    namespace = f'/{workspace.name}_{os.getpid()}'
    program = prefix(workspace) / 'lib' / 'segformer_ros' / 'segformer_node'
    arguments = ['--ros-args', '-r', f'__ns:={namespace}', '-r', '__node:=segformer']
    with subprocess.Popen(
        command_in(workspace, program, *arguments), stderr=subprocess.PIPE, text=True
    ) as node:
        try:
            asked = subprocess.run(
                command_in(workspace, sys.executable, WAIT_UNTIL_ACTIVE, f'{namespace}/segformer'),
                cwd=workspace, capture_output=True, text=True, timeout=DEADLINE_S,
            )  # fmt: skip
            node.send_signal(signal.SIGINT)
            _, log = node.communicate(timeout=DEADLINE_S)
        finally:
            node.kill()
    assert asked.returncode == 0, asked.stderr + log
    assert node.returncode == 0, log
