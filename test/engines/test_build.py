# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Graphs compiled by NVIDIA's own builder, TensorRT for RTX, which needs no GPU.

What only TensorRT 10 and 11 do, and that on a GPU alone, is shown with a double of their module.
"""

from pathlib import Path
import shutil

import pytest
from segformer_ros.engines.build import build_engine, Tensor
from segformer_ros.engines.cache import EngineCache
from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.opening import open_engine
from segformer_ros.engines.request import BuildOptions, BuildRequest, find_target, Target
from segformer_ros.engines.sidecar import engine_facts
from segformer_ros.engines.trt_variant import find_trt_variant
from tensorrt_double import double_target, make_double
from tiny_bundle import make_tiny_bundle

BOTH = ('logits', 'depth')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a tiny bundle with a graph for planes and one for camera bytes."""
    kinds = (('any', 'float32', BOTH), ('tensorrt', 'uint8', BOTH))
    return make_tiny_bundle(tmp_path_factory.mktemp('bundle') / 'tiny', kinds=kinds)


@pytest.fixture(scope='module')
def graph(folder):
    """Return the graph for camera bytes."""
    return folder / 'network_tensorrt_uint8_64x128.onnx'


def rtx_target(capability='sm86'):
    """Return TensorRT for RTX and a GPU elsewhere, or skip where it has no wheel."""
    pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')
    return Target(find_trt_variant('tensorrt_rtx'), Gpu(capability))


def test_an_engine_is_built_without_a_gpu(graph):
    """It starts like an engine, names the version that built it, and has the tensors we bind."""
    states = []
    request = BuildRequest(graph, images=(1, 6), device='sm86')

    built = build_engine(request, rtx_target(), report=lambda *state: states.append(state))

    numbers = bytes(int(part) for part in rtx_target().trt_variant.version.split('.'))
    assert built.data[:4] == b'vtrt'
    assert numbers in built.data[:64]
    assert built.inputs == (Tensor('image', 'uint8', (-1, 64, 128, 3)),)
    assert built.outputs == (
        Tensor('logits', 'float32', (-1, 5, 16, 32)),
        Tensor('depth', 'float32', (-1, 1, 16, 32)),
    )
    fractions = [fraction for fraction, _ in states]
    assert len(set(fractions)) > 3
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert built.seconds > 0.0
    assert built.timing_cache == b''


@pytest.mark.parametrize('capability', ['sm75', 'sm89', 'sm120'])
def test_engines_are_built_for_gpus_elsewhere(graph, capability):
    """Each of another capability is another file."""
    request = BuildRequest(graph, device=capability)
    data = build_engine(request, rtx_target(capability)).data
    assert data[:4] == b'vtrt'
    assert data != build_engine(request, rtx_target('sm86')).data


def test_a_gpu_that_the_builder_does_not_know_is_refused(graph):
    """A Hopper card is not a target of TensorRT for RTX; the sentence names those that are."""
    request = BuildRequest(graph, device='sm90')
    with pytest.raises(EngineError, match=r'does not build for sm90: .* sm86, sm89, sm120'):
        build_engine(request, rtx_target('sm90'))


def test_options_of_the_builder_are_taken(graph):
    """The same graph with little memory and no search is an engine too."""
    options = BuildOptions(workspace_gb=0.25, optimization_level=0)
    request = BuildRequest(graph, device='sm86', options=options)
    assert build_engine(request, rtx_target()).data[:4] == b'vtrt'


@pytest.mark.parametrize(
    'options',
    [BuildOptions(version_compatible=True), BuildOptions(hardware_compatible='ampere_plus')],
)
def test_options_that_it_does_not_have_are_refused(graph, options):
    """It would warn, and build something else than was asked for."""
    request = BuildRequest(graph, device='sm86', options=options)
    with pytest.raises(EngineError, match='leave out --version-compatible'):
        build_engine(request, rtx_target())


