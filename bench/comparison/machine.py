# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The machine: one pinned core, memory of a process, and what to say of it."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path
import platform
import shutil
import subprocess

_THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMEXPR_NUM_THREADS')
# What the kernel takes to forget the peak of a process (proc_pid_clear_refs(5)).
_RESET_PEAK = '5'


def pin(core: int | None = None) -> int:
    """
    Keep this process and those it starts on one core and at one thread.

    :param core: Its number; None takes the last one that is allowed.
    :returns: Its number.
    """
    os.environ.update(dict.fromkeys(_THREADS, '1'))
    chosen = max(os.sched_getaffinity(0)) if core is None else core
    os.sched_setaffinity(0, {chosen})
    return chosen


def resident_mb() -> float:
    """
    Return the resident memory of this process in MB, and forget its peak until now.

    What Python and the C library keep of freed memory is given back first: taken again later, it
    would not show.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text(_RESET_PEAK, encoding='ascii')
    return _status('VmRSS')


def peak_mb() -> float:
    """Return the largest resident memory of this process in MB since resident_mb was called."""
    return _status('VmHWM')


def free_mb() -> float:
    """Return the memory in MB that programs can still take without swapping."""
    return _status('MemAvailable', '/proc/meminfo')


def _status(key: str, path: str = '/proc/self/status') -> float:
    for line in Path(path).read_text(encoding='ascii').splitlines():
        name, _, value = line.partition(':')
        if name == key:
            return int(value.split()[0]) * 1024 / 1e6
    raise OSError(f'expected {key} in {path}, found none')


def describe() -> dict[str, str]:
    """Name the CPU, its number of cores, the system and the commit."""
    return {
        'processor': _processor(),
        'cores': str(os.cpu_count()),
        'system': f'{platform.system()} {platform.release()}, Python {platform.python_version()}',
        'commit': _commit(),
    }


def _processor() -> str:
    lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    # The lines of the first processor.
    block = lines[: lines.index('')] if '' in lines else lines
    pairs = (line.partition(':') for line in block)
    facts = {name.strip(): value.strip() for name, _, value in pairs}
    flags = facts.get('flags', '').split()
    found = [name for name in ('avx2', 'avx512f', 'avx512_bf16', 'amx_bf16') if name in flags]
    return f'{facts.get("model name", platform.machine())} ({", ".join(found) or "no AVX2"})'


def _commit() -> str:
    git = shutil.which('git')
    if git is None:
        return 'unknown'
    describe = ('describe', '--always', '--dirty', '--abbrev=7')
    command = [git, '-C', str(Path(__file__).parent), *describe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or 'unknown'
