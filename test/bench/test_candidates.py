# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everybody computes the same network, each in its own way."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='the baselines need torch')
pytest.importorskip('transformers', reason='the baselines are made of transformers')

from comparison import figures, hugging_face, plain_export, reference
from comparison.candidates import ENTRIES, OURS
import torch

EXACT = ['hf_eager', 'plain_onnxruntime', 'mmdeploy_like', 'ours_onnxruntime']


@torch.no_grad()
def test_our_network_with_their_weights_is_theirs():
    """In float64 both give the same, so that no weight was left behind."""
    theirs = hugging_face.randomized('b0', num_classes=7, seed=4)
    ours = hugging_face.ours(theirs, 'b0').double()
    image = torch.rand(1, 3, 64, 96, dtype=torch.float64)

    logits, depth = theirs.double()(image)

    found = ours(image)
    assert logits.std() > 0.1
    torch.testing.assert_close(found['logits'], logits, rtol=0.0, atol=1e-9)
    torch.testing.assert_close(found['depth'], depth, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize('name', EXACT)
def test_outputs_of_the_network_agree_with_float64(case, name):
    """The network alone is exact to the rounding of float32."""
    outputs = ENTRIES[name].load(case).network(case.network_image())

    with np.load(case.reference) as expected:
        assert figures.relative_difference(outputs['depth'], expected['depth']) < 1e-5
        if 'logits' in outputs:
            assert figures.relative_difference(outputs['logits'], expected['logits']) < 1e-5


@pytest.mark.parametrize('name', ['plain_onnxruntime', 'ours_onnxruntime'])
def test_images_of_the_exact_ways_are_those_of_float64(case, name):
    """From the camera image to labels and depth of its size; ours keeps the aspect ratio."""
    way = reference.FITTED if name.startswith(OURS) else reference.STRETCHED
    result = ENTRIES[name].load(case).images(case.camera_image())

    assert result.network.clock_s > 0.0
    with np.load(case.reference) as expected:
        assert figures.share_equal(result.labels, expected[f'labels_{way}']) > 0.9999
        assert figures.relative_difference(result.depth, expected[f'depth_{way}']) < 1e-5


@pytest.mark.parametrize('name', ['hf_eager', 'mmdeploy_like'])
def test_images_of_the_other_ways_are_near(case, name):
    """PIL smooths while it resizes, and nearest labels are coarse: most pixels agree."""
    result = ENTRIES[name].load(case).images(case.camera_image())

    assert result.labels.shape == result.depth.shape == (80, 128)
    with np.load(case.reference) as expected:
        assert figures.share_equal(result.labels, expected['labels_stretched']) > 0.8
        assert figures.relative_difference(result.depth, expected['depth_stretched']) < 0.1


def test_labels_in_the_graph_are_those_of_the_upsampled_logits(case):
    """Resize and ArgMax in the graph do what torch does behind the plain graph."""
    image = case.network_image()
    labels = ENTRIES['mmdeploy_like'].load(case).network(image)['labels']
    logits = torch.from_numpy(ENTRIES['plain_onnxruntime'].load(case).network(image)['logits'])
    large = torch.nn.functional.interpolate(
        logits, size=(case.height, case.width), mode='bilinear', align_corners=False
    )
    assert figures.share_equal(labels, large.argmax(dim=1).numpy()) > 0.9999


def test_reference_samples_as_torch_does():
    """Where the image fills the input, sampling at the pixels is torch's own interpolation."""
    cells = np.random.default_rng(0).random((2, 4, 6))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(cells)[None], size=(20, 36), mode='bilinear', align_corners=False
    )
    found = reference.at_pixels(cells, (16, 24), 4, (20, 36))
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-12)


def test_reference_ends_where_the_image_ends():
    """Cells behind the image have no influence on its pixels."""
    cells = np.zeros((1, 4, 6))
    cells[:, :, 3:] = 1.0
    assert reference.at_pixels(cells, (16, 12), 4, (20, 15)).max() == 0.0


def test_export_is_the_plain_one(case):
    """The plain graph has torch's own operators: no attention of an engine, no folded heads."""
    network = hugging_face.randomized('b0')
    graph = plain_export.plain_graph(network, 64, 128)
    kinds = {node.op_type for node in graph.graph.node}
    assert {'Conv', 'MatMul', 'Softmax', 'Resize', 'Erf'} <= kinds
    assert {opset.domain for opset in graph.opset_import} <= {'', 'ai.onnx'}