def test_graphs_that_cannot_be_read_are_refused(folder, graph, tmp_path):
    """No file, no ONNX, and one whose weights are not beside it."""
    with pytest.raises(EngineError, match=r'expected an ONNX file at .*absent.onnx, found none'):
        build_engine(BuildRequest(tmp_path / 'absent.onnx'), rtx_target())
    damaged = tmp_path / 'damaged.onnx'
    damaged.write_bytes(graph.read_bytes()[:200])
    with pytest.raises(EngineError, match=r'cannot read .*: export the network again'):
        build_engine(BuildRequest(damaged), rtx_target())
    alone = Path(shutil.copy(graph, tmp_path))
    with pytest.raises(EngineError, match='Failed to import initializer'):
        build_engine(BuildRequest(alone), rtx_target())


def test_a_graph_for_another_number_of_images_is_refused(tmp_path):
    """The number of images is fixed in some graphs."""
    folder = make_tiny_bundle(tmp_path / 'one', batch=False)
    request = BuildRequest(folder / 'network_64x128.onnx', images=(1, 6), device='sm86')
    with pytest.raises(EngineError, match=r'expected a graph for 1 to 6 images, .* is for 1'):
        build_engine(request, rtx_target())


def test_a_cancelled_build_ends_at_the_next_step(graph):
    """The builder asks after every step."""
    asked = []

    def cancelled():
        asked.append(None)
        return len(asked) > 5

    with pytest.raises(BuildCancelledError, match='the build of street was cancelled'):
        build_engine(
            BuildRequest(graph, name='street', device='sm86'), rtx_target(), cancelled=cancelled
        )
    assert len(asked) < 20


def test_an_engine_without_a_gpu_is_not_opened(graph, tmp_path):
    """Deserialising is TensorRT's own; its reason is in the sentence."""
    target = rtx_target()
    request = BuildRequest(graph, name='street', device='sm86')
    cache = EngineCache(tmp_path / 'engines')
    built = build_engine(request, target)
    stored = cache.store(engine_facts(request, target), 'street', built)
    if Path('/dev/nvidia0').exists():
        pytest.skip('this machine has a GPU')
    with pytest.raises(EngineError, match=r'cannot load .*\.engine: .*check that nvidia-smi'):
        open_engine(stored)


def test_tensorrt_needs_the_gpu_that_it_builds_for(tmp_path):
    """Without a driver it is not even asked."""
    if Path('/dev/nvidia0').exists():
        pytest.skip('this machine has a GPU')
    with pytest.raises(EngineError, match='expected an NVIDIA driver'):
        find_target(BuildRequest(tmp_path / 'network.onnx', trt_variant='tensorrt_rtx'))


def test_calls_of_tensorrt_10_and_11(graph):
    """Strongly typed, no TF32, no flag of a precision; a double of the module takes the calls."""
    module = make_double(levels=('NONE', 'AMPERE_PLUS'))
    options = BuildOptions(1.5, 4, True, 'ampere_plus')

    built = build_engine(
        BuildRequest(graph, images=(2, 4), options=options),
        double_target(module),
        timing_cache=b'earlier',
    )

    shape = (64, 96, 3)
    assert module.calls == [
        ('network', 1 << 1),
        ('workspace', 'workspace', 3 << 29),
        ('clear', 'TF32'),
        ('set', 'VERSION_COMPATIBLE'),
        ('profile', {'image': ((2, *shape), (4, *shape), (4, *shape))}),
        ('timing cache', b'earlier'),
    ]
    assert (built.data, built.timing_cache) == (b'engine', b'times')
    assert built.warnings == ('slow card',)


def test_a_timing_cache_of_something_else_is_not_used(graph):
    """The build goes on with an empty one."""
    module = make_double()
    build_engine(BuildRequest(graph), double_target(module), timing_cache=b'foreign')
    assert module.calls[-1] == ('timing cache', b'')


def test_failures_of_tensorrt_carry_its_reason(graph):
    """What it logged as an error, on one line."""
    with pytest.raises(EngineError, match=r'10\.16\.1\.11 cannot build .*: no tactic fits'):
        build_engine(BuildRequest(graph), double_target(make_double(result=None)))
    options = BuildOptions(hardware_compatible='ampere_plus')
    with pytest.raises(EngineError, match='expected hardware compatibility none of tensorrt'):
        build_engine(BuildRequest(graph, options=options), double_target(make_double()))
    with pytest.raises(EngineError, match='only for the GPU of this machine, not for sm86'):
        build_engine(BuildRequest(graph, device='sm86'), double_target(make_double(), Gpu('sm86')))
