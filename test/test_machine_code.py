# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled functions, and where their machine code is kept."""

import errno
from importlib.util import module_from_spec, spec_from_file_location
import os
import shutil

import pytest
from segformer_ros.machine_code import compiled, is_ready

SOURCE = """
from segformer_ros.machine_code import compiled

@compiled
def add(a, b):
    return a + b
"""


@pytest.fixture
def source(tmp_path):
    """Write a module with one function."""
    path = tmp_path / 'sums.py'
    path.write_text(SOURCE)
    return path


def load(path):
    """Import the module anew, as another process would."""
    spec = spec_from_file_location('sums', path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kept(folder):
    """List the files of machine code."""
    return list(folder.rglob('sums.add-*.nbc'))


def test_the_machine_code_is_kept(source):
    """So the next process does not compile."""
    first = load(source)
    assert not is_ready(first.add)
    assert first.add(2, 3) == 5
    assert is_ready(first.add)
    assert len(kept(source.parent)) == 1

    again = load(source)

    assert is_ready(again.add)
    assert again.add(2, 3) == 5
    assert sum(again.add.stats.cache_hits.values()) == 1


def test_a_function_without_a_place_for_its_machine_code_is_compiled_all_the_same():
    """As in an installation that cannot be written to, for a user without a home."""
    names = {}
    exec(compile('def add(a, b): return a + b', '/no/such/folder/add.py', 'exec'), names)

    add = compiled(names['add'])

    assert not is_ready(add)
    assert add(2, 3) == 5
    assert add.signatures


def test_a_full_disk_is_no_fault_of_the_function(source, monkeypatch):
    """It is compiled and not kept, until there is space."""

    def full(path, mode='r'):
        if 'w' in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return open(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr('numba.core.caching.open', full, raising=False)
        assert load(source).add(2, 3) == 5
        assert kept(source.parent) == []

    assert load(source).add(2, 3) == 5
    assert len(kept(source.parent)) == 1


def test_a_folder_that_is_lost_between_two_calls_is_none_either(source):
    """There is a file in its place when the machine code is to be read and kept."""
    module = load(source)
    folder = source.parent / '__pycache__'
    shutil.rmtree(folder)
    folder.write_text('')

    assert module.add(2, 3) == 5


def test_a_file_cut_by_a_power_cut_is_replaced(source):
    """It is there and empty."""
    load(source).add(2, 3)
    (index,) = source.parent.rglob('sums.add-*.nbi')
    index.write_bytes(b'')

    module = load(source)
    assert not is_ready(module.add)
    assert module.add(2, 3) == 5

    again = load(source)
    assert again.add(2, 3) == 5
    assert sum(again.add.stats.cache_hits.values()) == 1
