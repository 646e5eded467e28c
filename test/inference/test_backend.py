# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Engines that run the network: what all of them do alike."""

import shutil
import sys

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.inference.backend import BackendError, load_backend
from segformer_ros.inference.backend_table import TABLE
from segformer_ros.inference.golden_gate import check_golden, golden_input
from tiny_bundle import expected_outputs, file_of, make_tiny_bundle

BOTH = ('logits', 'depth')
FULL = ('any', 'float32', BOTH)
EXACT = ('onnxruntime', 'openvino')


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=((64, 128), (80, 128))))


@pytest.fixture(params=EXACT)
def exact(request):
    """Return the name of each backend that computes in float32."""
    pytest.importorskip(f'segformer_ros.inference.{TABLE[request.param].package}_backend')
    return request.param


def _planes(image, manifest):
    mean, std = np.array(manifest.mean), np.array(manifest.std)
    return ((image / 255.0 - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)


def _assert_equal(found, expected, names=BOTH):
    assert set(found) == set(names)
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_the_outputs_are_those_of_the_network(tiny, exact):
    """They agree with numpy on the golden image of every input size."""
    backend = load_backend(exact, tiny, threads=1)
    for size in tiny.manifest.input_sizes:
        image, expected = tiny.golden(size)
        _assert_equal(backend.infer(_planes(image, tiny.manifest)), expected)
    assert backend.name.startswith(exact)
    assert (backend.precision, backend.input_format) == ('float32', 'float32')
    backend.close()


def test_arrays_of_one_run_are_not_those_of_the_next(tiny, exact):
    """What was given stays as it is."""
    backend = load_backend(exact, tiny, threads=1)
    images = np.random.default_rng(0).normal(0.0, 1.0, (2, 1, 3, 64, 128)).astype(np.float32)
    first = backend.infer(images[0])
    kept = {name: value.copy() for name, value in first.items()}
    backend.infer(images[1])
    for name, value in kept.items():
        np.testing.assert_array_equal(first[name], value)


def test_the_image_may_be_written_again_after_a_run(tiny, exact):
    """The backend reads it only during the call."""
    backend = load_backend(exact, tiny, threads=1)
    image, expected = tiny.golden(tiny.manifest.input_sizes[0])
    planes = _planes(255 - image, tiny.manifest)
    backend.infer(planes)
    planes[:] = _planes(image, tiny.manifest)
    _assert_equal(backend.infer(planes), expected)


def test_another_input_size_is_refused(tiny, exact):
    """The sizes that there are graphs for are named."""
    backend = load_backend(exact, tiny, threads=1)
    with pytest.raises(BackendError, match=r'64x128, 80x128, got shape \(1, 3, 32, 32\)'):
        backend.infer(np.zeros((1, 3, 32, 32), np.float32))


def test_more_images_than_a_graph_takes_are_an_error_of_the_engine(tmp_path, exact):
    """One sentence in the words of the engine."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', batch=False))
    backend = load_backend(exact, tiny, threads=1)
    assert not backend.supports_batch
    with pytest.raises(BackendError, match=f'^{exact} has failed: .*$'):
        backend.infer(np.zeros((2, 3, 64, 128), np.float32))


def test_the_input_in_bytes_is_normalised_in_the_graph(tmp_path, exact):
    """A bundle with such a graph alone makes the backend ask for bytes."""
    kinds = (('any', 'uint8', BOTH),)
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', kinds=kinds))
    backend = load_backend(exact, tiny, threads=1)
    image, expected = tiny.golden(tiny.manifest.input_sizes[0])
    assert backend.input_format == 'uint8'
    _assert_equal(backend.infer(image[None]), expected)


def test_planes_are_preferred_to_bytes(tmp_path, exact):
    """Where a bundle has both graphs for any engine."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', kinds=(('any', 'uint8', BOTH), FULL)))
    assert load_backend(exact, tiny, threads=1).input_format == 'float32'


def test_the_graph_for_the_engine_is_preferred(tmp_path, exact):
    """Also where it takes another input than the graph for any engine."""
    kinds = (FULL, (exact, 'uint8', BOTH))
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', kinds=kinds))
    assert load_backend(exact, tiny, threads=1).input_format == 'uint8'


@pytest.mark.parametrize('names', [('logits',), ('depth',)])
def test_one_output_is_given_without_the_other(tiny, exact, names):
    """A bundle without a graph for one task has its whole graph run."""
    backend = load_backend(exact, tiny, threads=1)
    size = tiny.manifest.input_sizes[0]
    image, expected = tiny.golden(size)
    _assert_equal(backend.infer(_planes(image, tiny.manifest), names), expected, names)


@pytest.mark.parametrize('name', BOTH)
def test_the_graph_of_one_task_runs_alone(tmp_path, exact, name):
    """The other output is not computed: the graph that is opened for it does not have it."""
    kinds = (FULL, ('any', 'float32', (name,)))
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', kinds=kinds))
    backend = load_backend(exact, tiny, threads=1)
    opened = _watch(backend)
    image, _ = tiny.golden(tiny.manifest.input_sizes[0])
    planes = _planes(image, tiny.manifest)

    whole = backend.infer(planes)
    assert opened == []
    alone = [backend.infer(planes, (name,)) for _ in range(2)]

    assert opened == [(name,)]
    for found in alone:
        assert set(found) == {name}
        np.testing.assert_allclose(found[name], whole[name], atol=1e-5)


def _watch(backend):
    """Return a list that gets the outputs of every graph that is opened from now on."""
    opened, engine = [], backend._engine
    original = engine.open

    def open_graph(path, outputs):
        session = original(path, outputs)
        opened.append(tuple(session.signature.outputs))
        return session

    engine.open = open_graph
    return opened


def test_a_wrong_graph_of_one_task_is_not_used(tmp_path, exact):
    """It is checked like every graph, and the whole one runs in its place."""
    one = ('any', 'float32', ('logits',))
    path = make_tiny_bundle(tmp_path / 'tiny', kinds=(FULL, one))
    tiny = bundle.read(path)
    _swap_weights(path / file_of(one, 64, 128))
    backend = load_backend(exact, tiny, threads=1)
    image, expected = tiny.golden(tiny.manifest.input_sizes[0])
    planes = _planes(image, tiny.manifest)

    with pytest.warns(RuntimeWarning, match=r'\(logits alone\), input 64x128: expected golden'):
        found = backend.infer(planes, ('logits',))

    _assert_equal(found, expected, ('logits',))
    _assert_equal(backend.infer(planes, ('logits',)), expected, ('logits',))


def _swap_weights(path):
    """Let the graph take its bias from the place of its first weights."""
    content = path.read_bytes()
    place = content.index(b'logits_bias', content.index(b'weights.bin'))
    offset = content.index(b'offset', place)
    digits = content.index(b'\x12', offset) + 1
    count = content[digits]
    path.write_bytes(content[: digits + 1] + b'0' * count + content[digits + 1 + count :])


def test_a_missing_engine_says_how_to_install_it(tiny, monkeypatch):
    """ImportError never reaches the user as it is."""
    for name, command in (
        ('onnxruntime', 'pip install onnxruntime'),
        ('openvino', 'pip install openvino'),
        ('openvino_bfloat16', 'pip install openvino'),
    ):
        package = TABLE[name].package
        monkeypatch.delitem(sys.modules, f'segformer_ros.inference.{package}_backend', False)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(BackendError, match=f'^backend {name} is not installed .*: {command}$'):
            load_backend(name, tiny)


def test_unknown_names_and_numbers_are_refused(tiny):
    """Known names are listed."""
    with pytest.raises(ValueError, match=f"one of {', '.join(TABLE)}, not 'cuda'"):
        load_backend('cuda', tiny)
    with pytest.raises(ValueError, match='threads must be 0 or more, not -1'):
        load_backend('onnxruntime', tiny, threads=-1)


def test_a_file_that_is_no_graph_is_refused(tmp_path, exact):
    """The manifest may be right about a file that is not a network."""
    path = make_tiny_bundle(tmp_path / 'tiny')
    tiny = bundle.read(path)
    (path / 'network_64x128.onnx').write_bytes(b'no graph')
    with pytest.raises(BackendError, match=r'cannot load .*network_64x128\.onnx') as caught:
        load_backend(exact, tiny)
    assert len(str(caught.value).splitlines()) == 1


def test_a_graph_that_is_not_what_the_manifest_says_is_refused(tmp_path, exact):
    """A graph of another size, or of another input, under the name of this one."""
    path = make_tiny_bundle(
        tmp_path / 'tiny', sizes=((64, 128), (80, 128)), kinds=(FULL, ('any', 'uint8', BOTH))
    )
    tiny = bundle.read(path)
    for other in ('network_80x128.onnx', 'network_uint8_64x128.onnx'):
        shutil.copyfile(path / other, path / 'network_64x128.onnx')
        with pytest.raises(bundle.BundleError, match=r'network_64x128\.onnx: expected inputs'):
            load_backend(exact, tiny)


def test_weights_next_to_the_bundle_are_never_taken(tmp_path, exact):
    """Without its weights a graph cannot be loaded; nothing is searched elsewhere."""
    path = make_tiny_bundle(tmp_path / 'tiny')
    tiny = bundle.read(path)
    (path / 'weights.bin').replace(tmp_path / 'weights.bin')
    with pytest.raises(BackendError, match='cannot load'):
        load_backend(exact, tiny)


def test_the_golden_input_is_that_of_the_backend(tiny):
    """Planes are the bytes, normalised."""
    size = tiny.manifest.input_sizes[0]
    image, _ = tiny.golden(size)
    np.testing.assert_array_equal(golden_input(tiny, size, 'uint8'), image[None])
    planes = golden_input(tiny, size, 'float32')
    np.testing.assert_allclose(planes, _planes(image, tiny.manifest), atol=1e-6)


def test_the_golden_check_passes_on_every_exact_backend(tiny, exact):
    """The differences are those of another order of the sums."""
    differences = check_golden(tiny, load_backend(exact, tiny, threads=1))
    assert set(differences) == set(BOTH)
    assert max(differences.values()) < 1e-5


def test_the_reference_outputs_follow_the_image():
    """The tiny network is no constant, so that tests which use it mean something."""
    outputs = expected_outputs(bundle.golden_image(1, 64, 128))
    assert len(np.unique(outputs['logits'].argmax(axis=1))) > 2
    assert np.exp(outputs['depth']).std() > 0.1
