# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which graphs a backend opens, when, and which of them it uses."""

from concurrent.futures import ThreadPoolExecutor
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.inference.backend import BackendError, load_backend
from segformer_ros.inference.golden_gate import golden_input
from segformer_ros.inference.graph_backend import GraphBackend, Signature
from tiny_bundle import make_tiny_bundle

BOTH = ('logits', 'depth')
KINDS = tuple(('any', 'float32', names) for names in (BOTH, ('logits',), ('depth',)))


class Engine:
    """Opens sessions that give the golden outputs, or wrong ones where it is told to."""

    target, precision, name = 'onnxruntime', 'float32', 'double'

    def __init__(self, tiny):
        _, self._golden = tiny.golden(tiny.manifest.input_sizes[0])
        self.opened, self.runs = [], []
        self.faults = {}

    def open(self, path, outputs):
        """Remember it."""
        outputs = tuple(outputs)
        self.opened.append(outputs)
        if self.faults.get(outputs) == 'broken':
            raise BackendError('double cannot load it')

        def run(image, names):
            self.runs.append(outputs)
            assert set(names) <= set(outputs)
            if self.faults.get(outputs) == 'failing':
                raise BackendError('double has failed')
            shift = np.float32(0.5 if self.faults.get(outputs) == 'wrong' else 0.0)
            return [np.repeat(self._golden[name] + shift, len(image), 0) for name in names]

        inputs = {'image': ('float32', (3, 64, 128))}
        signature = Signature(inputs, dict.fromkeys(outputs, 'float32'))
        return SimpleNamespace(signature=signature, run=run)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle with a graph for each task."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, kinds=KINDS))


@pytest.fixture
def engine(tiny):
    """Return an engine."""
    return Engine(tiny)


def _images(count):
    return np.zeros((count, 3, 64, 128), np.float32)


def test_only_the_whole_graph_is_open_at_first(tiny, engine):
    """The others cost memory that few nodes need."""
    backend = GraphBackend(tiny, engine)
    backend.infer(_images(1))
    backend.infer(_images(1), BOTH)
    assert engine.opened == [BOTH]


def test_the_order_of_the_names_does_not_matter(tiny, engine):
    """It is no other graph."""
    backend = GraphBackend(tiny, engine)
    assert list(backend.infer(_images(1), ('depth', 'logits'))) == list(BOTH)
    assert engine.opened == [BOTH]


def test_a_graph_of_one_task_is_opened_once_when_it_is_needed(tiny, engine):
    """It runs once more to be checked, and the whole one does not run for it."""
    backend = GraphBackend(tiny, engine)
    for count in (1, 3):
        assert backend.infer(_images(count), ('depth',))['depth'].shape[0] == count
    backend.infer(_images(1))
    assert engine.opened == [BOTH, ('depth',)]
    assert engine.runs == [('depth',)] * 3 + [BOTH]


@pytest.mark.parametrize('fault', ['wrong', 'failing', 'broken'])
def test_a_graph_of_one_task_must_pass_the_golden_check(tiny, engine, fault):
    """Otherwise the whole one is used for good, with one warning."""
    engine.faults['logits',] = fault
    backend = GraphBackend(tiny, engine)
    with pytest.warns(RuntimeWarning, match='the graph of both tasks runs in its place'):
        found = backend.infer(_images(1), ('logits',))
    assert list(found) == ['logits']
    np.testing.assert_array_equal(found['logits'], backend.infer(_images(1))['logits'])
    backend.infer(_images(1), ('logits',))
    assert engine.opened == [BOTH, ('logits',)]


def test_a_closed_backend_lets_go_of_its_graphs(tiny, engine):
    """Nothing can be computed any more."""
    backend = GraphBackend(tiny, engine)
    backend.close()
    with pytest.raises(BackendError, match='expected an input of size'):
        backend.infer(_images(1))


@pytest.mark.parametrize(('name', 'several'), [('onnxruntime', 3), ('openvino', 1)])
def test_several_images_are_for_several_threads_unless_there_is_one(tiny, name, several):
    """OpenVINO takes all of them for one image."""
    found = [load_backend(name, tiny, threads=count) for count in (1, 3)]
    assert [item.images_at_once for item in found] == [1, several]
    assert not any(item.supports_batch for item in found)


def test_a_batch_gives_what_single_images_give(tmp_path):
    """Three at once are three alone, on the engine whose graphs take several."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny', kinds=KINDS))
    backend = load_backend('onnxruntime', tiny, threads=2)
    planes = np.random.default_rng(0).normal(0.0, 1.0, (3, 3, 64, 128)).astype(np.float32)
    planes[1] = golden_input(tiny, tiny.manifest.input_sizes[0], 'float32')

    for names in (None, ('logits',), ('depth',)):
        together = backend.infer(planes, names)
        for index in range(3):
            alone = backend.infer(planes[index : index + 1], names)
            assert set(alone) == set(names or BOTH)
            for name, value in alone.items():
                np.testing.assert_allclose(together[name][index], value[0], atol=1e-5)


def test_an_engine_that_threads_share_opens_and_checks_its_graphs_again(tiny, engine):
    """Those that are open were opened for one thread; an engine that cannot keeps them."""
    backend = GraphBackend(tiny, engine)
    assert backend.share(2) == 1
    shares = []
    engine.share = shares.append
    assert backend.share(2) == 2
    assert shares == [2]
    assert engine.opened == [BOTH]
    backend.infer(_images(1))
    assert engine.opened == [BOTH, BOTH]
    # The golden input, then the images.
    assert engine.runs == [BOTH, BOTH]


def test_threads_that_come_at_once_open_a_graph_once(tiny, engine):
    """The first one opens and checks it, the others wait."""
    backend = GraphBackend(tiny, engine, deferred=True)
    begin = threading.Barrier(4)

    def infer(number):
        begin.wait(timeout=240.0)
        return backend.infer(_images(1))['depth'].shape

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(infer, range(4)))) == 1
    assert engine.opened == [BOTH]
    assert len(engine.runs) == 5


def test_a_deferred_graph_can_be_opened_before_its_first_image(tiny, engine):
    """It is then checked, and the image waits for nothing."""
    backend = GraphBackend(tiny, engine, deferred=True)
    backend.prepare()
    assert (engine.opened, engine.runs) == ([BOTH], [BOTH])
    backend.infer(_images(1))
    assert engine.opened == [BOTH]
    engine.faults[BOTH] = 'wrong'
    with pytest.raises(BackendError, match='golden'):
        GraphBackend(tiny, engine, deferred=True).prepare()


def test_an_input_size_is_opened_only_when_it_is_needed(tmp_path, engine):
    """Each costs time and memory, and one image needs one."""
    sizes = ((64, 128), (80, 128))
    backend = GraphBackend(
        bundle.read(make_tiny_bundle(tmp_path / 'two', sizes=sizes)), engine, deferred=True
    )
    backend.prepare()
    assert engine.opened == []
