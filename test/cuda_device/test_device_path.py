# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Copies, streams, graphs and kernels on a CUDA device, around an engine that plays outputs back.

The processor is the reference. TensorRT is not needed.
"""

from cuda_device.playback import PlaybackEngine
from engines.doubles import fake_trt
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.engines.cuda_memory import Workspace
from segformer_ros.engines.kernels import CudaCoreLauncher, Kernels
from segformer_ros.image_encoding import RAW_ENCODINGS, RawImage
from segformer_ros.inference.backend import load_backend
from segformer_ros.inference.golden_gate import check_golden, golden_input
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.preprocess import fit, prepare, prepare_bytes
from segformer_ros.inference.tensorrt_backend import TensorrtBackend
from tiny_bundle import make_tiny_bundle

pytestmark = pytest.mark.gpu

HW = (64, 128)
FRAMES = 10_000


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle."""
    return bundle.read(make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny'))


@pytest.fixture(scope='module')
def kernels(cuda):
    """Return the kernels, compiled for this device."""
    return Kernels(CudaCoreLauncher(cuda.device().capability))


@pytest.fixture
def make_backend(cuda, tiny):
    """Yield backends whose network gives the golden outputs whatever the image is."""
    made = []

    def make(form='uint8', kernels=None, graphs=True):
        shape = (*HW, 3) if form == 'uint8' else (3, *HW)
        _, outputs = tiny.golden(tiny.manifest.input_sizes[0])
        engine = PlaybackEngine(cuda, shape, form, outputs)
        made.append(engine)
        made.append(
            TensorrtBackend(
                tiny,
                cuda,
                fake_trt(),
                {HW: engine},
                precision='float32',
                name='playback',
                kernels=kernels,
                graphs=graphs,
            )
        )
        return made[-1]

    yield make
    while made:
        made.pop().close()


@pytest.mark.parametrize('graphs', [False, True])
@pytest.mark.parametrize('form', ['uint8', 'float32'])
def test_outputs_arrive_as_they_are(make_backend, tiny, form, graphs):
    """With and without a CUDA graph, three times over."""
    backend = make_backend(form, graphs=graphs)
    for _ in range(3):
        assert max(check_golden(tiny, backend).values()) == 0.0


def test_inputs_arrive_as_they_are(cuda):
    """What is uploaded is what comes back."""
    space = Workspace(cuda)
    values = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    address, back = space.upload(values), space.host(values.shape, np.uint8)
    cuda.copy_to_host(back, address, space.stream)
    cuda.synchronize(space.stream)
    np.testing.assert_array_equal(back, values)
    space.close()


@pytest.mark.parametrize('encoding', RAW_ENCODINGS)
@pytest.mark.parametrize('hw', [(80, 160), (64, 128), (41, 97), (1, 1), (200, 100)])
def test_the_kernels_write_the_input_of_the_network(
    make_backend, kernels, cuda, tiny, hw, encoding
):
    """Resized, padded and normalised: equal bit for bit to what the processor prepares."""
    shape = (*hw, len(encoding[:-1]))
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    image = RawImage(pixels, encoding)
    for form in ('uint8', 'float32'):
        backend = make_backend(form, kernels)
        pipeline = Pipeline(tiny, backend)
        pipeline.predict(image)
        lane = backend._engines[HW].lane(1)
        block = cuda.malloc_host(lane._image.nbytes)
        cuda.copy_to_host(block, lane.input_address, lane.space.stream)
        cuda.synchronize(lane.space.stream)
        found = block.view(lane._image.dtype).reshape(lane._image.shape).copy()
        cuda.free_host(block)
        np.testing.assert_array_equal(found, _prepared(pipeline, image.rgb, form))


def _prepared(pipeline, image, form):
    geometry = fit(image.shape[:2], [HW])
    if form == 'uint8':
        out = np.empty((1, *HW, 3), np.uint8)
        prepare_bytes(image, geometry, pipeline._pad_rgb, out[0])
    else:
        out = np.empty((1, 3, *HW), np.float32)
        prepare(image, geometry, pipeline._table, out[0])
    return out


@pytest.mark.parametrize('hw', [(80, 160), (64, 128), (41, 97), (1, 1), (200, 100), (800, 1280)])
def test_the_kernels_decode_as_the_cpu_does(make_backend, kernels, tiny, hw):
    """The same labels; depth within the error of the exponential, confidence within 1 of 255."""
    image = np.random.default_rng(1).integers(0, 256, (*hw, 3), np.uint8)
    found, expected = (
        Pipeline(tiny, make_backend(kernels=item)).predict(
            image, focal_length_px=90.0, options=Options(confidence=True)
        )
        for item in (kernels, None)
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.depth, expected.depth, rtol=2e-6)
    assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize('whole', [False, True], ids=['network', 'whole frames'])
def test_memory_does_not_grow(make_backend, kernels, tiny, free_bytes, whole):
    """Ten thousand frames take what the first hundred took."""
    backend = make_backend(kernels=kernels if whole else None)
    pipeline = Pipeline(tiny, backend)
    image = np.zeros((40, 80, 3), np.uint8)
    for _ in range(100):
        pipeline.predict(image)
    before = free_bytes()
    for _ in range(FRAMES):
        pipeline.predict(image)
    assert before - free_bytes() < 1 << 20


def test_the_cpu_agrees_with_the_recorded_outputs(tiny):
    """What is played back is what the network gives."""
    size = tiny.manifest.input_sizes[0]
    backend = load_backend('onnxruntime', tiny, threads=1)
    found = backend.infer(golden_input(tiny, size, 'float32'))
    for name, value in tiny.golden(size)[1].items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)
