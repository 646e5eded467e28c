# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The kernels run on the processor: their source compiled as C++, with loops in place of threads.

It proves the arithmetic and the argument lists, not that they run on a device.
"""

import ctypes
import functools
from pathlib import Path
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
from segformer_ros.engines import kernels

_SHIM = """
#include <math.h>
#include <cstring>
#include <cstddef>
#include <utility>
#define __global__
#define __device__
struct Dim { int x, y; };
static Dim blockIdx, threadIdx, blockDim;
"""
_RUN = """
template <class... A, size_t... I>
static int each(void (*kernel)(A...), const int *size, const int *block, void **args,
                const int *bytes, int count, std::index_sequence<I...>) {
    if (count != int(sizeof...(A))) return 1;
    const int expected[] = {int(sizeof(A))...};
    for (int i = 0; i < count; ++i) if (bytes[i] != expected[i]) return 2 + i;
    blockDim = {block[0], block[1]};
    for (blockIdx.y = 0; blockIdx.y * block[1] < size[1]; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x * block[0] < size[0]; ++blockIdx.x)
            for (threadIdx.y = 0; threadIdx.y < block[1]; ++threadIdx.y)
                for (threadIdx.x = 0; threadIdx.x < block[0]; ++threadIdx.x)
                    kernel(*static_cast<A *>(args[I])...);
    return 0;
}
template <class... A>
static int all(void (*kernel)(A...), const int *size, const int *block, void **args,
               const int *bytes, int count) {
    return each(kernel, size, block, args, bytes, count, std::index_sequence_for<A...>());
}
extern "C" int run(const char *name, const int *size, const int *block, void **args,
                   const int *bytes, int count) {
CASES
    return -1;
}
"""
_CASE = '    if (!strcmp(name, "NAME")) return all(NAME, size, block, args, bytes, count);'


@functools.cache
def _library():
    if shutil.which('g++') is None:
        pytest.skip('there is no g++ to compile the kernels for the processor')
    cases = '\n'.join(_CASE.replace('NAME', name) for name in kernels.KERNELS)
    sources = [kernels.source(file) for file in kernels.SOURCES]
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / 'kernels.cpp', Path(folder) / 'kernels.so'
        source.write_text('\n'.join([_SHIM, *sources, _RUN.replace('CASES', cases)]))
        command = ['g++', '-std=c++17', '-O2', '-ffp-contract=off', '-Wall', '-Werror', '-fPIC']
        done = subprocess.run(
            [*command, '-shared', str(source), '-o', str(library)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(library))


class HostLauncher:
    """Runs kernels at once, on addresses of the host."""

    def __init__(self, run=lambda stream, work, uses: work()):
        """
        Compile the kernels.

        :param run: Called with the stream, the work, which a double of CUDA puts off, and the
            addresses that it uses.
        """
        self._library = _library()
        self._run = run

    def launch(self, name, size, stream, args):
        """Run a kernel as launcher.Launcher.launch says; wrong arguments are an error."""
        values = [_typed(item) for item in args]
        bytes_ = (ctypes.c_int * len(values))(*(ctypes.sizeof(item) for item in values))
        # work() keeps values alive until it has run.
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(item) for item in values))

        def work():
            code = self._library.run(
                name.encode(),
                (ctypes.c_int * 2)(*size),
                (ctypes.c_int * 2)(*kernels.BLOCK),
                pointers,
                bytes_,
                len(values),
            )
            assert code == 0, f'{name}: wrong arguments ({code})'

        self._run(stream, work, [item for item in args if type(item) is int])


def _typed(value):
    """Return the C value that cuda-core would pass."""
    if isinstance(value, np.int32):
        return ctypes.c_int32(int(value))
    if isinstance(value, np.float32):
        return ctypes.c_float(float(value))
    assert type(value) is int, f'{value!r} is neither an address nor a number with a type'
    return ctypes.c_void_p(value)
