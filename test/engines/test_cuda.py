# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CUDA through either package: what is asked of it, and what is said where it is not there."""

from contextlib import suppress
from importlib.util import find_spec
import sys
from types import SimpleNamespace

from engines.doubles import FakeCuda
from engines.pycuda_double import LogicError, make_pycuda
import numpy as np
import pytest
from segformer_ros.engines.cuda import CudaError, open_cuda
from segformer_ros.engines.cuda_memory import Workspace

needs_bindings = pytest.mark.skipif(
    find_spec('cuda') is None, reason='cuda-bindings is not installed'
)


@needs_bindings
def test_without_a_driver_cuda_python_says_so():
    """The package imports, and the error has the name that CUDA gives it."""
    from cuda.bindings import runtime

    status, count = runtime.cudaGetDeviceCount()
    if count:
        pytest.skip('there is a CUDA device here')
    with pytest.raises(CudaError, match='cudaGetDeviceCount has failed') as found:
        open_cuda('cuda-python')
    assert found.value.name == status.name


class _Runtime:
    """The functions of cuda.bindings.runtime in which a status is no success."""

    def __init__(self, runtime, failing):
        self._runtime, self._failing = runtime, failing
        self.called = []

    def __getattr__(self, name):
        found = getattr(self._runtime, name)
        if not name.startswith('cuda') or isinstance(found, type) or not callable(found):
            return found
        if name == 'cudaGetErrorString':
            return found

        def call(*args):
            self.called.append((name, args))
            if name == self._failing:
                return (self._runtime.cudaError_t.cudaErrorMemoryAllocation, None)
            value = {'cudaGetDeviceCount': 1, 'cudaDriverGetVersion': 13020}.get(name, 4096)
            return (self._runtime.cudaError_t.cudaSuccess, value)

        call.__name__ = name
        return call


@pytest.fixture
def make_runtime(monkeypatch):
    """Return cuda-python over a runtime that answers without a device."""
    if find_spec('cuda') is None:
        pytest.skip('cuda-bindings is not installed')
    from segformer_ros.engines import cuda_python

    def make(failing=None):
        runtime = _Runtime(cuda_python.runtime, failing)
        monkeypatch.setattr(cuda_python, 'runtime', runtime)
        return runtime, cuda_python.open_device()

    return make


def test_every_failing_call_of_cuda_python_has_its_name(make_runtime):
    """Out of memory says which call it was."""
    _, cuda = make_runtime(failing='cudaMalloc')
    with pytest.raises(CudaError, match='cudaMalloc has failed: cudaErrorMemoryAlloc') as found:
        cuda.malloc(1 << 40)
    assert (found.value.call, found.value.name) == ('cudaMalloc', 'cudaErrorMemoryAllocation')


def test_cuda_python_calls_the_runtime_as_it_is_meant(make_runtime):
    """The arguments in the order of the C functions; nothing is synchronous."""
    runtime, cuda = make_runtime()
    source = np.zeros(12, np.uint8)
    stream = cuda.create_stream()
    cuda.copy_to_device(cuda.malloc(12), source, stream)
    cuda.copy_to_host(source, 4096, stream)
    cuda.begin_capture(stream)
    graph = cuda.end_capture(stream)
    cuda.launch(graph, stream)
    cuda.destroy_graph(graph)
    cuda.synchronize(stream)
    cuda.destroy_stream(stream)
    cuda.free(4096)

    kind, mode = runtime.cudaMemcpyKind, runtime.cudaStreamCaptureMode
    data = source.ctypes.data
    assert runtime.called == [
        ('cudaGetDeviceCount', ()),
        ('cudaSetDevice', (0,)),
        ('cudaStreamCreateWithFlags', (runtime.cudaStreamNonBlocking,)),
        ('cudaMalloc', (12,)),
        ('cudaMemcpyAsync', (4096, data, 12, kind.cudaMemcpyHostToDevice, 4096)),
        ('cudaMemcpyAsync', (data, 4096, 12, kind.cudaMemcpyDeviceToHost, 4096)),
        ('cudaStreamBeginCapture', (4096, mode.cudaStreamCaptureModeThreadLocal)),
        ('cudaStreamEndCapture', (4096,)),
        ('cudaGraphInstantiate', (4096, 0)),
        ('cudaGraphDestroy', (4096,)),
        ('cudaGraphLaunch', (4096, 4096)),
        ('cudaGraphExecDestroy', (4096,)),
        ('cudaStreamSynchronize', (4096,)),
        ('cudaStreamDestroy', (4096,)),
        ('cudaFree', (4096,)),
    ]


@needs_bindings
@pytest.mark.parametrize(
    'name',
    [
        'cudaDeviceGetAttribute', 'cudaDriverGetVersion', 'cudaFree', 'cudaFreeHost',
        'cudaGetDeviceCount', 'cudaGetDeviceProperties', 'cudaGetErrorString', 'cudaGraphDestroy',
        'cudaGraphExecDestroy', 'cudaGraphInstantiate', 'cudaGraphLaunch', 'cudaMalloc',
        'cudaMallocHost', 'cudaMemcpyAsync', 'cudaSetDevice', 'cudaStreamBeginCapture',
        'cudaStreamCreateWithFlags', 'cudaStreamDestroy', 'cudaStreamEndCapture',
        'cudaStreamSynchronize',
    ],
)  # fmt: skip
def test_cuda_python_has_the_functions(name):
    """The package that is installed has what the code calls."""
    from cuda.bindings import runtime

    assert callable(getattr(runtime, name))


