# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the package says about itself agrees, and the setup says what a machine lacks."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
import re
import subprocess
import sys
from types import ModuleType
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = Path(__file__).parents[2]
CHECK_MACHINE = ROOT / 'requirements' / 'check_machine.py'


@pytest.fixture
def check_machine() -> ModuleType:
    """Load requirements/check_machine.py, which is not a part of the package."""
    spec = importlib.util.spec_from_file_location('check_machine', CHECK_MACHINE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_versions_are_equal():
    """setup.py and package.xml carry the same version."""
    in_setup = re.search(r"version='([^']+)'", (ROOT / 'setup.py').read_text(encoding='utf-8'))
    in_package = ElementTree.parse(ROOT / 'package.xml').findtext('version')
    assert in_setup.group(1) == in_package


def test_package_xml_is_valid():
    """The manifest passes the checks of catkin_pkg; an invalid one silently builds as Python."""
    package = pytest.importorskip('catkin_pkg.package').parse_package(str(ROOT / 'package.xml'))
    package.validate()
    assert package.get_build_type() == 'ament_cmake'


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'requirements').glob('*.txt')), ids=lambda p: p.name
)
def test_requirements_are_pinned(path: Path):
    """Each requirement names one version."""
    lines = path.read_text(encoding='utf-8').splitlines()
    requirements = [line for line in lines if line and not line.startswith('#')]
    assert requirements
    pin = r'[\w.-]+(\[\w+\])?==[\w.]+( ; [^;]+)?'
    assert all(re.fullmatch(pin, line) for line in requirements)


@pytest.mark.parametrize(
    ('name', 'value', 'sentence'),
    [
        ('sys.version_info', (3, 9, 1), 'is Python 3.9, ROS 2 from PyPI needs 3.10 to 3.14'),
        ('sys.version_info', (3, 15, 0), 'is Python 3.15, ROS 2 from PyPI needs 3.10 to 3.14'),
        ('platform.machine', lambda: 'aarch64', 'install ROS 2 from apt'),
        ('os.getcwd', lambda: '/home/me/my work', 'has a space'),
        ('importlib.util.find_spec', lambda name: None, 'sudo apt-get install python'),
        ('shutil.which', lambda name: None, 'sudo apt-get install g++'),
        ('sysconfig.get_paths', lambda: {'include': '/nowhere'}, 'lacks Python.h: sudo apt-get'),
    ],
)
def test_missing_piece_is_one_sentence(
    name: str,
    value: object,
    sentence: str,
    check_machine: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
):
    """Whatever the machine lacks, the check names it and what to do."""
    with monkeypatch.context() as patch:
        patch.setattr(name, value)
        problem = check_machine.find_problem()
    assert sentence in problem
    assert '\n' not in problem


def test_make_says_what_is_missing_in_one_line(tmp_path: Path):
    """Without a compiler `make setup` ends with one line of ours before it installs anything."""
    for name in ('Makefile', 'requirements'):
        (tmp_path / name).symlink_to(ROOT / name)
    tools = tmp_path / 'bin'
    tools.mkdir()
    (tools / 'python3').symlink_to(sys.executable)
    environment = {k: v for k, v in os.environ.items() if k not in {'CC', 'CXX', 'MAKEFLAGS'}}
    done = subprocess.run(
        ['/usr/bin/make', 'setup'], cwd=tmp_path, env=environment | {'PATH': str(tools)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode != 0
    ours = [line for line in done.stderr.splitlines() if 'Error' not in line]
    assert len(ours) == 1
    assert 'lacks a C compiler, a C++ compiler: sudo apt-get install g++' in ours[0]
    assert not (tmp_path / '.venv').exists()


def test_make_lets_python_keep_what_it_compiles():
    """Also where the environment forbids it: hundreds of processes import the same modules."""
    done = subprocess.run(
        ['/usr/bin/make', '--eval=shown: ; @echo [$$PYTHONDONTWRITEBYTECODE]', 'shown'],
        cwd=ROOT, env=os.environ | {'PYTHONDONTWRITEBYTECODE': '1'},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout == '[]\n'
