# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Engines that run the network."""

import sys

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.inference.backend import BackendError, load_backend
from tiny_bundle import expected_outputs, make_tiny_bundle


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Give a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=((64, 128), (80, 128))))


@pytest.mark.parametrize('name', ['auto', 'onnxruntime'])
def test_the_outputs_are_those_of_the_network(tiny, name):
    """They agree with numpy on the golden image of every input size."""
    backend = load_backend(name, tiny, threads=1)
    for size in tiny.manifest.input_sizes:
        image, expected = tiny.golden(size)
        mean, std = np.array(tiny.manifest.mean), np.array(tiny.manifest.std)
        planes = ((image / 255.0 - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
        outputs = backend.infer(planes)
        assert set(outputs) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(outputs[key], value, atol=1e-5)
    assert backend.supports_batch
    assert backend.name.startswith('onnxruntime')
    backend.close()


def test_a_batch_gives_what_single_images_give(tiny):
    """Three at once are three alone."""
    backend = load_backend('auto', tiny, threads=1)
    planes = np.random.default_rng(0).normal(0.0, 1.0, (3, 3, 64, 128)).astype(np.float32)

    together = backend.infer(planes)

    for index in range(3):
        alone = backend.infer(planes[index : index + 1])
        np.testing.assert_allclose(together['logits'][index], alone['logits'][0], atol=1e-5)


def test_a_graph_for_one_image_takes_no_batch(tmp_path):
    """The pipeline then runs the images one after the other."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', batch=False))
    backend = load_backend('auto', tiny, threads=1)
    assert not backend.supports_batch
    with pytest.raises(BackendError, match='onnxruntime has failed'):
        backend.infer(np.zeros((2, 3, 64, 128), np.float32))


def test_another_input_size_is_refused(tiny):
    """The sizes that there are graphs for are named."""
    backend = load_backend('auto', tiny, threads=1)
    with pytest.raises(BackendError, match=r'64x128, 80x128, got shape \(1, 3, 32, 32\)'):
        backend.infer(np.zeros((1, 3, 32, 32), np.float32))


def test_unknown_names_and_numbers_are_refused(tiny):
    """Known names are listed."""
    with pytest.raises(ValueError, match="one of auto, onnxruntime, not 'cuda'"):
        load_backend('cuda', tiny)
    with pytest.raises(ValueError, match='threads must be 0 or more, not -1'):
        load_backend('auto', tiny, threads=-1)


def test_a_missing_engine_says_how_to_install_it(tiny, monkeypatch):
    """ImportError never reaches the user as it is."""
    monkeypatch.delitem(sys.modules, 'segformer_ros.inference.onnxruntime_backend', False)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(BackendError, match=r'not installed .*: pip install onnxruntime'):
        load_backend('onnxruntime', tiny)


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    """The manifest may be right about a file that is not a network."""
    path = make_tiny_bundle(tmp_path / 'tiny')
    tiny = bundle.read(path)
    (path / 'network_64x128.onnx').write_bytes(b'no graph')
    with pytest.raises(BackendError, match=r'cannot load .*network_64x128\.onnx') as caught:
        load_backend('auto', tiny)
    assert len(str(caught.value).splitlines()) == 1


def test_a_graph_that_is_not_what_the_manifest_says_is_refused(tmp_path):
    """A graph of another size under the name of this one."""
    path = make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128), (80, 128)))
    tiny = bundle.read(path)
    (path / 'network_80x128.onnx').replace(path / 'network_64x128.onnx')
    with pytest.raises(bundle.BundleError, match=r'network_64x128\.onnx: expected inputs'):
        load_backend('auto', tiny)


def test_weights_beside_the_bundle_are_never_taken(tmp_path):
    """Without its weights a graph cannot be loaded; nothing is searched elsewhere."""
    path = make_tiny_bundle(tmp_path / 'tiny')
    tiny = bundle.read(path)
    (path / 'weights.bin').replace(tmp_path / 'weights.bin')
    with pytest.raises(BackendError, match='cannot load'):
        load_backend('auto', tiny)


def test_the_reference_outputs_follow_the_image():
    """The tiny network is no constant, so that tests which use it mean something."""
    outputs = expected_outputs(bundle.golden_image(1, 64, 128))
    assert len(np.unique(outputs['logits'].argmax(axis=1))) > 2
    assert np.exp(outputs['depth']).std() > 0.1
