# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The backend that was asked for, or the fastest one that computes the golden outputs."""

import json

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.cache_folder import cache_folder
from segformer_ros.inference import backend_choice, graph_backend, trial_cache
from segformer_ros.inference.backend import BackendError, load_backend
from segformer_ros.inference.golden_gate import golden_input
from segformer_ros.inference.pipeline import Pipeline
from tiny_bundle import make_tiny_bundle

VERSIONS = {'onnxruntime': '1', 'openvino': '2'}
MILLISECONDS = {'onnxruntime': 50.0, 'openvino': 30.0, 'openvino_bfloat16': 20.0}


class Engines:
    """Backends that compute what they should, take the time they are told, and count."""

    def __init__(self, monkeypatch):
        """Stand in for load_backend, the clock and the versions."""
        self.now = 0.0
        self.milliseconds = dict(MILLISECONDS)
        self.faults = {}
        self.errors = {}
        self.loaded, self.closed, self.runs = [], [], []
        self.versions = dict(VERSIONS)
        monkeypatch.setattr(backend_choice, 'load_backend', self.load_backend)
        monkeypatch.setattr(backend_choice, '_version', self.versions.get)

    def clock(self):
        """Return the time in seconds."""
        return self.now

    def load_backend(self, name, files, *, threads=0, cuda_api='auto', deferred=False):
        """Return a double, or raise the error that is set for it."""
        self.loaded.append(name)
        if name in self.errors:
            raise self.errors[name]
        return Double(name, self, load_backend('onnxruntime', files, threads=1))


class Double:
    """ONNX Runtime under another name."""

    input_format = 'float32'
    supports_batch = False

    def __init__(self, name, engines, inner):
        """Wrap a backend."""
        self.name = f'{name} 9'
        self.precision = 'bfloat16' if name.endswith('bfloat16') else 'float32'
        self._key, self._engines, self._inner = name, engines, inner

    def infer(self, image, outputs=None):
        """Let the time pass, and add the fault that is set."""
        self._engines.runs.append(self._key)
        self._engines.now += self._engines.milliseconds[self._key] / 1e3
        found = self._inner.infer(image, outputs)
        fault = self._engines.faults.get(self._key, 0.0)
        return {name: value + np.float32(fault) for name, value in found.items()}

    def close(self):
        """Remember it."""
        self._engines.closed.append(self._key)


