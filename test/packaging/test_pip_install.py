# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`pip install .` gives a working command and node, without torch and without the messages."""

from __future__ import annotations

from collections import defaultdict
import configparser
import email
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile

from packaging.requirements import Requirement
import pytest

ROOT = Path(__file__).parents[2]
# What setup.py reads. A copy is built, because setuptools writes beside the sources.
SOURCES = ('config', 'launch', 'msg', 'resource', 'scripts', 'segformer_ros')
FILES = ('package.xml', 'pyproject.toml', 'setup.py', 'LICENSE')
DEADLINE_S = 300
WAIT_UNTIL_ACTIVE = Path(__file__).parent / 'wait_until_active.py'


# What recipes start from; the other weights stay in the repository.
START_WEIGHTS = 'weights/world_b0_fast.safetensors'
# Extras that need a GPU, an account or another torch: the tests have stand-ins for them.
STOOD_IN_FOR = {'segmentation-models-pytorch', 'tensorrt-cu13', 'wandb'}


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel that `pip install .` builds."""
    path = tmp_path_factory.mktemp('wheel')
    for name in SOURCES:
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, path / 'source' / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, path / 'source')
    (path / 'source' / 'weights').mkdir()
    shutil.copy(ROOT / START_WEIGHTS, path / 'source' / START_WEIGHTS)
    command = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-index']
    command += ['--no-build-isolation', '--wheel-dir', str(path), str(path / 'source')]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    (built,) = path.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Install the wheel into a new virtual environment.

    The dependencies are those of the running Python, found by their directory: its links to this
    checkout and to the built messages are not followed. A torch that cannot be imported stands in
    front of a real one.
    """
    path = tmp_path_factory.mktemp('pip') / 'venv'
    command = [sys.executable, '-m', 'venv', '--without-pip', str(path)]
    subprocess.run(command, check=True, timeout=DEADLINE_S)
    command = [sys.executable, '-m', 'pip', '--python', str(path / 'bin' / 'python'), 'install']
    command += ['--quiet', '--no-deps', '--no-index', '--disable-pip-version-check', str(wheel)]
    subprocess.run(command, check=True, timeout=DEADLINE_S, env=without_workspace())
    python = f'python{sys.version_info.major}.{sys.version_info.minor}'
    site_packages = path / 'lib' / python / 'site-packages'
    (site_packages / 'dependencies.pth').write_text(sysconfig.get_path('purelib'))
    (site_packages / 'torch.py').write_text("raise ImportError('there is no torch here')")
    return path


def run(environment: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, away from the checkout."""
    return subprocess.run(
        [str(environment / 'bin' / command[0]), *(str(word) for word in command[1:])],
        cwd=environment, capture_output=True, text=True, timeout=DEADLINE_S,
        env=without_workspace(),
    )  # fmt: skip


def without_workspace() -> dict[str, str]:
    """Return the environment without a sourced workspace that holds the package (colcon test)."""
    paths = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    kept = [path for path in paths if path and not (Path(path) / 'segformer_ros').is_dir()]
    return os.environ | {'PYTHONPATH': os.pathsep.join(kept)}


@pytest.mark.skipif(not (ROOT / '.git').exists(), reason='git lists what the checkout holds')
def test_sdist_is_the_checkout_without_weights(tmp_path: Path):
    """Every tracked file is in it."""
    files = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split('\0')[:-1]
    for name in files:
        if not name.startswith('weights/'):
            (tmp_path / 'source' / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / 'source' / name).symlink_to(ROOT / name)
    subprocess.run(
        [sys.executable, 'setup.py', '-q', 'egg_info', '-e', str(tmp_path)],
        cwd=tmp_path / 'source', capture_output=True, check=True, timeout=DEADLINE_S,
    )  # fmt: skip
    (listed,) = tmp_path.glob('*.egg-info/SOURCES.txt')

    expected = {name for name in files if not name.startswith('weights/')}
    assert expected <= set(listed.read_text().split('\n'))


def test_wheel_has_everything(wheel: Path):
    """The wheel holds every module, network, launch file, setting and program of the checkout."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith('/entry_points.txt'))
        parser = configparser.ConfigParser()
        parser.read_string(archive.read(entry_points).decode())
    data = f'{wheel.name.split("-py3")[0]}.data/data'

    package = ROOT / 'segformer_ros'
    modules = [path.relative_to(ROOT) for path in package.rglob('*.py')]
    networks = [p.relative_to(ROOT) for p in (package / 'models').rglob('*.*') if p.is_file()]
    assert {str(path) for path in modules + networks} <= names
    assert 'segformer_ros/py.typed' in names
    for folder in ('launch', 'config'):
        for path in (p for p in (ROOT / folder).rglob('*.*') if p.suffix != '.pyc'):
            assert f'{data}/share/segformer_ros/{path.relative_to(ROOT)}' in names
    for path in (ROOT / 'scripts').iterdir():
        assert f'{data}/lib/segformer_ros/{path.name}' in names
        assert path.name in parser['console_scripts']
    assert f'{data}/share/segformer_ros/{START_WEIGHTS}' in names
    assert f'{data}/share/ament_index/resource_index/packages/segformer_ros' in names


def test_pins_are_within_the_ranges_of_the_wheel(wheel: Path):
    """Every requirement that the tests install is pinned to a version that the wheel accepts."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith('/METADATA'))
        metadata = email.message_from_bytes(archive.read(name))
    pins: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / 'requirements').glob('*.txt'):
        if path.name != 'ros-kilted.txt':
            lines = path.read_text(encoding='utf-8').splitlines()
            pinned = (Requirement(line) for line in lines if line and line[0] != '#')
            for one in pinned:
                pins[one.name].add(str(one.specifier).removeprefix('=='))

    assert not STOOD_IN_FOR & set(pins)
    for text in metadata.get_all('Requires-Dist'):
        wanted = Requirement(text)
        if wanted.name not in STOOD_IN_FOR:
            assert pins[wanted.name], text
            assert all(wanted.specifier.contains(pin) for pin in pins[wanted.name]), text


def test_installed_command_works_without_torch(environment: Path):
    """The command shows its help and its network; only training says that it lacks torch."""
    helped = run(environment, 'segformer', '--help')
    assert helped.returncode == 0, helped.stderr

    told = run(environment, 'segformer', 'info', 'road_b0')
    assert told.returncode == 0, told.stderr

    found = run(environment, 'python', '-c', 'import segformer_ros; print(segformer_ros.__file__)')
    assert Path(found.stdout.strip()).is_relative_to(environment)


def test_installed_node_becomes_active_without_messages(environment: Path):
    """The node runs without the generated messages, and says once that they are missing."""
    arguments = ['--ros-args', '-r', f'__ns:=/pip_{os.getpid()}', '-r', '__node:=segformer']
    with subprocess.Popen(
        [str(environment / 'bin' / 'segformer_node'), *arguments],
        cwd=environment, stderr=subprocess.PIPE, text=True, env=without_workspace(),
    ) as node:  # fmt: skip
        try:
            asked = run(environment, 'python', WAIT_UNTIL_ACTIVE, f'/pip_{os.getpid()}/segformer')
            node.send_signal(signal.SIGINT)
            _, log = node.communicate(timeout=DEADLINE_S)
        finally:
            node.kill()
    assert asked.returncode == 0, asked.stderr + log
    assert node.returncode == 0, log
    assert log.count('messages of segformer_ros are not built') == 1, log
