# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Leave out what needs a CUDA device where there is none, unless it is required."""

import os

import pytest
from segformer_ros.engines.cuda import CudaError, open_cuda
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.gpu import current_gpu

REQUIRED = 'gpu' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(',')


def leave_out(reason):
    """Skip, or fail where a GPU is required."""
    (pytest.fail if REQUIRED else pytest.skip)(reason)


@pytest.fixture(scope='session')
def gpu():
    """Return the GPU of this machine."""
    try:
        return current_gpu()
    except EngineError as error:
        leave_out(f'no GPU: {error}')


@pytest.fixture(scope='session')
def cuda(gpu):
    """Return CUDA on it."""
    try:
        return open_cuda()
    except CudaError as error:
        leave_out(f'no CUDA: {error}')


@pytest.fixture(scope='session')
def free_bytes(gpu):
    """Return a function that tells how much memory of the device is free."""
    runtime = pytest.importorskip('cuda.bindings.runtime')

    def ask():
        _, free, _ = runtime.cudaMemGetInfo()
        return free

    return ask