@pytest.fixture
def engines(monkeypatch, tmp_path):
    """Return the doubles and a cache of their own."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return Engines(monkeypatch)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=((64, 128), (80, 128))))


def _load(engines, tiny, **kwargs):
    return backend_choice.load('auto', tiny, threads=1, clock=engines.clock, **kwargs)


def test_the_faster_one_is_chosen_and_says_why(engines, tiny):
    """With the figures of both, at the largest input size; the other one is closed."""
    found = _load(engines, tiny)
    assert found.backend.name == 'openvino 9'
    assert found.reason == 'the fastest at 80x128: openvino 30.0 ms, onnxruntime 50.0 ms'
    assert engines.closed == ['onnxruntime']
    assert set(found.differences) == {'logits', 'depth'}
    assert [item.backend for item in found.trials] == ['onnxruntime', 'openvino']


def test_the_default_engine_stays_where_it_is_faster(engines, tiny):
    """An installed engine is no reason by itself."""
    engines.milliseconds['openvino'] = 60.0
    found = _load(engines, tiny)
    assert found.backend.name == 'onnxruntime 9'
    assert found.reason == 'the fastest at 80x128: onnxruntime 50.0 ms, openvino 60.0 ms'
    assert engines.closed == ['openvino']


def test_the_backends_take_turns_for_a_second(engines, tiny):
    """In an order that turns round, so that no one always runs behind the same other one."""
    _load(engines, tiny)
    # Two golden sizes each; then 80 ms for a turn of both.
    turns = engines.runs[4:]
    assert turns[:6] == ['onnxruntime', 'openvino', 'openvino', 'onnxruntime', *turns[:2]]
    assert len(turns) == 2 * 13
    assert turns.count('openvino') == 13


@pytest.mark.parametrize(('milliseconds', 'turns'), [(0.01, 40), (400.0, 3), (4000.0, 1)])
def test_few_turns_are_enough_for_tiny_and_for_huge_networks(engines, tiny, milliseconds, turns):
    """A trial of a large network must not take minutes."""
    engines.milliseconds = dict.fromkeys(MILLISECONDS, milliseconds)
    _load(engines, tiny)
    assert len(engines.runs) == 4 + 2 * turns


def test_one_slow_run_does_not_decide(engines, tiny):
    """It is the median that counts."""
    clock, waits = engines.clock, iter([*[0.0] * 11, 5.0])

    def disturbed():
        engines.now += next(waits, 0.0)
        return clock()

    found = backend_choice.load('auto', tiny, threads=1, clock=disturbed)
    assert found.backend.name == 'openvino 9'


def test_a_second_start_asks_the_cache(engines, tiny):
    """Only the chosen one is loaded, and it is checked again."""
    first = _load(engines, tiny)
    engines.loaded.clear()
    engines.runs.clear()
    second = _load(engines, tiny)
    assert engines.loaded == ['openvino']
    assert engines.runs == ['openvino'] * 2
    assert second.backend.name == 'openvino 9'
    assert second.reason == f'{first.reason} (tried before)'
    assert second.trials == first.trials


def test_other_facts_are_another_trial(engines, tiny, tmp_path, monkeypatch):
    """Versions, threads, machine and network."""
    _load(engines, tiny)
    engines.loaded.clear()
    other = bundle.read(make_tiny_bundle(tmp_path / 'other'))
    both = ['onnxruntime', 'openvino']
    backend_choice.load('auto', tiny, threads=2, clock=engines.clock)
    assert engines.loaded == both
    _load(engines, other)
    assert engines.loaded == both * 2
    engines.versions['openvino'] = '3'
    _load(engines, tiny)
    assert engines.loaded == both * 3
    monkeypatch.setattr(trial_cache, 'machine', lambda: {'processor': 'another'})
    _load(engines, tiny)
    assert engines.loaded == both * 4


@pytest.mark.parametrize(
    'found',
    [
        {},
        {'trials': 7},
        {'trials': [7]},
        {'trials': [{'backend': 'openvino'}]},
        {'trials': []},
        {'trials': [{'backend': 'x', 'engine': 'x', 'milliseconds': 1.0, 'refused': ''}]},
    ],
)
def test_a_cache_of_another_form_is_another_trial(engines, tiny, found):
    """Never a crash."""
    _load(engines, tiny)
    (path,) = cache_folder('trials').iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), 'found': found}))
    engines.loaded.clear()
    _load(engines, tiny)
    assert engines.loaded == ['onnxruntime', 'openvino']


def test_without_a_cache_every_start_is_a_trial(engines, tiny, monkeypatch):
    """As with a home that cannot be written."""
    monkeypatch.setattr(trial_cache, 'cache_folder', lambda *_: None)
    for _ in range(2):
        assert _load(engines, tiny).backend.name == 'openvino 9'
    assert engines.loaded == ['onnxruntime', 'openvino'] * 2


def test_an_engine_that_computes_something_else_is_refused(engines, tiny):
    """However fast it is; the sentence of the golden check is the reason, and it is kept."""
    engines.faults['openvino'] = 0.5
    for _ in range(2):
        found = _load(engines, tiny)
        assert found.backend.name == 'onnxruntime 9'
        assert 'openvino refused: bundle ' in found.reason
        assert 'expected golden logits within 0.0001, found a difference of 0.5' in found.reason
    assert engines.loaded == ['onnxruntime', 'openvino', 'onnxruntime']
    assert engines.closed == ['openvino']


def test_an_engine_that_cannot_load_the_network_is_tried_again(engines, tiny):
    """Memory may have been short."""
    engines.errors['openvino'] = BackendError('openvino cannot load it')
    for _ in range(2):
        found = _load(engines, tiny)
        assert found.backend.name == 'onnxruntime 9'
        assert found.reason == 'openvino refused: openvino cannot load it'
    assert engines.loaded == ['onnxruntime', 'openvino'] * 2


def test_an_engine_that_is_not_installed_is_not_missed(engines, tiny):
    """The reason says how to install it, and nothing is tried again."""
    del engines.versions['openvino']
    engines.errors['openvino'] = BackendError('backend openvino is not installed: pip install it')
    _load(engines, tiny)
    engines.loaded.clear()
    found = _load(engines, tiny)
    assert engines.loaded == ['onnxruntime']
    assert 'openvino refused: backend openvino is not installed: pip install it' in found.reason


def test_a_choice_of_an_earlier_start_may_fail(engines, tiny):
    """The other one is taken then."""
    _load(engines, tiny)
    engines.faults['openvino'] = 0.5
    assert _load(engines, tiny).backend.name == 'onnxruntime 9'


def test_if_no_engine_is_right_the_first_fault_is_reported(engines, tiny):
    """It is that of the default engine."""
    engines.faults.update(onnxruntime=0.25, openvino=0.5)
    with pytest.raises(bundle.BundleError, match=r'on onnxruntime 9, .* a difference of 0\.25'):
        _load(engines, tiny)
    assert engines.closed == ['onnxruntime', 'openvino']


def test_reduced_precision_is_chosen_only_where_it_is_allowed(engines, tiny):
    """The default asks for exact results."""
    assert _load(engines, tiny).backend.name == 'openvino 9'
    assert 'openvino_bfloat16' not in engines.loaded
    found = _load(engines, tiny, precision='any')
    assert found.backend.name == 'openvino_bfloat16 9'
    assert found.reason.startswith(
        'the fastest at 80x128: openvino_bfloat16 20.0 ms, openvino 30.0'
    )


def test_a_named_backend_is_taken_without_a_trial(engines, tiny):
    """It is checked, and its fault is an error."""
    found = backend_choice.load('onnxruntime', tiny, threads=1)
    assert (found.backend.name, found.reason, found.trials) == ('onnxruntime 9', 'asked for', ())
    engines.faults['openvino'] = 0.5
    with pytest.raises(bundle.BundleError, match=r'a difference of 0\.5'):
        backend_choice.load('openvino', tiny, threads=1)
    assert engines.closed == ['openvino']


def test_compare_tries_all_and_keeps_nothing(engines, tiny):
    """For a report: names, figures and reasons."""
    engines.faults['openvino_bfloat16'] = np.nan
    trials = backend_choice.compare(tiny, threads=1, clock=engines.clock)
    assert [(item.backend, item.engine) for item in trials] == [
        ('onnxruntime', 'onnxruntime 9'), ('openvino', 'openvino 9'), ('openvino_bfloat16', ''),
    ]  # fmt: skip
    assert [item.milliseconds for item in trials] == pytest.approx([50.0, 30.0, None])
    assert [bool(item.refused) for item in trials] == [False, False, True]
    assert sorted(engines.closed) == ['onnxruntime', 'openvino', 'openvino_bfloat16']
    assert list(cache_folder('trials').iterdir()) == []


def test_the_pipeline_falls_back_and_knows_why(engines, tiny):
    """The whole way: a miscompiled graph never serves."""
    engines.faults['openvino'] = 1.4
    pipeline = Pipeline.load(tiny.path, threads=1)
    assert pipeline.backend_name == 'onnxruntime 9'
    assert 'openvino refused' in pipeline.backend_reason
    assert pipeline.predict(bundle.golden_image(0, 64, 128)).labels is not None


def test_unknown_names_are_refused(tiny):
    """Known ones are listed."""
    with pytest.raises(ValueError, match=r"one of auto, tensorrt, onnxruntime.*, not 'cuda'"):
        backend_choice.load('cuda', tiny)
    with pytest.raises(ValueError, match="precision must be one of float32, any, not 'int8'"):
        backend_choice.load('auto', tiny, precision='int8')


def test_after_an_earlier_trial_only_needed_graphs_are_opened(tiny, tmp_path, monkeypatch):
    """The second start opens no graph; a size is checked when its first image comes."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    first = backend_choice.load('auto', tiny, threads=1)
    again = backend_choice.load('auto', tiny, threads=1)
    size = tiny.manifest.input_sizes[0]
    checked = []
    check = graph_backend.check_outputs
    monkeypatch.setattr(
        graph_backend, 'check_outputs', lambda *a, **k: checked.append(a[1]) or check(*a, **k)
    )

    assert (again.differences, again.trials) == ({}, first.trials)
    assert again.backend._whole == first.backend._whole == {}
    image = golden_input(tiny, size, again.backend.input_format)
    found = [again.backend.infer(image) for _ in range(2)]

    assert checked == [size]
    assert list(again.backend._whole) == [(size.height, size.width)]
    np.testing.assert_array_equal(found[0]['logits'], found[1]['logits'])


