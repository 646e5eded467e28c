# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network of one class becomes a bundle that decides as its threshold does."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='export needs torch')
pytest.importorskip('onnx', reason='export needs onnx')

from random_network import random_network  # noqa: E402
from segformer_ros import bundle  # noqa: E402
from segformer_ros.cli import main  # noqa: E402
from segformer_ros.export.background import (  # noqa: E402
    classes_with_background,
    with_background,
)
from segformer_ros.inference.pipeline import Pipeline  # noqa: E402
from segformer_ros.labels import label_set  # noqa: E402
from segformer_ros.network import checkpoint  # noqa: E402
from segformer_ros.network.normalization import MEAN, STD  # noqa: E402

ROAD = label_set('carla_0914').by_name('road')
IMAGE = bundle.golden_image(3, 64, 96)


def one_class(**options):
    """Make a network that decides for its class on about half of the pixels."""
    network = random_network(classes=1, depth=False, **options)
    with torch.no_grad():
        network.segmentation_head.classifier.bias -= logits_of(network).median()
    return network


@torch.no_grad()
def logits_of(network):
    """Compute the logits (C, 16, 24) of the image."""
    planes = ((IMAGE / 255.0 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)
    return network(torch.from_numpy(planes))['logits'][0]


@pytest.mark.parametrize('head', ['nvlabs', 'mmseg'])
def test_both_channels_decide_as_the_threshold(head):
    """The first is 0, the second the logit; the softmax of both is the sigmoid."""
    network = one_class(segmentation_head=head)

    both = logits_of(with_background(network))

    logit = logits_of(network)[0]
    decided = torch.sigmoid(logit) > 0.5
    assert 0.2 < decided.float().mean() < 0.8
    assert not both[0].any()
    torch.testing.assert_close(both[1], logit)
    # The two are computed apart: a processor may round a logit next to 0 to the other side.
    sure = logit.abs() > 1e-5
    assert sure.float().mean() > 0.99
    assert torch.equal((both.argmax(dim=0) == 1)[sure], decided[sure])
    assert torch.equal(both.argmax(dim=0) == 1, both[1] > 0.0)
    torch.testing.assert_close(both.softmax(dim=0)[1], torch.sigmoid(logit))
    assert network.config.num_classes == 1


def test_the_class_keeps_its_id():
    """Unless it is 0, which is the background, or nobody knows the label set."""
    first = label_set('cityscapes_19').classes[0]

    name, (background, road) = classes_with_background('carla_0914', ROAD)
    assert (name, background.id, road) == ('carla_0914_road', 0, ROAD)
    assert [item.id for item in classes_with_background('cityscapes_19', first)[1]] == [0, 1]
    assert [item.id for item in classes_with_background('unknown', ROAD)[1]] == [0, 1]


def test_the_bundle_labels_what_the_threshold_does(tmp_path, capsys):
    """From a weights file through the command to the labels of a frame."""
    network = one_class()
    facts = {
        'network': asdict(network.config),
        'label_set': 'carla_0914',
        'classes': [ROAD.id],
        'class_names': [ROAD.name],
    }
    checkpoint.write(tmp_path / 'road.safetensors', network.state_dict(), facts)

    arguments = [str(tmp_path / 'road.safetensors'), str(tmp_path / 'road'), '--size', '64x96']
    assert main(['export', *arguments]) == 0

    pipeline = Pipeline.load(tmp_path / 'road', backend='onnxruntime', threads=1)
    labels = pipeline.predict(IMAGE).labels
    pipeline.close()
    logit = cv2.resize(logits_of(network)[0].numpy(), (96, 64), interpolation=cv2.INTER_LINEAR)
    clear = np.abs(logit) > 1e-3
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(labels[clear], np.where(logit > 0, ROAD.id, 0)[clear])
