# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TorchScript files of a bundle on the processor: the outputs are those of ONNX Runtime."""

import shutil

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the backend needs torch')
pytest.importorskip('onnx', reason='export needs onnx')

from random_network import random_network  # noqa: E402
from segformer_ros import bundle  # noqa: E402
from segformer_ros.bundle import BundleError  # noqa: E402
from segformer_ros.export.bundle_export import export_bundle  # noqa: E402
from segformer_ros.export.manifest import Facts  # noqa: E402
from segformer_ros.export.variants import ExportOptions  # noqa: E402
from segformer_ros.inference import backend_choice, torch_backend  # noqa: E402
from segformer_ros.inference.backend import BackendError, load_backend  # noqa: E402
from segformer_ros.inference.denormals import can_switch  # noqa: E402
from segformer_ros.inference.golden_gate import golden_input  # noqa: E402
from segformer_ros.inference.pipeline import Pipeline  # noqa: E402
from tiny_bundle import make_tiny_bundle  # noqa: E402

SIZES = [(32, 64)]
FACTS = Facts(
    name='tiny',
    label_set='carla_0914',
    class_ids=(1, 11, 14),
    focal_length_px=48.0,
    provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Return a bundle with TorchScript."""
    options = ExportOptions(targets=('onnxruntime', 'torch'), single_task=False)
    network = random_network(depth_stride=4, depth_activation='log')
    folder = tmp_path_factory.mktemp('export') / 'tiny'
    return export_bundle(network, folder, SIZES, FACTS, options)


def test_the_files_are_listed_with_their_sha256(files):
    """A file that was changed is refused before torch sees it."""
    graphs = [graph for graph in files.manifest.input_sizes[0].graphs if graph.target == 'torch']
    assert [graph.file for graph in graphs] == ['network_32x64.torchscript']
    assert set(graphs[0].error) == {'logits', 'depth'}
    assert graphs[0].file in files.manifest.files


def test_a_changed_file_is_refused(files, tmp_path):
    """By its sha256."""
    folder = tmp_path / 'copy'
    shutil.copytree(files.path, folder)
    path = folder / 'network_32x64.torchscript'
    path.write_bytes(path.read_bytes() + b'x')
    with pytest.raises(BundleError, match='sha256'):
        bundle.read(folder)


@pytest.mark.parametrize('count', [1, 2])
@pytest.mark.parametrize('hw', SIZES)
def test_the_outputs_are_those_of_onnxruntime(files, hw, count):
    """Within 1e-4, for one image and for two."""
    image = np.random.default_rng(count).normal(0, 1, (count, 3, *hw)).astype(np.float32)
    found, expected = (
        load_backend(name, files, threads=1).infer(image) for name in ('torch', 'onnxruntime')
    )
    assert list(found) == list(expected) == ['logits', 'depth']
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], value, rtol=0.0, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'precision', 'least', 'most'),
    [
        ('torch', 'float32', 0.0, 1e-5),
        ('torch_float16', 'float16', 1e-5, 0.01),
        ('torch_bfloat16', 'bfloat16', 1e-3, 0.05),
    ],
)
def test_every_precision_is_as_exact_as_it_can_be(files, name, precision, least, most):
    """The outputs differ from the golden ones by what its rounding makes."""
    backend = load_backend(name, files, threads=1)
    size = files.manifest.input_sizes[0]
    _, expected = files.golden(size)
    found = backend.infer(golden_input(files, size, backend.input_format))
    for key, value in expected.items():
        error = np.sqrt(np.mean((found[key] - value) ** 2) / np.mean(value**2))
        assert least < error < most
    assert backend.precision == precision
    assert backend.name == f'torch {torch.__version__} cpu {precision}'
    backend.close()


def test_one_output_alone_is_computed(files):
    """As it is asked for."""
    image = np.zeros((1, 3, 32, 64), np.float32)
    backend = load_backend('torch', files, threads=1)
    assert list(backend.infer(image, ['depth'])) == ['depth']


def test_a_pipeline_runs_on_it(files):
    """It is loaded with its golden check, like every backend."""
    pipeline = Pipeline.load(files.path, backend='torch', threads=1)
    assert pipeline.backend_reason == 'asked for'
    assert pipeline.predict(np.zeros((20, 40, 3), np.uint8)).labels.shape == (20, 40)
    pipeline.close()


def test_another_size_is_refused(files):
    """With the sizes there are."""
    backend = load_backend('torch', files, threads=1)
    with pytest.raises(BackendError, match='of size 32x64, got shape'):
        backend.infer(np.zeros((1, 3, 32, 32), np.float32))


def test_a_bundle_without_torchscript_is_refused(tmp_path):
    """It says what to do; a graph for any engine is no TorchScript."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny'))
    with pytest.raises(BundleError, match=r'graph for torch.*export the network for torch'):
        backend_choice.load('torch', tiny)


def test_a_file_that_torch_cannot_read_is_an_error_of_one_line(files, monkeypatch):
    """The first line of what torch says."""

    def fail(*args, **kwargs):
        raise RuntimeError('PytorchStreamReader failed\nstack\nstack')

    monkeypatch.setattr(torch_backend.torch.jit, 'load', fail)
    with pytest.raises(BackendError, match=r'torchscript: PytorchStreamReader failed$'):
        load_backend('torch', files, threads=1)


def test_an_error_of_the_device_is_a_backend_error(files):
    """Out of memory in the middle of a run."""
    backend = load_backend('torch', files, threads=1)

    def fail(image):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')

    backend._networks = dict.fromkeys(backend._networks, fail)
    with pytest.raises(BackendError, match='torch has failed: CUDA out of memory'):
        backend.infer(np.zeros((1, 3, 32, 64), np.float32))


@pytest.mark.skipif(not can_switch(), reason='the switch is one of x86-64 with glibc')
def test_denormal_numbers_are_zero_while_it_computes(files):
    """A network that fades and is made larger again gives zero."""
    backend = load_backend('torch', files, threads=1)

    def fade(image):
        smallest = torch.full((1, 1, 1, 1), torch.finfo(torch.float32).tiny)
        return (smallest * 0.25 * 2.0**126,) * 2

    assert fade(None)[0].all()
    backend._networks = dict.fromkeys(backend._networks, fade)
    found = backend.infer(np.zeros((1, 3, 32, 64), np.float32))
    assert [value.any() for value in found.values()] == [False, False]


class TestGraphs:
    """What happens around CUDA graphs, with a double of what records them."""

    def _backend(self, files, monkeypatch, recorded):
        backend = load_backend('torch', files, threads=1)
        monkeypatch.setattr(torch_backend, 'Recorded', recorded)
        backend._graphs = True
        return backend

    def test_there_is_one_for_each_shape(self, files, monkeypatch):
        """It is recorded once and then run."""
        made = []

        def record(network, image):
            made.append(tuple(image.shape))
            return network

        backend = self._backend(files, monkeypatch, record)
        for count in (1, 2, 1, 2):
            image = np.zeros((count, 3, 32, 64), np.float32)
            assert len(backend.infer(image)['depth']) == count
        assert made == [(1, 3, 32, 64), (2, 3, 32, 64)]

    def test_without_a_cuda_graph_plain_calls_continue(self, files, monkeypatch):
        """With a warning, once."""

        def record(network, image):
            raise RuntimeError('operation not permitted when stream is capturing\nstack')

        backend = self._backend(files, monkeypatch, record)
        image = np.zeros((1, 3, 32, 64), np.float32)
        with pytest.warns(RuntimeWarning, match='without a CUDA graph: operation not permitted'):
            found = backend.infer(image)
        np.testing.assert_array_equal(backend.infer(image)['depth'], found['depth'])