def test_a_named_backend_that_threads_share_opens_each_graph_once(tmp_path, monkeypatch):
    """Not for itself first, and only the size of the images."""
    path = make_tiny_bundle(tmp_path / 'two', sizes=((64, 128), (80, 128)))
    opened, open_graph = [], graph_backend.GraphBackend._open
    monkeypatch.setattr(
        graph_backend.GraphBackend,
        '_open',
        lambda self, size, graph: opened.append(size.height) or open_graph(self, size, graph),
    )

    pipeline = Pipeline.load(path, backend='onnxruntime', threads=2, at_once=2)
    assert (pipeline.at_once, opened) == (2, [])
    pipeline.predict(np.zeros((80, 128, 3), np.uint8))

    assert opened == [80]


def test_an_engine_that_has_changed_since_serves_nothing(tiny, tmp_path, monkeypatch):
    """What was found before is no leave to compute something else."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    backend_choice.load('auto', tiny, threads=1)
    again = backend_choice.load('auto', tiny, threads=1)
    size = tiny.manifest.input_sizes[0]
    image = golden_input(tiny, size, again.backend.input_format)
    session = again.backend._engine.open(
        tiny.file(again.backend._graph(size, again.backend._all).file), again.backend._all
    )
    run = session.run
    session.run = lambda *arguments: [value + 1.0 for value in run(*arguments)]
    monkeypatch.setattr(again.backend._engine, 'open', lambda *_: session)

    for _ in range(2):
        with pytest.raises(BackendError, match='golden'):
            again.backend.infer(image)
