# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The most probable classes of each pixel, against float64 sampling of all of them."""

import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.postprocess import decode_labels
from segformer_ros.inference.preprocess import fit
from segformer_ros.inference.top_classes import decode_top_classes
from tiny_bundle import make_tiny_bundle

SIZES = [(64, 128)]
IDS = (3, 1, 9, 200, 7)


@pytest.mark.parametrize('image_hw', [(48, 96), (63, 131), (200, 333), (1, 1)])
def test_classes_come_by_probability(image_hw):
    """Each with its softmax probability; the first one is the label."""
    geometry = fit(image_hw, SIZES)
    shape = (5, geometry.input_h // 4, geometry.input_w // 4)
    logits = np.random.default_rng(1).normal(0.0, 2.0, shape).astype(np.float32)
    found = decode_top_classes(logits, geometry, stride=4, class_ids=IDS, count=3)
    assert (found.shape, found.dtype) == ((*image_hw, 6), np.uint8)
    labels, _ = decode_labels(logits, geometry, stride=4, class_ids=IDS)
    assert np.array_equal(found[..., 0], labels)
    samples = upsample(logits, geometry, 4)
    powers = np.exp(samples - samples.max(axis=0))
    shares = powers / powers.sum(axis=0)
    for place in range(3):
        channel = np.searchsorted(np.sort(IDS), found[..., place])
        channel = np.argsort(IDS)[channel]
        expected = np.take_along_axis(shares, channel[None], axis=0)[0]
        assert np.abs(found[..., 3 + place] - 255.0 * expected).max() <= 0.51
    probabilities = found[..., 3:].astype(int)
    assert (np.diff(probabilities, axis=-1) <= 0).all()


def test_more_classes_than_there_are_is_all_of_them(tmp_path):
    """Through a pipeline, also of an image that is turned."""
    pipeline = Pipeline.load(make_tiny_bundle(tmp_path / 'tiny'), backend='onnxruntime')
    image = np.random.default_rng(0).integers(0, 256, (40, 90, 3), np.uint8)
    found = pipeline.predict(image, options=Options(segmentation=False, top_classes=99))
    assert found.labels is None
    assert found.top_classes.shape == (40, 90, 10)
    assert np.abs(found.top_classes[..., 5:].sum(axis=-1, dtype=int) - 255).max() <= 3
    turned = pipeline.predict(
        np.ascontiguousarray(np.rot90(image)), options=Options(top_classes=2, image_rotation=90)
    )
    assert np.array_equal(np.rot90(turned.top_classes, -1), found.top_classes[..., [0, 1, 5, 6]])
    assert pipeline.predict(image).top_classes is None
    with pytest.raises(ValueError, match='top_classes must be at least 0, not -1'):
        Options(top_classes=-1)
