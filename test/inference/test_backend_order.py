# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is tried first, what stands in for it, and what is refused on the way."""

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.bundle import BundleError
from segformer_ros.inference import backend_choice, backend_order
from segformer_ros.inference.backend import BackendError, EngineMissingError, load_backend
from segformer_ros.inference.backend_order import order_of, order_with_fallbacks
from tiny_bundle import make_tiny_bundle

ON_A_GPU = ('tensorrt_float16', 'tensorrt_float32', 'torch_float16', 'torch', 'cpu')


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """Let there be a GPU."""
    monkeypatch.setattr(backend_order, 'has_gpu', lambda: True)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle."""
    return bundle.read(make_tiny_bundle(tmp_path_factory.mktemp('models') / 'tiny'))


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    """And 'auto' is the processor alone."""
    monkeypatch.undo()
    if backend_order.has_gpu():
        pytest.skip('there is a GPU here')
    assert order_of('auto', 'any') == ('cpu',)


@pytest.mark.parametrize(
    ('name', 'precision', 'expected'),
    [
        ('auto', 'any', ON_A_GPU),
        ('auto', 'float32', ('tensorrt_float32', 'torch', 'cpu')),
        ('tensorrt', 'float32', ('tensorrt_float16', 'tensorrt_float32')),
        ('tensorrt_bfloat16', 'float32', ('tensorrt_bfloat16',)),
        ('openvino', 'float32', ('openvino',)),
    ],
)
def test_the_order_of_a_name(name, precision, expected):
    """On a machine with a GPU."""
    assert order_of(name, precision) == expected


@pytest.mark.parametrize(
    ('name', 'precision', 'expected'),
    [
        ('auto', 'any', ON_A_GPU),
        ('tensorrt', 'any', ON_A_GPU),
        ('tensorrt_float32', 'any', ('tensorrt_float32', *ON_A_GPU[:1], *ON_A_GPU[2:])),
        ('torch_float16', 'any', ON_A_GPU[2:]),
        ('torch', 'float32', ('torch', 'cpu')),
        ('onnxruntime', 'any', ('onnxruntime',)),
    ],
)
def test_the_order_of_stand_in_backends(name, precision, expected):
    """For a backend of the GPU others of it, then the processor; for one of that, nothing."""
    assert order_with_fallbacks(name, precision) == expected


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('auto', ON_A_GPU[:2]), ('tensorrt', ON_A_GPU[:2]), ('tensorrt_float16', ON_A_GPU[:1])],
)
def test_required_tensorrt_has_no_stand_in(name, expected):
    """Its precisions alone."""
    assert order_with_fallbacks(name, 'float32', require_tensorrt=True) == expected


@pytest.mark.parametrize('name', ['onnxruntime', 'torch'])
def test_another_backend_contradicts_require_tensorrt(name):
    """It is said with the name."""
    with pytest.raises(ValueError, match=f"contradicts the backend '{name}'"):
        order_with_fallbacks(name, 'float32', require_tensorrt=True)


class Overflowing:
    """An engine whose logits are wrong by 512."""

    input_format, precision, supports_batch = 'float32', 'float16', False
    name = 'tensorrt 10.9 float16'
    closed = False

    def __init__(self, inner):
        self._inner = inner

    def infer(self, image, outputs=None):
        """Return what was seen in the field."""
        found = self._inner.infer(image, outputs)
        return found | {'logits': found['logits'] + np.float32(512)}

    def close(self):
        """Remember it."""
        self.closed = True


def _doubles(monkeypatch, **made):
    """Stand in for load_backend: a backend or an error by name."""

    def load(name, files, **kwargs):
        if isinstance(made[name], Exception):
            raise made[name]
        return made[name]

    monkeypatch.setattr(backend_choice, 'load_backend', load)


def test_an_engine_that_overflows_gives_way_to_the_next_precision(monkeypatch, tiny):
    """The measured error is in the reason, and its memory is free."""
    broken = Overflowing(load_backend('onnxruntime', tiny, threads=1))
    good = load_backend('onnxruntime', tiny, threads=1)
    _doubles(monkeypatch, tensorrt_float16=broken, tensorrt_float32=good)

    loaded = backend_choice.load('auto', tiny, precision='any')

    assert loaded.backend is good
    assert broken.closed
    assert loaded.reason.startswith('asked for; tensorrt_float16 refused: ')
    assert 'golden logits within float16 0.05, found a difference of' in loaded.reason


def test_an_engine_that_is_missing_gives_way_too(monkeypatch, tiny):
    """The reason says which command makes it."""
    missing = EngineMissingError('segformer build-engine makes them', ())
    gone = BackendError('not installed')
    good = load_backend('onnxruntime', tiny, threads=1)
    _doubles(monkeypatch, tensorrt_float32=missing, torch=gone, onnxruntime=good, openvino=gone)

    loaded = backend_choice.load('auto', tiny)

    assert loaded.backend is good
    assert 'tensorrt_float32 refused: segformer build-engine makes them' in loaded.reason
    assert 'torch refused: not installed' in loaded.reason


def test_all_refusals_are_reported(monkeypatch, tiny):
    """Where nothing is left."""
    _doubles(
        monkeypatch,
        tensorrt_float16=BundleError('x', expected='1', found='2', do='3'),
        tensorrt_float32=BackendError('no engine'),
    )
    with pytest.raises(BackendError, match=r'tensorrt_float32: no engine; tensorrt_float16: x'):
        backend_choice.load('tensorrt', tiny)
