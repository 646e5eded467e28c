# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the cache to a backend: what is opened, what is missing and what is left out."""

import functools
import json

from engines.doubles import fake_trt, FakeCuda, FakeEngine
from engines.host_kernels import HostLauncher
from inference.device_rig import images_of, network, SIZES
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.bundle import BundleError
from segformer_ros.engines.cuda import CudaError
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.opening import OpenEngine
from segformer_ros.engines.trt_variant import TrtVariant
from segformer_ros.inference import backend_choice, tensorrt_backend
from segformer_ros.inference.backend import BackendError, EngineMissingError, load_backend
from segformer_ros.inference.golden_gate import check_golden
from segformer_ros.inference.pipeline import Pipeline
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=SIZES))


class Installed:
    """Stand-ins for the cache, TensorRT and CUDA that load() asks."""

    def __init__(self, monkeypatch, tiny, *, missing=(), kernels=True):
        """Keep engines for all sizes but those that are missing."""
        self.cuda = FakeCuda()
        self.asked = []
        self._tiny, self._missing = tiny, missing
        monkeypatch.setattr(tensorrt_backend, 'find_engine', self.find)
        monkeypatch.setattr(tensorrt_backend, 'open_engine', self.open)
        monkeypatch.setattr(tensorrt_backend, 'open_cuda', lambda api: self.cuda)
        launcher = HostLauncher(self.cuda.put)

        def make(capability):
            assert capability == (8, 7)
            if not kernels:
                raise CudaError('import cuda.core', 'NotInstalled')
            return launcher

        monkeypatch.setattr(tensorrt_backend, 'CudaCoreLauncher', make)

    def find(self, request):
        """Look into the cache."""
        self.asked.append(request)
        size = request.name.split()[1]
        if size in self._missing:
            return None, ('an old one was refused: wrong driver',)
        return size, ()

    def open(self, size):
        """Return an engine that is kept."""
        hw = tuple(int(part) for part in size.split('x'))
        found = next(s for s in self._tiny.manifest.input_sizes if (s.height, s.width) == hw)
        outputs = {k: v[1:] for k, v in self._tiny.manifest.output_shapes(found).items()}
        trt_variant = TrtVariant('tensorrt', '10.99', fake_trt())
        engine = FakeEngine(self.cuda, ((3, *hw), 'float32'), outputs, network)
        return OpenEngine(trt_variant, engine, None, None)


def test_engines_of_the_cache_are_opened(monkeypatch, tiny):
    """One for each input size, with frames on the device, and the name says all."""
    installed = Installed(monkeypatch, tiny)
    backend = load_backend('tensorrt_float32', tiny)
    assert [request.precision for request in installed.asked] == ['float32'] * 2
    assert backend.name == 'tensorrt 10.99 Fake GPU float32 (fake-cuda 1)'
    assert backend.precision == 'float32'
    assert backend.frames is not None
    assert Pipeline(tiny, backend).predict(images_of(1, (40, 90))[0]).depth.shape == (40, 90)
    backend.close()
    assert installed.cuda.taken() == {}


def test_an_engine_that_is_not_in_the_cache(monkeypatch, tiny):
    """The error carries what has to be built, and says why an old one was not taken."""
    Installed(monkeypatch, tiny, missing=['64x64'])
    with pytest.raises(EngineMissingError, match=r'tiny 64x64.*wrong driver') as found:
        load_backend('tensorrt_float32', tiny)
    assert [request.name for request in found.value.requests] == ['tiny 64x64']


def test_without_cuda_core_the_cpu_does_pre_and_postprocessing(monkeypatch, tiny):
    """With a warning."""
    installed = Installed(monkeypatch, tiny, kernels=False)
    with pytest.warns(RuntimeWarning, match='no kernels for the GPU.*NotInstalled'):
        backend = load_backend('tensorrt_float32', tiny)
    assert backend.frames is None
    backend.close()
    assert installed.cuda.taken() == {}


def test_frames_that_are_wrong_are_left_out(monkeypatch, tiny):
    """With a warning that says how wrong; the network itself goes on."""
    installed = Installed(monkeypatch, tiny)
    monkeypatch.setattr(tensorrt_backend, 'frames_problem', lambda *args: 'labels differ')
    with pytest.warns(RuntimeWarning, match='labels differ; the CPU does it'):
        backend = load_backend('tensorrt_float32', tiny)
    assert backend.frames is None
    check_golden(tiny, backend)
    backend.close()
    assert installed.cuda.taken() == {}


