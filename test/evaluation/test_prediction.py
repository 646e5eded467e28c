# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images whole, in windows, in several sizes and mirrored."""

from dataclasses import replace

import numpy as np
import pytest
from segformer_ros.evaluation import Inference, Outputs
from segformer_ros.evaluation.bundle_network import load as load_bundle
from segformer_ros.evaluation.prediction import predict
from segformer_ros.inference.pipeline import Options, Pipeline
from stub_network import blocks, CAR, ColorNetwork, FACTS, ROAD, SKY, truth
from tiny_bundle import make_tiny_bundle

WHOLE = Inference()


@pytest.mark.parametrize('form', ['float32', 'uint8'])
@pytest.mark.parametrize('size', [(64, 128), (50, 60), (37, 150), (300, 200)])
def test_a_bundle_is_run_exactly_as_the_pipeline_runs_it(tmp_path, size, form):
    """Resize, padding and decoding are the same to the last bit."""
    kinds = (('any', form, ('logits', 'depth')),)
    path = make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128), (64, 64)), kinds=kinds)
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    options = Options(sky_depth='keep', min_depth_m=0.01, max_depth_m=1e4)
    expected = Pipeline.load(path, backend='onnxruntime', threads=1).predict(
        image, focal_length_px=70.0, options=options
    )
    network, _ = load_bundle(path, backend='onnxruntime', threads=1)
    found = predict(network, image, 70.0, WHOLE)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.depth, expected.depth)


@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_threads_of_a_bundle_share_it_unless_there_is_one(tmp_path, backend):
    """The outputs are the same to the last bit."""
    path = make_tiny_bundle(tmp_path / 'tiny', sizes=((64, 128),))
    alone, _ = load_bundle(path, backend=backend, threads=1)
    shared, _ = load_bundle(path, backend=backend, threads=2)
    assert (alone.at_once, shared.at_once) == (1, 2)
    image = np.random.default_rng(1).integers(0, 256, (64, 128, 3), np.uint8)
    expected, found = (item.infer(image, (64, 128)) for item in (alone, shared))
    np.testing.assert_array_equal(found.logits, expected.logits)
    np.testing.assert_array_equal(found.depth, expected.depth)


@pytest.mark.parametrize(
    ('how', 'image', 'inputs'),
    [
        (WHOLE, (33, 70), (64, 96)),
        (Inference(size=(64, 64)), (32, 128), (64, 64)),
        (Inference('scale', scale=(100, 50)), (200, 300), (64, 96)),
        (Inference('scale', scale=(100, 50)), (300, 200), (96, 64)),
        (Inference('aligned', scale=(100, 50)), (200, 300), (64, 96)),
        (Inference('multiple'), (33, 70), (64, 96)),
        (Inference('exact', size=(40, 40)), (200, 300), (64, 64)),
    ],
)
def test_inputs_are_as_large_as_asked_for(how, image, inputs):
    """And what comes out is always as large as the image."""
    network = ColorNetwork()
    found = predict(network, np.zeros((*image, 3), np.uint8), None, how)
    assert [input_hw for _, input_hw in network.seen] == [inputs]
    assert found.labels.shape == found.depth.shape == image


@pytest.mark.parametrize(
    ('how', 'resized'),
    [
        (WHOLE, (33, 70)),
        (Inference(size=(64, 64)), (16, 64)),
        (Inference('scale', scale=(100, 50)), (25, 100)),
        (Inference('aligned', scale=(100, 50)), (32, 128)),
        (Inference('multiple', scale=(100, 50)), (32, 128)),
        (Inference('exact', size=(40, 44)), (40, 44)),
    ],
)
def test_images_are_resized_as_asked_for(how, resized):
    """A wide image of 32x128; 'fit' without a size leaves an image as it is."""
    network = ColorNetwork()
    shape = (33, 70) if how == WHOLE else (32, 128)
    predict(network, np.zeros((*shape, 3), np.uint8), None, how)
    assert network.seen[0][0] == resized


def test_every_resize_mode_finds_the_squares():
    """Squares of 32 pixels are labelled whichever way they go through."""
    image = blocks('r', 'g', 'b', 'r')
    expected = truth(ROAD.id, SKY.id, CAR.id, ROAD.id)
    for how in (
        WHOLE,
        Inference(window=(32, 64), stride=(16, 32)),
        Inference(window=(32, 32)),
        Inference(ratios=(0.5, 1.0, 2.0), flip=True),
        Inference(ratios=(1.0, 2.0), flip=True, average='probabilities', window=(64, 64)),
        Inference('multiple', ratios=(1.25,)),
        Inference('exact', size=(64, 64), flip=True),
    ):
        found = predict(ColorNetwork(), image, None, how)
        assert np.mean(found.labels == expected) > 0.99, how
        assert found.depth[16, 48] == pytest.approx(10.0, abs=0.01), how
        assert found.depth[16, 16] == pytest.approx(20.0, abs=0.01), how


