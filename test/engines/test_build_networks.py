# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SegFormer-B0 as it is exported, compiled by TensorRT for RTX on a machine without a GPU."""

import pytest

pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')
pytest.importorskip('torch', reason='networks are exported with torch')
pytest.importorskip('onnxscript', reason='networks are exported with onnxscript')

from random_network import random_network
from segformer_ros.engines.build import build_engine
from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.request import Target
from segformer_ros.engines.trt_variant import find_trt_variant
from segformer_ros.export.bundle_export import export_bundle
from segformer_ros.export.manifest import Facts
from segformer_ros.export.variants import ExportOptions
from segformer_ros.inference.engine_request import engine_request

pytestmark = pytest.mark.slow

# One size for each kind of network: compiling is what takes long.
SIZES = {'rewritten': (32, 64), 'plain': (64, 96)}
PRECISIONS = ('float16', 'float32')
FACTS = Facts(
    name='tiny',
    label_set='carla_0914',
    class_ids=(1, 11, 14),
    focal_length_px=48.0,
    provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
)


@pytest.fixture(scope='module', params=list(SIZES))
def bundle(request, tmp_path_factory):
    """Export a network of random weights, rewritten for GPUs or as published."""
    options = ExportOptions(
        targets=('tensorrt',),
        precisions=PRECISIONS,
        plain=request.param == 'plain',
        single_task=False,
    )
    folder = tmp_path_factory.mktemp('networks') / request.param
    network = random_network(depth_stride=4, depth_activation='log')
    return export_bundle(network, folder, [SIZES[request.param]], FACTS, options)


@pytest.fixture(scope='module')
def engines(bundle):
    """Build both of its graphs; gives what was asked and what came, by precision."""
    target = Target(find_trt_variant('tensorrt_rtx'), Gpu('sm89'))
    (size,) = bundle.manifest.input_sizes
    made = {}
    for precision in PRECISIONS:
        asked = engine_request(bundle, size, precision=precision, images=(1, 2), device='sm89')
        made[precision] = asked, build_engine(asked, target)
    return made


@pytest.mark.parametrize('precision', PRECISIONS)
def test_b0_is_compiled(bundle, engines, precision):
    """It holds all weights, and its tensors are those of the manifest for any number of images."""
    (size,) = bundle.manifest.input_sizes
    asked, built = engines[precision]

    (weights,) = asked.weights
    assert built.data[:4] == b'vtrt'
    assert len(built.data) > 0.9 * weights.stat().st_size
    (image,) = built.inputs
    graph = size.graph('tensorrt', precision=precision)
    hw = (size.height, size.width)
    shape = (*hw, 3) if graph.input == 'uint8' else (3, *hw)
    assert (image.name, image.dtype, image.shape) == ('image', graph.input, (-1, *shape))
    found = {item.name: (item.dtype, item.shape) for item in built.outputs}
    expected = bundle.manifest.output_shapes(size)
    assert found == {name: ('float32', (-1, *rest)) for name, (_, *rest) in expected.items()}


def test_the_graph_alone_decides_the_precision(engines):
    """An engine of a float16 graph has weights of half the size, and no flag has asked for it."""
    (low, small), (high, large) = (engines[precision] for precision in PRECISIONS)
    saved = high.weights[0].stat().st_size - low.weights[0].stat().st_size
    assert len(large.data) - len(small.data) > 0.5 * saved