def test_pycuda_pushes_the_primary_context_around_every_call(monkeypatch):
    """From memory to stream, and nothing is left taken or current."""
    driver = make_pycuda(monkeypatch)
    cuda = open_cuda('pycuda')
    stream, address = cuda.create_stream(), cuda.malloc(12)
    block = cuda.malloc_host(12)
    block[:] = np.arange(12)
    cuda.copy_to_device(address, block, stream)
    block[:] = 0
    cuda.copy_to_host(block, address, stream)
    cuda.synchronize(stream)
    np.testing.assert_array_equal(block, np.arange(12))
    facts = cuda.device()
    assert (facts.name, facts.capability, facts.driver) == ('Orin', (8, 7), '13.0')
    assert cuda.name == 'pycuda 2026.1'

    cuda.free(address)
    cuda.free_host(block)
    cuda.destroy_stream(stream)
    assert (driver.taken, driver.pushed) == (set(), 0)


def test_pycuda_has_no_graphs(monkeypatch):
    """Who asks nevertheless is told."""
    make_pycuda(monkeypatch)
    cuda = open_cuda('pycuda')
    assert not cuda.has_graphs
    for call in (cuda.begin_capture, cuda.end_capture, cuda.destroy_graph):
        with pytest.raises(CudaError, match='NOT_SUPPORTED'):
            call(1)
    with pytest.raises(CudaError, match='NOT_SUPPORTED'):
        cuda.launch(1, 1)


def test_an_error_of_pycuda_has_the_name_of_its_class(monkeypatch):
    """And leaves no context behind."""
    driver = make_pycuda(monkeypatch)
    cuda = open_cuda('pycuda')
    driver.error = LogicError('cuMemAlloc failed: invalid device context')
    with pytest.raises(CudaError, match='invalid device context') as found:
        cuda.malloc(4)
    assert (found.value.name, driver.pushed) == ('LogicError', 0)


def test_pycuda_without_a_device(monkeypatch):
    """It is said when it is opened."""
    make_pycuda(monkeypatch, devices=0)
    with pytest.raises(CudaError, match='CUDA_ERROR_NO_DEVICE'):
        open_cuda('pycuda')


def test_auto_takes_what_is_installed(monkeypatch):
    """cuda-python first; without both, the sentence says what to install."""
    opened = SimpleNamespace(open_device=lambda: 'cuda-python')
    monkeypatch.setitem(sys.modules, 'segformer_ros.engines.cuda_python', opened)
    assert open_cuda('auto') == 'cuda-python'

    monkeypatch.setitem(sys.modules, 'segformer_ros.engines.cuda_python', None)
    make_pycuda(monkeypatch)
    assert open_cuda('auto').name == 'pycuda 2026.1'

    monkeypatch.setitem(sys.modules, 'pycuda', None)
    monkeypatch.delitem(sys.modules, 'segformer_ros.engines.cuda_pycuda', raising=False)
    with pytest.raises(CudaError, match=r'cuda-bindings cuda-core .*pip install pycuda'):
        open_cuda('auto')


def test_another_name_is_refused():
    """With the names there are."""
    with pytest.raises(ValueError, match='one of auto, cuda-python, pycuda'):
        open_cuda('cupy')


def test_a_workspace_gives_everything_back():
    """What is uploaded arrives, and the page-locked memory for it is free at once."""
    cuda = FakeCuda()
    space = Workspace(cuda)
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    address = space.upload(array)
    np.testing.assert_array_equal(cuda.memory(address, 24).view(np.float32), array.ravel())
    space.host((2, 2), np.int32)
    assert cuda.taken() == {'device': 1, 'pinned': 1, 'streams': 1}

    space.close()
    assert cuda.taken() == {}


@pytest.mark.parametrize('lost', [False, True])
@pytest.mark.parametrize('fail_at', range(9))
def test_a_workspace_leaves_nothing_whatever_fails(fail_at, lost):
    """Every call in turn, alone or with all that come after it."""
    cuda = FakeCuda(fail_at=fail_at, lost=lost)
    try:
        space = Workspace(cuda)
    except CudaError:
        assert fail_at == 0
    else:
        with suppress(CudaError):
            space.upload(np.zeros(4, np.uint8))
            space.capture(lambda: None)
        space.close()
    assert cuda.taken() == {}


def test_a_capture_that_fails_is_ended():
    """The stream can be used again."""
    cuda = FakeCuda()
    space = Workspace(cuda)

    def work():
        raise CudaError('x', 'y')

    with pytest.raises(CudaError, match='x has failed: y'):
        space.capture(work)
    cuda.synchronize(space.stream)
    space.close()
    assert cuda.taken() == {}
