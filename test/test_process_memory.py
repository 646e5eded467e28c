# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a process does with memory that it does not need any more."""

import ctypes
import subprocess
import sys

import pytest
from segformer_ros import process_memory

_FAULTS = """
import resource, sys
import numpy as np
from segformer_ros import process_memory
if sys.argv[1] == 'kept':
    process_memory.keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        arrays = [np.ones(1 << 17, np.float64) for _ in range(8)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def _faults(how):
    done = subprocess.run(
        [sys.executable, '-c', _FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_arrays_reuse_the_memory_of_freed_ones():
    """Eight arrays of 1 MB, five times: not a page fault for each of their pages."""
    assert _faults('kept') < 100


def test_allocator_is_left_alone_where_it_is_another_one(monkeypatch):
    """Not every C library has mallopt."""
    monkeypatch.setattr(ctypes, 'CDLL', lambda name: object())
    process_memory.keep_freed_memory()


_END = """
import atexit, sys
from segformer_ros import process_memory
class Loud:
    def __del__(self):
        print('finalised')
ring = Loud()
ring.itself = ring
atexit.register(print, 'atexit')
if sys.argv[1] == 'left':
    process_memory.leave_objects()
"""


@pytest.mark.parametrize(('how', 'finalised'), [('left', 0), ('searched', 1)])
def test_the_end_searches_no_garbage(how, finalised):
    """Only what refers to itself is not finalised."""
    done = subprocess.run(
        [sys.executable, '-c', _END, how], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ['atexit', *['finalised'] * finalised]
