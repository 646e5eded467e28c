# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The run path of TensorRT, on doubles of the device and of the engine.

It proves the order of calls, addresses, shapes and what happens after errors; the kernels run on
the processor. It proves nothing about a real GPU: that is test/gpu.
"""

from engines.doubles import fake_trt, FakeCuda, FakeEngine
from engines.host_kernels import HostLauncher
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.bundle import BundleError
from segformer_ros.engines.kernels import Kernels
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.frames_gate import frames_problem
from segformer_ros.inference.golden_gate import check_golden
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.tensorrt_backend import TensorrtBackend
from tiny_bundle import CLASSES, expected_outputs, make_tiny_bundle, STRIDE

SIZES = ((32, 64), (64, 64))
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Give a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=SIZES))


def _network(images):
    """Compute the tiny network for bytes or planes."""
    if images.dtype == np.float32:
        planes = images.transpose(0, 2, 3, 1)
        images = np.rint((planes * STD + MEAN) * 255).astype(np.uint8)
    found = [expected_outputs(image) for image in images]
    return {name: np.concatenate([item[name] for item in found]) for name in found[0]}


class Device:
    """A backend on doubles."""

    def __init__(
        self,
        tiny,
        *,
        form='uint8',
        most_images=1,
        frames=False,
        graphs=True,
        network=_network,
        **kwargs,
    ):
        """Make the engines, and the backend over them."""
        self.cuda = FakeCuda(**kwargs)
        self.engines = {}
        for size in tiny.manifest.input_sizes:
            hw = (size.height, size.width)
            shape = (*hw, 3) if form == 'uint8' else (3, *hw)
            outputs = {k: v[1:] for k, v in tiny.manifest.output_shapes(size).items()}
            engine = FakeEngine(self.cuda, (shape, form), outputs, network, most_images)
            self.engines[hw] = engine
        self.backend = TensorrtBackend(
            tiny,
            self.cuda,
            fake_trt(),
            self.engines,
            precision='float16',
            name='fake',
            kernels=Kernels(HostLauncher(self.cuda.put)) if frames else None,
            graphs=graphs,
        )

    def executed(self):
        """Count the runs of engines and of graphs."""
        calls = self.cuda.calls
        return calls.count('execute_async_v3'), calls.count('launch')


def _images(count=1, hw=SIZES[0]):
    return np.random.default_rng(count).integers(0, 256, (count, *hw, 3), np.uint8)


@pytest.mark.parametrize('form', ['uint8', 'float32'])
def test_the_engine_computes_the_golden_outputs(tiny, form):
    """Through page-locked memory and back, for every input size and for either input."""
    device = Device(tiny, form=form)
    differences = check_golden(tiny, device.backend)
    assert max(differences.values()) < 1e-3
    assert device.backend.input_format == form
    device.backend.close()
    assert device.cuda.taken() == {}


def test_the_order_of_calls(tiny):
    """In: copy, run, copies of what is wanted, one wait; the second time a graph is captured."""
    device = Device(tiny)
    images = _images()
    device.cuda.calls.clear()
    device.backend.infer(images)
    shape_and_addresses = ['set_input_shape', *['set_tensor_address'] * 3]
    taking = ['create_stream', 'create_execution_context', *['malloc'] * 3, *['malloc_host'] * 3]
    run = ['copy_to_device', 'execute_async_v3', 'copy_to_host', 'copy_to_host', 'synchronize']
    assert device.cuda.calls == [*taking, *shape_and_addresses, *run]

    device.cuda.calls.clear()
    device.backend.infer(images, ['depth'])
    capture = ['synchronize', 'begin_capture', 'execute_async_v3', 'end_capture']
    after = ['launch', 'copy_to_host', 'synchronize']
    assert device.cuda.calls == ['copy_to_device', *capture, *after]

    device.cuda.calls.clear()
    found = device.backend.infer(images, ['logits'])
    assert device.cuda.calls == ['copy_to_device', *after]
    np.testing.assert_array_equal(found['logits'], _network(images)['logits'])
    device.backend.close()


@pytest.mark.parametrize(('graphs', 'has_graphs'), [(False, True), (True, False)])
def test_without_graphs_every_run_is_a_call(tiny, graphs, has_graphs):
    """Because it was asked for, or because the package has none."""
    device = Device(tiny, graphs=graphs, has_graphs=has_graphs)
    images = _images()
    for _ in range(3):
        found = device.backend.infer(images)
    assert device.executed() == (3, 0)
    np.testing.assert_array_equal(found['depth'], _network(images)['depth'])


@pytest.mark.parametrize('call', ['begin_capture', 'end_capture', 'execute_async_v3'])
def test_a_graph_that_cannot_be_captured_is_done_without(tiny, call):
    """With a warning, once; the outputs are right all the same."""
    device, images = Device(tiny), _images()
    device.backend.infer(images)
    wanted = {'begin_capture': 2, 'execute_async_v3': 3, 'end_capture': 4}[call]
    device.cuda.fail_at = len(device.cuda.calls) + wanted
    with pytest.warns(RuntimeWarning, match='runs without a CUDA graph'):
        found = device.backend.infer(images)
    assert device.cuda.calls[device.cuda.fail_at] == call
    for name, value in _network(images).items():
        np.testing.assert_array_equal(found[name], value)
    device.backend.infer(images)
    assert device.executed()[1] == 0
    device.backend.close()
    assert device.cuda.taken() == {}


@pytest.mark.parametrize('most_images', [1, 2, 4])
@pytest.mark.parametrize('count', [1, 2, 3, 6])
def test_any_number_of_images(tiny, most_images, count):
    """In pieces of what the engine takes, in two lanes, in their order."""
    device, images = Device(tiny, most_images=most_images), _images(count)
    for _ in range(3):
        found = device.backend.infer(images)
        for name, value in _network(images).items():
            np.testing.assert_array_equal(found[name], value)
    streams = device.cuda.taken()['streams']
    sizes = {min(most_images, count - at) for at in range(0, count, most_images)}
    assert streams <= 2 * len(sizes)
    device.backend.close()
    assert device.cuda.taken() == {}


def test_the_second_lane_begins_before_the_first_has_ended(tiny):
    """Both copies in and both runs are in their streams before anything is waited for."""
    device = Device(tiny)
    images = _images(2)
    device.backend.infer(images)
    device.cuda.calls.clear()
    device.backend.infer(images)
    first_wait = [i for i, name in enumerate(device.cuda.calls) if name == 'synchronize']
    launches = [i for i, name in enumerate(device.cuda.calls) if name == 'launch']
    # Each capture waits for the warm-up of its own lane; then there are two waits for results.
    assert launches[1] < first_wait[-2]


def test_arrays_of_one_run_are_not_those_of_the_next(tiny):
    """What was given stays as it is."""
    device = Device(tiny)
    first = device.backend.infer(_images())
    kept = first['logits'].copy()
    device.backend.infer(255 - _images())
    np.testing.assert_array_equal(first['logits'], kept)


def test_memory_does_not_grow(tiny):
    """A hundred frames of both sizes and of many shapes take what the first ones took."""
    device = Device(tiny, frames=True)
    pipeline = Pipeline(tiny, device.backend)
    for round_ in range(3):
        for height in range(20, 40):
            pipeline.predict(_images(1, (height, 50))[0])
        if round_ == 0:
            taken = device.cuda.taken()
    assert device.cuda.taken() == taken
    pipeline.close()
    assert device.cuda.taken() == {}


def test_an_input_of_another_size_is_refused(tiny):
    """With the sizes there are."""
    with pytest.raises(BackendError, match='of size 32x64, 64x64'):
        Device(tiny).backend.infer(_images(1, (48, 64)))


def test_an_engine_of_another_network_is_refused(tiny):
    """Its outputs are not those of the manifest; nothing stays taken."""
    cuda = FakeCuda()
    engine = FakeEngine(cuda, ((32, 64, 3), 'uint8'), {'logits': (9, 8, 16)}, _network)
    with pytest.raises(BundleError, match='build the engine again'):
        TensorrtBackend(
            tiny, cuda, fake_trt(), {(32, 64): engine}, precision='float16', name='fake'
        )
    assert cuda.taken() == {}


def test_a_float16_engine_that_overflows_fails_the_gate(tiny):
    """The measured error is in the message."""

    def broken(images):
        found = _network(images)
        return found | {'logits': found['logits'] + np.float32(512)}

    device = Device(tiny, network=broken)
    with pytest.raises(BundleError, match=r'within float16 0\.05, found a difference of'):
        check_golden(tiny, device.backend)


def _run(device, tiny):
    """Predict frames of both sizes until there is a graph, and two images at once."""
    pipeline = Pipeline(tiny, device.backend)
    for hw in ((10, 20), (8, 8), (10, 20)):
        pipeline.predict(_images(1, hw)[0], options=Options(confidence=True))
    device.backend.infer(_images(2))


@pytest.mark.parametrize('lost', [False, True], ids=['once', 'from then on'])
@pytest.mark.parametrize('frames', [False, True], ids=['network', 'whole frames'])
@pytest.mark.filterwarnings('ignore:runs without a CUDA graph')
def test_whatever_call_fails_nothing_is_left(tiny, frames, lost):
    """Every single call of a session fails in turn; all errors are BackendError."""
    complete = Device(tiny, frames=frames, network=_zeros)
    _run(complete, tiny)
    count = len(complete.cuda.calls)
    complete.backend.close()
    assert count > 40

    failed = 0
    for fail_at in range(count):
        cuda = None
        try:
            device = _make(tiny, frames, fail_at, lost)
            cuda = device.cuda
            _run(device, tiny)
        except BackendError:
            failed += 1
        if cuda is not None:
            device.backend.close()
            assert cuda.taken() == {}, f'call {fail_at}: {cuda.calls[fail_at]}'
    assert failed > count / 2


def _zeros(images):
    count, hw = len(images), images.shape[1:3]
    cells = tuple(length // STRIDE for length in hw)
    return {
        'logits': np.zeros((count, len(CLASSES), *cells), np.float32),
        'depth': np.zeros((count, 1, *cells), np.float32),
    }


def _make(tiny, frames, fail_at, lost):
    """Make a device; where that fails already, nothing may be left of it."""
    made = []

    class Remembered(FakeCuda):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), 'FakeCuda', Remembered)
        try:
            return Device(tiny, frames=frames, network=_zeros, fail_at=fail_at, lost=lost)
        except BackendError:
            assert made[0].taken() == {}
            raise


def test_after_a_failure_the_next_run_is_right(tiny):
    """One copy that fails does not spoil what comes after it."""
    device, images = Device(tiny), _images(2)
    for _ in range(2):
        device.backend.infer(images)
    device.cuda.fail_at = len(device.cuda.calls) + 4
    with pytest.raises(BackendError, match='cudaErrorInjected'):
        device.backend.infer(255 - images)
    found = device.backend.infer(images)
    for name, value in _network(images).items():
        np.testing.assert_array_equal(found[name], value)


@pytest.fixture(scope='module')
def both(tiny):
    """Give the pipeline of either way."""
    ways = [Device(tiny, frames=frames).backend for frames in (True, False)]
    assert frames_problem(tiny, ways[0], ways[0].frames) == ''
    return [Pipeline(tiny, backend) for backend in ways]


class TestFrames:
    """Whole frames on the device against the same network with the processor around it."""

    @pytest.mark.parametrize('hw', [(40, 90), (32, 64), (80, 128), (1, 1), (64, 31)])
    def test_labels_and_depth_are_equal(self, both, hw):
        """Every pixel, with the camera's focal length and with confidence."""
        image = _images(1, hw)[0]
        found, expected = (
            pipeline.predict(image, focal_length_px=80.0, options=Options(confidence=True))
            for pipeline in both
        )
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_allclose(found.depth, expected.depth, rtol=1e-6)
        assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1

    @pytest.mark.parametrize(
        'options',
        [
            Options(segmentation=False),
            Options(depth=False),
            Options(segmentation=False, sky_depth='keep'),
            Options(depth=False, segmentation=False, confidence=True),
            Options(sky_depth='inf', min_depth_m=9.0, max_depth_m=11.0),
            Options(segmentation=False, depth=False),
        ],
    )
    def test_options(self, both, options):
        """What is not asked for is None, also on the device."""
        image = _images(1, (40, 90))[0]
        found, expected = (pipeline.predict(image, options=options) for pipeline in both)
        for name in ('labels', 'confidence', 'depth'):
            value, other = getattr(found, name), getattr(expected, name)
            assert (value is None) == (other is None), name
            if value is not None:
                np.testing.assert_allclose(value, other, rtol=1e-6, atol=name == 'confidence')

    def test_only_what_is_wanted_crosses_the_bus(self, tiny):
        """Depth alone: its copy and that of the flag, and no logits."""
        device = Device(tiny, frames=True)
        pipeline = Pipeline(tiny, device.backend)
        options = Options(segmentation=False, sky_depth='keep')
        image = _images(1, (40, 90))[0]
        pipeline.predict(image, options=options)
        device.cuda.calls.clear()
        pipeline.predict(image, options=options)
        assert device.cuda.calls.count('copy_to_host') == 2
        assert device.cuda.calls[-1] == 'synchronize'

    def test_grey_images(self, both):
        """As three equal channels."""
        image = _images(1, (40, 90))[0, ..., 0].copy()
        found, expected = (pipeline.predict(image) for pipeline in both)
        np.testing.assert_array_equal(found.labels, expected.labels)

    @pytest.mark.parametrize(('encoding', 'places'), [('bgr', [2, 1, 0]), ('bgra', [2, 1, 0])])
    def test_images_as_the_camera_gives_them(self, both, tiny, encoding, places):
        """Blue first, with or without a fourth channel."""
        from segformer_ros.inference.backend import FrameRequest
        from segformer_ros.inference.preprocess import fit

        image = np.random.default_rng(3).integers(0, 256, (40, 90, len(encoding)), np.uint8)
        request = FrameRequest(True, True, False, False, 1.0, (0.0, 1.0), None)
        frames = both[0]._backend.frames
        found = frames.predict(image, fit((40, 90), SIZES), request, encoding)
        expected = both[1].predict(np.ascontiguousarray(image[..., places]))
        np.testing.assert_array_equal(found.labels, expected.labels)

    @pytest.mark.parametrize('output', ['logits', 'depth'])
    def test_an_output_that_is_no_number_is_an_error(self, tiny, output):
        """The flag is seen on the device, and the frame is not published."""

        def broken(images):
            found = _network(images)
            found[output][0, 0, 3, 5] = np.nan
            return found

        pipeline = Pipeline(tiny, Device(tiny, frames=True, network=broken).backend)
        with pytest.raises(BackendError, match='NaN or infinity'):
            pipeline.predict(_images(1, (40, 90))[0])

    def test_frames_that_differ_are_found_when_the_network_is_loaded(self, tiny):
        """A kernel that computes something else is not used."""
        device = Device(tiny, frames=True)
        device.backend.frames._kernels.find_unusable = lambda *args: None
        good = device.backend.frames._kernels.decode_labels

        def shifted(stream, logits, *args):
            good(stream, logits + 4 * STRIDE, *args)

        device.backend.frames._kernels.decode_labels = shifted
        assert 'of the labels' in frames_problem(tiny, device.backend, device.backend.frames)
        device.backend.drop_frames()
        assert Pipeline(tiny, device.backend).predict(_images()[0]).labels is not None
        device.backend.close()
        assert device.cuda.taken() == {}
