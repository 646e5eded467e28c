# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Tell in one line what this machine lacks before `make` begins to install.

Needs nothing installed and runs with an old Python 3 too, so that it gets its sentence.
"""

from collections.abc import Iterator
import importlib.util
import os
import platform
import shutil
import sys
import sysconfig

OLDEST, NEWEST = (3, 10), (3, 14)


def find_problem() -> 'str | None':
    """
    Look for what the setup needs.

    :returns: The first thing that is missing and what to do about it, or None.
    """
    version = sys.version_info[:2]
    wanted = '{}.{} to {}.{}'.format(*OLDEST, *NEWEST)
    python = '{}.{}'.format(*version)
    if not OLDEST <= version <= NEWEST:
        return (
            f'{sys.executable} is Python {python}, ROS 2 from PyPI needs {wanted}: '
            'name another one with `make PYTHON=python3.x ...`'
        )
    if sys.platform != 'linux' or platform.machine() != 'x86_64':
        return (
            f'ROS 2 on PyPI is for Linux on x86_64, this is {sys.platform} on '
            f'{platform.machine()}: install ROS 2 from apt and build with colcon (README.md)'
        )
    if ' ' in os.getcwd():
        return f'the path {os.getcwd()!r} has a space, which the build tools cannot take: move it'
    missing = dict(find_missing(python))
    if missing:
        packages = ' '.join(sorted(set(missing.values())))
        return f'this machine lacks {", ".join(missing)}: sudo apt-get install {packages}'
    return None


def find_missing(python: str) -> 'Iterator[tuple[str, str]]':
    """
    Look for what a bare Debian or Ubuntu lacks.

    :param python: The version of Python, such as 3.12.
    :returns: Pairs of what is missing and the package that brings it.
    """
    if importlib.util.find_spec('ensurepip') is None or importlib.util.find_spec('venv') is None:
        yield 'the module venv', f'python{python}-venv'
    for compiler, variable, usual in (
        ('a C compiler', 'CC', ('cc', 'gcc', 'clang')),
        ('a C++ compiler', 'CXX', ('c++', 'g++', 'clang++')),
    ):
        chosen = os.environ.get(variable, '').split()[:1]
        if not any(shutil.which(name) for name in chosen or usual):
            yield compiler, 'g++'
    if not os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')):
        yield 'Python.h', f'python{python}-dev'


def main() -> int:
    """Print the problem on stderr and return 1, or return 0."""
    problem = find_problem()
    if problem is not None:
        sys.stderr.write(f'make: {problem}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
