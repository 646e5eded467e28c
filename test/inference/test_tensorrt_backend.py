# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The run path of TensorRT, on doubles of the device and of the engine.

It proves the order of calls, addresses, shapes and what happens after errors; the kernels run on
the processor. It proves nothing about a real GPU: that is test/cuda_device.
"""

from engines.doubles import fake_trt, FakeCuda, FakeEngine
from inference.device_rig import Device, images_of, network, SIZES
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.bundle import BundleError
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.golden_gate import check_golden
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.tensorrt_backend import TensorrtBackend
from tiny_bundle import CLASSES, make_tiny_bundle, STRIDE


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=SIZES))


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
    images = images_of()
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
    np.testing.assert_array_equal(found['logits'], network(images)['logits'])
    device.backend.close()


@pytest.mark.parametrize(('graphs', 'has_graphs'), [(False, True), (True, False)])
def test_without_graphs_every_run_is_a_call(tiny, graphs, has_graphs):
    """Because it was asked for, or because the package has none."""
    device = Device(tiny, graphs=graphs, has_graphs=has_graphs)
    images = images_of()
    for _ in range(3):
        found = device.backend.infer(images)
    assert device.executed() == (3, 0)
    np.testing.assert_array_equal(found['depth'], network(images)['depth'])


@pytest.mark.parametrize('call', ['begin_capture', 'end_capture', 'execute_async_v3'])
def test_a_graph_that_cannot_be_captured_is_done_without(tiny, call):
    """With a warning, once; the outputs are right all the same."""
    device, images = Device(tiny), images_of()
    device.backend.infer(images)
    wanted = {'begin_capture': 2, 'execute_async_v3': 3, 'end_capture': 4}[call]
    device.cuda.fail_at = len(device.cuda.calls) + wanted
    with pytest.warns(RuntimeWarning, match='runs without a CUDA graph'):
        found = device.backend.infer(images)
    assert device.cuda.calls[device.cuda.fail_at] == call
    for name, value in network(images).items():
        np.testing.assert_array_equal(found[name], value)
    device.backend.infer(images)
    assert device.executed()[1] == 0
    device.backend.close()
    assert device.cuda.taken() == {}


@pytest.mark.parametrize('most_images', [1, 2, 4])
@pytest.mark.parametrize('count', [1, 2, 3, 6])
def test_any_number_ofimages_of(tiny, most_images, count):
    """In pieces of what the engine takes, in two lanes, in their order."""
    device, images = Device(tiny, most_images=most_images), images_of(count)
    for _ in range(3):
        found = device.backend.infer(images)
        for name, value in network(images).items():
            np.testing.assert_array_equal(found[name], value)
    streams = device.cuda.taken()['streams']
    sizes = {min(most_images, count - at) for at in range(0, count, most_images)}
    assert streams <= 2 * len(sizes)
    device.backend.close()
    assert device.cuda.taken() == {}


def test_the_second_lane_begins_before_the_first_has_ended(tiny):
    """Both copies in and both runs are in their streams before anything is waited for."""
    device = Device(tiny)
    images = images_of(2)
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
    first = device.backend.infer(images_of())
    kept = first['logits'].copy()
    device.backend.infer(255 - images_of())
    np.testing.assert_array_equal(first['logits'], kept)


def test_memory_does_not_grow(tiny):
    """A hundred frames of both sizes and of many shapes take what the first ones took."""
    device = Device(tiny, frames=True)
    pipeline = Pipeline(tiny, device.backend)
    for round_ in range(3):
        for height in range(20, 40):
            pipeline.predict(images_of(1, (height, 50))[0])
        if round_ == 0:
            taken = device.cuda.taken()
    assert device.cuda.taken() == taken
    pipeline.close()
    assert device.cuda.taken() == {}


def test_an_input_of_another_size_is_refused(tiny):
    """With the sizes there are."""
    with pytest.raises(BackendError, match='of size 32x64, 64x64'):
        Device(tiny).backend.infer(images_of(1, (48, 64)))


def test_an_engine_of_another_network_is_refused(tiny):
    """Its outputs are not those of the manifest; nothing stays taken."""
    cuda = FakeCuda()
    engine = FakeEngine(cuda, ((32, 64, 3), 'uint8'), {'logits': (9, 8, 16)}, network)
    with pytest.raises(BundleError, match='build the engine again'):
        TensorrtBackend(
            tiny, cuda, fake_trt(), {(32, 64): engine}, precision='float16', name='fake'
        )
    assert cuda.taken() == {}


def test_a_float16_engine_that_overflows_fails_the_gate(tiny):
    """The measured error is in the message."""

    def broken(images):
        found = network(images)
        return found | {'logits': found['logits'] + np.float32(512)}

    device = Device(tiny, network=broken)
    with pytest.raises(BundleError, match=r'within float16 0\.05, found a difference of'):
        check_golden(tiny, device.backend)


def _run(device, tiny):
    """Predict frames of both sizes until there is a graph, and two images at once."""
    pipeline = Pipeline(tiny, device.backend)
    for hw in ((10, 20), (8, 8), (10, 20)):
        pipeline.predict(images_of(1, hw)[0], options=Options(confidence=True))
    device.backend.infer(images_of(2))


@pytest.mark.parametrize('lost', [False, True], ids=['once', 'from then on'])
@pytest.mark.parametrize('frames', [False, True], ids=['network', 'whole frames'])
@pytest.mark.filterwarnings('ignore:runs without a CUDA graph')
def test_every_failing_call_releases_everything(tiny, frames, lost):
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

    try:
        return Device(
            tiny, frames=frames, network=_zeros, make_cuda=Remembered, fail_at=fail_at, lost=lost
        )
    except BackendError:
        assert made[0].taken() == {}
        raise


def test_after_a_failure_the_next_run_is_right(tiny):
    """One copy that fails does not spoil what comes after it."""
    device, images = Device(tiny), images_of(2)
    for _ in range(2):
        device.backend.infer(images)
    device.cuda.fail_at = len(device.cuda.calls) + 4
    with pytest.raises(BackendError, match='cudaErrorInjected'):
        device.backend.infer(255 - images)
    found = device.backend.infer(images)
    for name, value in network(images).items():
        np.testing.assert_array_equal(found[name], value)
