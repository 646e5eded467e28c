# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What only OpenVINO does: precisions, its cache, and what it must not do."""

from concurrent.futures import ThreadPoolExecutor
import ctypes
import gc
import os
from pathlib import Path
import stat
import subprocess
import sys

import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest
from segformer_ros import bundle
from segformer_ros.cache_folder import cache_folder
from segformer_ros.inference.backend import BackendError, load_backend
from segformer_ros.inference.golden_gate import check_golden, golden_input
from tiny_bundle import make_tiny_bundle

# Not openvino itself: its import reports to its makers, which the backend prevents.
backend_module = pytest.importorskip('segformer_ros.inference.openvino_backend')

SILENT = """
import sys
def watch(event, arguments):
    if event in ('os.fork', 'os.exec', 'subprocess.Popen', 'socket.connect', 'socket.getaddrinfo'):
        raise AssertionError(event)
sys.addaudithook(watch)
import segformer_ros.inference.openvino_backend
import openvino
openvino.Core()
"""


class _SignalStack(ctypes.Structure):
    """stack_t of signal.h."""

    _fields_ = (('start', ctypes.c_void_p), ('flags', ctypes.c_int), ('size', ctypes.c_size_t))


def _signal_stack():
    stack = _SignalStack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return every test a cache of its own, and the folder of the blobs in it."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'segformer_ros' / 'openvino'


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle."""
    return bundle.read(make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny'))


def _compiled(backend):
    (session,) = backend._whole.values()
    request = session._idle.get()
    session._idle.put(request)
    return request.get_compiled_model()


def _run(backend, tiny):
    return backend.infer(golden_input(tiny, tiny.manifest.input_sizes[0], 'float32'))


def test_telemetry_of_openvino_is_off(tmp_path):
    """OpenVINO's import would start a process that does, and write to the home of the user."""
    environment = {**os.environ, 'HOME': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-c', SILENT], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_settings_are_those_that_were_asked_for(tiny):
    """Exact, for one image at a time, and without threads that are tied to one core."""
    compiled = _compiled(load_backend('openvino', tiny, threads=1))
    assert compiled.get_property('INFERENCE_PRECISION_HINT').get_type_name() == 'f32'
    assert compiled.get_property('INFERENCE_NUM_THREADS') == 1
    assert not compiled.get_property('ENABLE_CPU_PINNING')
    assert tuple(compiled.inputs[0].shape) == (1, 3, 64, 128)


def test_bfloat16_runs_where_the_cpu_has_it(tiny):
    """Near the golden outputs, and not at them; elsewhere one sentence says so."""
    known = backend_module._core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
    if 'BF16' not in known:
        with pytest.raises(BackendError, match='expected a CPU with bfloat16'):
            load_backend('openvino_bfloat16', tiny, threads=1)
        return
    backend = load_backend('openvino_bfloat16', tiny, threads=1)
    assert backend.precision == 'bfloat16'
    assert backend.name.endswith('cpu bfloat16')
    exact = _run(load_backend('openvino', tiny, threads=1), tiny)
    difference = np.abs(_run(backend, tiny)['logits'] - exact['logits']).max()
    assert 1e-4 < difference < 0.1
    assert max(check_golden(tiny, backend).values()) < 0.02


def test_backends_that_are_gone_leave_the_stack_of_signals_as_it_was(tiny):
    """The older one went first: the next SIGINT or SIGTERM ended the process at once."""
    one = load_backend('openvino', tiny, threads=1)
    before = _signal_stack()
    other = load_backend('openvino', tiny, threads=1)
    assert _signal_stack() == before
    del one
    gc.collect()
    assert _signal_stack() == before
    del other
    gc.collect()
    assert _signal_stack() == before
    assert before is None or any(
        low <= before < high
        for low, high in (
            (int(end, 16) for end in line.split()[0].split('-'))
            for line in Path('/proc/self/maps').read_text().splitlines()
        )
    )


def test_without_bfloat16_on_the_cpu_an_alternative_is_named(tiny, monkeypatch):
    """It would be slower than float32 there, if it ran."""

    class OldProcessor:
        """Knows what processors of 2015 do."""

        def get_property(self, device, name):
            """Return the precisions."""
            return ['FP32', 'INT8']

    monkeypatch.setattr(backend_module, '_core', OldProcessor)
    with pytest.raises(BackendError, match=r'has FP32, INT8: use the backend openvino$'):
        load_backend('openvino_bfloat16', tiny, threads=1)


def test_an_operator_that_it_does_not_know_is_named(tmp_path):
    """As those of ONNX Runtime alone."""
    path = make_tiny_bundle(tmp_path / 'tiny')
    tiny = bundle.read(path)
    shape = [1, 3, 64, 128]
    node = helper.make_node('Fused', ['image'], ['logits'], domain='com.microsoft')
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ('image', 'logits')
    ]
    graph = helper.make_graph([node], 'g', ends[:1], ends[1:])
    opsets = [helper.make_opsetid('', 17), helper.make_opsetid('com.microsoft', 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, path / 'network_64x128.onnx')
    with pytest.raises(BackendError, match=r'cannot load .*com\.microsoft\.Fused') as caught:
        load_backend('openvino', tiny, threads=1)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_compiled_is_kept_for_the_user_alone(tiny, cache):
    """The second start takes it from there, with the same names and numbers."""
    first = load_backend('openvino', tiny, threads=1)
    (blob,) = cache.rglob('*.blob')
    assert stat.S_IMODE(blob.parent.stat().st_mode) == 0o700
    second = load_backend('openvino', tiny, threads=1)
    assert not _compiled(first).get_property('LOADED_FROM_CACHE')
    assert _compiled(second).get_property('LOADED_FROM_CACHE')
    for name, value in _run(first, tiny).items():
        np.testing.assert_array_equal(_run(second, tiny)[name], value)


@pytest.mark.parametrize('length', [0, 64, -100])
def test_half_of_a_cached_file_is_compiled_again(tiny, cache, length):
    """A full disk or a lost process leaves such a file."""
    expected = _run(load_backend('openvino', tiny, threads=1), tiny)
    (blob,) = cache.rglob('*.blob')
    content = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(content[:length])
    backend = load_backend('openvino', tiny, threads=1)
    assert not _compiled(backend).get_property('LOADED_FROM_CACHE')
    np.testing.assert_array_equal(_run(backend, tiny)['logits'], expected['logits'])


def test_without_a_cache_it_is_compiled_at_every_start(tiny, cache, monkeypatch):
    """As with a home that cannot be written."""
    monkeypatch.setattr(backend_module, 'cache_folder', lambda *_: None)
    for _ in range(2):
        backend = load_backend('openvino', tiny, threads=1)
        assert not _compiled(backend).get_property('LOADED_FROM_CACHE')
    assert not cache.exists()


def test_networks_that_were_not_used_for_long_leave_the_cache(tiny):
    """Eight are kept."""
    folder = cache_folder('openvino', backend_module._VERSION)
    for age in range(10):
        other = folder / f'{age:016x}'
        other.mkdir()
        (other / 'file.blob').write_bytes(b'compiled')
        os.utime(other, (1e9 - age, 1e9 - age))
    load_backend('openvino', tiny, threads=1)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 8
    assert names[:7] == [f'{age:016x}' for age in range(7)]


def test_threads_that_share_the_cpus_compute_the_same_at_once(tiny):
    """Each of two has a request of its own, and half of the threads; one more waits for it."""
    size = tiny.manifest.input_sizes[0]
    images = np.random.default_rng(5).standard_normal((12, 1, 3, size.height, size.width))
    images = images.astype(np.float32)
    alone = load_backend('openvino', tiny, threads=1)
    expected = [alone.infer(image) for image in images]
    shared = load_backend('openvino', tiny, threads=2)
    assert shared.share(2) == 2
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(shared.infer, images))
    model = _compiled(shared)
    assert model.get_property('NUM_STREAMS') == 2
    assert model.get_property('INFERENCE_NUM_THREADS') == 2
    for one, other in zip(expected, found, strict=True):
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-5, atol=1e-5)