def test_windows_cover_the_image_and_end_with_it():
    """The last window is moved back; an image that is smaller than one is padded."""
    network = ColorNetwork()
    how = Inference(window=(32, 64), stride=(32, 48))
    predict(network, np.zeros((40, 150, 3), np.uint8), None, how)
    assert network.seen == [((32, 64), (32, 64))] * 6
    small = ColorNetwork()
    predict(small, np.zeros((20, 30, 3), np.uint8), None, how)
    assert small.seen == [((20, 30), (32, 64))]


class _Position(ColorNetwork):
    """A network whose logits and depth tell how often it was asked, or the column."""

    def __init__(self, value):
        super().__init__(FACTS)
        self.value, self.calls = value, 0

    def infer(self, image, input_hw):
        """Return the value of this call everywhere."""
        rows, columns = input_hw[0] // 4, input_hw[1] // 4
        value = self.value(self.calls, np.arange(columns, dtype=np.float32))
        self.calls += 1
        plane = np.broadcast_to(value, (rows, columns)).astype(np.float32)
        return Outputs(np.stack([plane, np.full_like(plane, 2.0), -plane]), plane)


def test_overlapping_windows_are_averaged():
    """Three windows of 64 with stride 32 say 1, 2 and 6; where two overlap, their mean."""
    network = _Position(lambda call, _: np.float32((1, 2, 6)[call]))
    how = Inference(window=(32, 64), stride=(32, 32))
    found = predict(network, np.zeros((32, 128, 3), np.uint8), None, how)
    assert found.depth[0, [10, 40, 70, 100]].tolist() == [1.0, 1.5, 4.0, 6.0]
    assert found.labels[0, [10, 40, 70, 100]].tolist() == [SKY.id, SKY.id, ROAD.id, ROAD.id]


def test_a_mirrored_image_is_mirrored_back():
    """A network that says the column says, averaged with the mirrored one, the middle."""
    network = _Position(lambda _, columns: columns + 1)
    found = predict(network, np.zeros((32, 64, 3), np.uint8), None, Inference(flip=True))
    np.testing.assert_allclose(found.depth, 8.5, atol=1e-5)


def test_depth_is_corrected_for_the_focal_length_of_every_size():
    """
    The network is right for 100 px; the camera has 50 px.

    Twice as large the image has 100 px, in its own size 50: the depths are 10 m and 5 m.
    """
    image = blocks('g', 'g')
    for depth in ('metric', 'log'):
        network = ColorNetwork(replace(FACTS, depth=depth))
        values = [
            float(predict(network, image, focal, Inference(ratios=ratios)).depth[9, 9])
            for focal, ratios in (
                (50.0, (1.0,)), (50.0, (2.0,)), (50.0, (1.0, 2.0)), (None, (2.0,)),
            )
        ]  # fmt: skip
        assert values == pytest.approx([5.0, 10.0, 7.5, 10.0], rel=1e-5)


def test_a_bundle_without_the_size_names_those_that_it_has():
    """Windows and scales need inputs of their size."""
    network = ColorNetwork(replace(FACTS, input_sizes=((64, 128), (64, 64))))
    image = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(ValueError, match='takes inputs of 64x128, 64x64, expected one for 96x96'):
        predict(network, image, None, Inference(window=(96, 96)))
    predict(network, image, None, Inference(window=(60, 60)))
    assert {input_hw for _, input_hw in network.seen} == {(64, 64)}


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'resize': 'half'}, 'resize must be one of fit, scale'),
        ({'resize': 'aligned'}, "'aligned' needs a scale"),
        ({'resize': 'exact'}, "'exact' needs a size"),
        ({'scale': (64, 32)}, "'fit' takes no scale"),
        ({'resize': 'exact', 'size': (32, 64), 'scale': (64, 32)}, "'exact' takes no scale"),
        ({'resize': 'scale', 'size': (32, 64), 'scale': (64, 32)}, "'scale' takes no size"),
        ({'resize': 'multiple', 'size': (32, 64)}, "'multiple' takes no size"),
        ({'ratios': ()}, 'ratios above zero'),
        ({'ratios': (0.0,)}, 'ratios above zero'),
        ({'stride': (1, 1)}, 'give a window too'),
        ({'window': (8, 8), 'stride': (9, 8)}, 'got 9x8'),
        ({'average': 'labels'}, 'average must be one of logits, probabilities'),
    ],
)
def test_contradictions_are_refused(values, message):
    """Before any image is read."""
    with pytest.raises(ValueError, match=message):
        Inference(**values)


def test_a_network_of_one_class_has_a_channel_for_all_else():
    """Its id is 255."""
    facts = replace(FACTS, classes=(ROAD,))
    assert facts.channel_ids == (ROAD.id, 255)
    assert FACTS.channel_ids == (ROAD.id, SKY.id, CAR.id)