def with_float16(folder):
    """Make a tiny bundle with a float16 graph for TensorRT as well."""
    made = bundle.read(make_tiny_bundle(folder, sizes=[SIZES[0]]))
    content = json.loads((folder / 'manifest.json').read_text())
    del content['format_version'], content['files']
    (entry,) = content['input_sizes']
    files = {name: made.file(name).read_bytes() for name in made.manifest.files}
    graph = entry['graphs'][0]
    files['low.onnx'] = files[graph['file']]
    entry['graphs'].append(
        graph | {'target': 'tensorrt', 'precision': 'float16', 'file': 'low.onnx'}
    )
    return bundle.write(folder, content, files)


@pytest.mark.parametrize('overflows', [False, True])
def test_each_network_of_two_passes_the_gate_of_its_precision(monkeypatch, tmp_path, overflows):
    """Float16 where there is such a graph and it is right, else float32, of each by itself."""
    labels = with_float16(tmp_path / 'labels')
    depth = bundle.read(make_tiny_bundle(tmp_path / 'depth', sizes=[SIZES[1]]))
    pair = bundle.write_pair(tmp_path / 'pair', labels, depth)

    class Engines(Installed):
        def open(self, size):
            found = super().open(size)
            if overflows and self.asked[-1].precision == 'float16':
                found.engine.network = lambda images: {
                    name: value + np.float32(512) for name, value in network(images).items()
                }
            return found

    two = bundle.read(make_tiny_bundle(tmp_path / 'two', sizes=SIZES))
    Engines(monkeypatch, two, kernels=False)
    with pytest.warns(RuntimeWarning, match='no kernels'):
        pipeline = Pipeline.open(
            pair, functools.partial(backend_choice.load, 'tensorrt'), compiled=False
        )
    assert ('float16' in pipeline.backend_name) is not overflows
    assert 'float32' in pipeline.backend_name
    refused = 'expected golden logits within float16 0.05' in pipeline.backend_reason
    assert refused is overflows
    assert 'expected a float16 graph for tensorrt' in pipeline.backend_reason
    assert pipeline.predict(images_of(1, (40, 90))[0]).depth.shape == (40, 90)
    pipeline.close()


def test_a_precision_that_the_bundle_lacks(tiny):
    """It says how to export it, or to quantize it."""
    with pytest.raises(BundleError, match='segformer export CHECKPOINT OUT --target tensorrt'):
        load_backend('tensorrt_float16', tiny)
    command = 'segformer quantize BUNDLE OUT --calibration IMAGES --precision int8'
    with pytest.raises(BundleError, match=command):
        load_backend('tensorrt_int8', tiny)


def test_a_machine_without_tensorrt_or_gpu(monkeypatch, tiny):
    """One sentence with its reason."""

    def find(request):
        raise EngineError('expected tensorrt, found none')

    monkeypatch.setattr(tensorrt_backend, 'find_engine', find)
    with pytest.raises(BackendError, match='TensorRT cannot run here: expected tensorrt, found'):
        load_backend('tensorrt_float32', tiny)


def test_the_bindings_have_what_the_run_time_calls():
    """Names and types of TensorRT for RTX, which stands for the others; nothing is run."""
    trt = pytest.importorskip('tensorrt_rtx')
    context, engine = trt.IExecutionContext, trt.ICudaEngine
    for name in ('set_input_shape', 'set_tensor_address', 'execute_async_v3'):
        assert callable(getattr(context, name))
    names = (
        'get_tensor_name', 'get_tensor_mode', 'get_tensor_shape', 'get_tensor_dtype',
        'get_tensor_profile_shape', 'create_execution_context',
    )  # fmt: skip
    for name in names:
        assert callable(getattr(engine, name))
    assert hasattr(engine, 'num_io_tensors')
    assert trt.TensorIOMode.INPUT != trt.TensorIOMode.OUTPUT
    assert np.dtype(trt.nptype(trt.DataType.UINT8)) == np.uint8
    assert np.dtype(trt.nptype(trt.DataType.FLOAT)) == np.float32
