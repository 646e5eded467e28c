# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Tell in one line what this machine lacks before `make` begins to install.

Needs nothing installed and runs with an old Python 3 too, so that it gets its sentence.
"""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig

OLDEST, NEWEST = (3, 10), (3, 13)


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
    if importlib.util.find_spec('ensurepip') is None or importlib.util.find_spec('venv') is None:
        return f'the module venv is missing: sudo apt-get install python{python}-venv'
    for language, variable, usual in (
        ('C', 'CC', ('cc', 'gcc', 'clang')),
        ('C++', 'CXX', ('c++', 'g++', 'clang++')),
    ):
        chosen = os.environ.get(variable, '').split()[:1]
        if not any(shutil.which(name) for name in chosen or usual):
            return f'a {language} compiler is missing (for the messages): sudo apt-get install g++'
    header = os.path.join(sysconfig.get_paths()['include'], 'Python.h')
    if not os.path.exists(header):
        return f'{header} is missing (for the messages): sudo apt-get install python{python}-dev'
    return None


def main() -> int:
    """Print the problem on stderr and return 1, or return 0."""
    problem = find_problem()
    if problem is not None:
        sys.stderr.write(f'make: {problem}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
