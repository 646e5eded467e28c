# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT and torch on a CUDA device: numerics against float32, graphs, memory."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network is exported from torch')
pytest.importorskip('onnx', reason='export needs onnx')

from cuda_device.conftest import leave_out  # noqa: E402
from cuda_device.exported import export_for_gpu, HW, relative_error  # noqa: E402
from segformer_ros.engines.errors import EngineError  # noqa: E402
from segformer_ros.engines.get_or_build import get_or_build_engine  # noqa: E402
from segformer_ros.inference import tensorrt_backend, torch_backend  # noqa: E402
from segformer_ros.inference.backend import BackendError  # noqa: E402
from segformer_ros.inference.golden_gate import golden_input  # noqa: E402
from segformer_ros.inference.pipeline import Pipeline  # noqa: E402

pytestmark = pytest.mark.gpu

FRAMES = 10_000
LEAST_FREE_CHANGE = 8 << 20
TOLERANCE = {'float32': 1e-4, 'float16': 0.02}


@pytest.fixture(scope='module')
def exported(gpu, tmp_path_factory):
    """Return a bundle for this GPU."""
    return export_for_gpu(tmp_path_factory.mktemp('export') / 'exported')


@pytest.fixture(scope='module')
def load(gpu, cuda, exported):
    """Yield a function that loads a backend, and builds its engines first."""
    made = []

    def make(package, precision, graphs=True):
        if package == 'torch':
            device = torch.device('cuda')
            made.append(torch_backend.TorchBackend(exported, device, precision, graphs=graphs))
            return made[-1]
        try:
            for request in tensorrt_backend.requests_of(exported, precision).values():
                get_or_build_engine(request)
            made.append(tensorrt_backend.load(exported, precision=precision, graphs=graphs))
        except (BackendError, EngineError) as error:
            leave_out(f'no TensorRT: {error}')
        return made[-1]

    yield make
    while made:
        made.pop().close()


@pytest.fixture(scope='module')
def images():
    """Return two normalised images."""
    return np.random.default_rng(0).normal(0.0, 1.0, (2, 3, *HW)).astype(np.float32)


def _as_taken(backend, images):
    """Return images as a backend takes them."""
    if backend.input_format == 'float32':
        return images
    return np.random.default_rng(0).integers(0, 256, (len(images), *HW, 3), np.uint8)


@pytest.mark.parametrize('precision', ['float32', 'float16'])
@pytest.mark.parametrize('package', ['torch', 'tensorrt'])
def test_the_golden_outputs(load, exported, package, precision):
    """Those of the network in float64, within what the precision allows."""
    backend = load(package, precision)
    size = exported.manifest.input_sizes[0]
    _, expected = exported.golden(size)
    for _ in range(3):
        found = backend.infer(golden_input(exported, size, backend.input_format))
        for name, value in expected.items():
            assert relative_error(found[name], value) < TOLERANCE[precision]


@pytest.mark.parametrize('package', ['torch', 'tensorrt'])
def test_a_graph_computes_what_single_calls_do(load, images, package):
    """Equal, for one image and for two, also when the number changes back and forth."""
    with_graph, without = load(package, 'float16'), load(package, 'float16', graphs=False)
    taken = _as_taken(with_graph, images)
    for count in (1, 1, 1, 2, 2, 2, 1, 2):
        found, expected = with_graph.infer(taken[:count]), without.infer(taken[:count])
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=0.0, atol=2e-2)


def test_whole_frames_are_those_of_the_cpu(load, exported):
    """The kernels of TensorRT's backend around its engine, checked when it was loaded."""
    backend = load('tensorrt', 'float16')
    assert backend.frames is not None
    image = np.random.default_rng(1).integers(0, 256, (800, 1280, 3), np.uint8)
    found = Pipeline(exported, backend).predict(image)
    frames, backend.frames = backend.frames, None
    expected = Pipeline(exported, backend).predict(image)
    backend.frames = frames
    assert np.mean(found.labels == expected.labels) > 0.9999
    np.testing.assert_allclose(found.depth, expected.depth, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('package', ['torch', 'tensorrt'])
def test_memory_does_not_grow(load, images, free_bytes, package):
    """Ten thousand runs take what the first hundred took."""
    backend = load(package, 'float16')
    taken = _as_taken(backend, images)[:1]
    for _ in range(100):
        backend.infer(taken)
    before = free_bytes()
    for _ in range(FRAMES):
        backend.infer(taken)
    assert before - free_bytes() < LEAST_FREE_CHANGE
