# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network that does not compute what it computed at its export is not used."""

import json

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.inference.backend import load_backend
from segformer_ros.inference.golden_gate import check_golden
from segformer_ros.inference.pipeline import Pipeline
from tiny_bundle import expected_outputs, make_tiny_bundle


class FaultyBackend:
    """Adds a fault to the right outputs."""

    name = 'faulty'
    precision = 'float32'
    input_format = 'float32'
    supports_batch = True

    def __init__(self, inner, fault):
        """Wrap a backend."""
        self._inner, self._fault = inner, fault

    def infer(self, image, outputs=None):
        """Return the outputs with the fault."""
        return self._fault(self._inner.infer(image, outputs))

    def close(self):
        """Close nothing."""


@pytest.fixture
def tiny(tmp_path):
    """Return a bundle of two input sizes."""
    return bundle.read(make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128), (80, 128))))


def _add(name, value):
    def fault(outputs):
        outputs[name].flat[7] += value
        return outputs

    return fault


def test_the_difference_of_a_good_network_is_reported(tiny):
    """It is not zero, but far below the tolerance."""
    differences = check_golden(tiny, load_backend('onnxruntime', tiny, threads=1))
    assert set(differences) == {'logits', 'depth'}
    assert 0.0 < max(differences.values()) < 1e-5


@pytest.mark.parametrize('name', ['logits', 'depth'])
def test_one_wrong_number_is_refused_with_its_difference(tiny, name):
    """The sentence has tolerance and difference, and says what to do."""
    backend = FaultyBackend(load_backend('onnxruntime', tiny, threads=1), _add(name, 0.5))
    expected = (
        f'on faulty, input 64x128: expected golden {name} within 0.0001, found a difference of '
        '0.5: use another backend or export the network again'
    )
    with pytest.raises(bundle.BundleError, match=expected):
        check_golden(tiny, backend)


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tiny, value):
    """NaN is larger than any tolerance."""
    backend = FaultyBackend(load_backend('onnxruntime', tiny, threads=1), _add('logits', value))
    with pytest.raises(bundle.BundleError, match=r'a difference of (nan|inf)'):
        check_golden(tiny, backend)


def test_a_missing_output_is_refused(tiny):
    """A backend must give every output of the manifest, in its shape."""
    inner = load_backend('onnxruntime', tiny, threads=1)
    missing = FaultyBackend(inner, lambda outputs: {'logits': outputs['logits']})
    with pytest.raises(bundle.BundleError, match=r'expected depth of shape .*, found none'):
        check_golden(tiny, missing)
    cut = FaultyBackend(inner, lambda outputs: {**outputs, 'depth': outputs['depth'][:, :, 1:]})
    with pytest.raises(bundle.BundleError, match=r'found \(1, 1, 15, 32\)'):
        check_golden(tiny, cut)


def test_every_input_size_is_checked(tmp_path):
    """A second graph whose expectation is another one refuses the bundle at load."""
    path = make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128), (80, 128)))
    outputs = expected_outputs(bundle.golden_image(7, 80, 128))
    outputs['logits'] += np.float32(0.01)
    content = json.loads((path / 'manifest.json').read_text())
    files = {name: path / name for name in content.pop('files')}
    files['golden_80x128.npz'] = bundle.pack_golden(outputs)
    bundle.write(tmp_path / 'other', content, files)

    Pipeline.load(path, threads=1)
    with pytest.raises(bundle.BundleError, match=r'input 80x128: .* found a difference of 0\.01'):
        Pipeline.load(tmp_path / 'other', threads=1)


@pytest.mark.parametrize(('share', 'good'), [(0.01, True), (0.03, False)])
def test_a_reduced_precision_must_keep_the_classes(tiny, share, good):
    """Few cells may get the class that was second before, however small the difference is."""

    def confuse(outputs):
        logits = outputs['logits'].copy()
        second, first = np.sort(logits, axis=1)[:, -2:].transpose(1, 0, 2, 3)
        lead = first - second
        close = lead < np.quantile(lead, share)
        logits -= 1.01 * (logits == first[:, None]) * (lead * close)[:, None]
        return {**outputs, 'logits': logits}

    backend = FaultyBackend(load_backend('onnxruntime', tiny, threads=1), confuse)
    backend.precision = 'bfloat16'
    if good:
        assert 0.0 < check_golden(tiny, backend)['logits'] < 0.01
    else:
        with pytest.raises(bundle.BundleError, match=r'the class of 98% .*, found that of 96\.9%'):
            check_golden(tiny, backend)


@pytest.mark.parametrize(('noise', 'good'), [(0.01, True), (0.2, False), (np.nan, False)])
def test_a_reduced_precision_is_evaluated_by_its_relative_error(tiny, noise, good):
    """Noise of one in a hundred passes, of one in five not."""
    random = np.random.default_rng(0)

    def shake(outputs):
        return {
            name: value + noise * value.std() * random.normal(size=value.shape).astype('f4')
            for name, value in outputs.items()
        }

    backend = FaultyBackend(load_backend('onnxruntime', tiny, threads=1), shake)
    backend.precision = 'bfloat16'
    if good:
        assert 0.0 < max(check_golden(tiny, backend).values()) < 0.02
    else:
        with pytest.raises(bundle.BundleError, match=r'golden logits within bfloat16 0\.05, fou'):
            check_golden(tiny, backend)
