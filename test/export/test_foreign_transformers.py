# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles of graphs of transformers give what its own pipeline gives, with random weights."""

from dataclasses import dataclass
import functools
from pathlib import Path
import warnings

import cv2
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.export.foreign.class_list import read_classes
from segformer_ros.export.foreign.normalisation import NAMED, Normalisation
from segformer_ros.export.foreign.wrapped_graph import WrapOptions
from segformer_ros.export.foreign.wrapping import wrap_graphs
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.inference.preprocess import fit
from tiny_transformers import (
    depth_anything,
    dpt,
    dpt_labels,
    glpn,
    segformer,
    upernet,
    zoe_depth,
)
import torch
from torch import nn


class Only(nn.Module):
    """A network with the output that counts."""

    def __init__(self, network, name):
        super().__init__()
        self.network, self.name = network, name

    def forward(self, image):
        """Return one tensor."""
        return getattr(self.network(image), self.name)


def exported(tmp_path, network, hw, name, *, dynamo):
    """Export a network as its users do; return the file and the network with that output alone."""
    only = Only(network, name).eval()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            only,
            (torch.zeros(1, 3, *hw),),
            tmp_path / 'g.onnx',
            dynamo=dynamo,
            opset_version=18 if dynamo else 17,
            input_names=['pixel_values'],
            output_names=[name],
            verbose=False,
        )
    return tmp_path / 'g.onnx', only


def options(tmp_path, network, task, normalisation, **more):
    """Describe what a graph does not say; classes as config.json has them."""
    network.config.save_pretrained(tmp_path)
    label_set, classes = read_classes(str(tmp_path)) if task == 'segmentation' else ('', ())
    how = Normalisation(*NAMED[normalisation], None, normalisation)
    return WrapOptions(task, how, label_set or 'unknown', classes, resize='stretch', **more)


def initialised(build):
    """Make a network with weights that spread its outputs."""
    torch.manual_seed(4)
    network, hw = build()
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim > 1:
                value.mul_(4.0)
            elif value.ndim == 1:
                value.add_(0.1)
    return network.eval(), hw


def theirs(pipeline, only, image):
    """
    Compute what the library's pipeline does, at the size of the image.

    Its processor resizes with Pillow, which smooths when it shrinks; ours with OpenCV, which does
    not. Here both get the pixels of OpenCV, so that everything else is compared.
    """
    size = pipeline.manifest.input_sizes[0]
    geometry = fit(image.shape[:2], [(size.height, size.width)], stretch=True)
    resized = cv2.resize(image, (geometry.input_w, geometry.input_h))
    mean, std = np.array(pipeline.manifest.mean), np.array(pipeline.manifest.std)
    planes = ((resized / 255.0 - mean) / std).transpose(2, 0, 1)[None]
    with torch.no_grad():
        value = only.double()(torch.from_numpy(planes))
        value = value if value.ndim == 4 else value[:, None]
        return nn.functional.interpolate(value, image.shape[:2], mode='bilinear')[0].numpy()


@dataclass(frozen=True)
class Made:
    """A bundle, and the network of transformers that it was made of."""

    path: Path
    only: Only
    relative: bool = False


BUILDS = {
    'segformer': (segformer, 'imagenet', None),
    'upernet': (upernet, 'imagenet', None),
    'dpt_labels': (dpt_labels, 'imagenet', None),
    'glpn': (glpn, 'unit', 'depth'),
    'zoe_depth': (zoe_depth, 'half', 'depth'),
    'depth_anything_metric': (lambda: depth_anything('metric'), 'imagenet', 'depth'),
    'depth_anything_relative': (
        lambda: depth_anything('relative'),
        'imagenet',
        'relative_inverse_depth',
    ),
    'dpt': (dpt, 'half', 'relative_inverse_depth'),
}


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Return a function that gives the Made of a name, made once."""

    @functools.cache
    def make(name):
        folder = tmp_path_factory.mktemp(name)
        build, normalisation, kind = BUILDS[name]
        network, hw = initialised(build)
        task, output = ('depth', 'predicted_depth') if kind else ('segmentation', 'logits')
        more = {'kind': kind, 'depth_range_m': (1e-3, 1e3)} if kind else {}
        chosen = options(folder, network, task, normalisation, **more)
        # Its pooling to 3 and 6 cells is beyond the older exporter.
        graph, only = exported(folder, network, hw, output, dynamo=name == 'upernet')
        wrap_graphs([graph], folder / 'made', chosen)
        return Made(folder / 'made', only.double(), kind == 'relative_inverse_depth')

    return make


BACKENDS = ('onnxruntime', 'openvino')


def load(path, backend):
    """Load a bundle quickly."""
    return Pipeline.load(path, backend=backend, threads=1, compiled=False)


def pictures(pipeline):
    """Make images of the input size, of a larger and of a smaller one."""
    size = pipeline.manifest.input_sizes[0]
    for height, width in ((size.height, size.width), (90, 150), (40, 50)):
        yield bundle.golden_image(9, height, width)


def check_labels(found, expected):
    """Compare labels with the scores of transformers, (C, H, W)."""
    assert np.unique(expected.argmax(axis=0)).size >= 2
    assert (found == expected.argmax(axis=0)).mean() >= 0.999


def check_depth(found, expected):
    """Compare depth with that of transformers, (H, W)."""
    assert expected.std() > 1e-3 * abs(expected.mean())
    error = np.abs(found - expected) / np.maximum(np.abs(expected), 1e-2 * expected.max())
    assert error.max() <= 1e-3


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', [name for name, (_, _, kind) in BUILDS.items() if kind is None])
def test_labels_are_those_of_transformers(made, name, backend):
    """99.9 % and more, at any image size."""
    pipeline = load(made(name).path, backend)
    assert pipeline.manifest.classes[3].name == 'class_3'
    for image in pictures(pipeline):
        found = pipeline.predict(image).labels
        check_labels(found, theirs(pipeline, made(name).only, image))


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', [name for name, (_, _, kind) in BUILDS.items() if kind])
def test_depth_is_that_of_transformers(made, name, backend):
    """Within one part in a thousand, at any image size."""
    pipeline = load(made(name).path, backend)
    for image in pictures(pipeline):
        found = pipeline.predict(image)
        value = found.relative if made(name).relative else found.depth
        check_depth(value, theirs(pipeline, made(name).only, image)[0])


@pytest.mark.parametrize('backend', BACKENDS)
def test_two_networks_in_one_bundle_are_those_of_transformers(made, tmp_path, backend):
    """Each with its own normalisation and input size."""
    parts = [made(name) for name in ('upernet', 'depth_anything_metric')]
    alone = [load(part.path, backend) for part in parts]
    bundle.write_pair(tmp_path / 'pair', *(bundle.read(part.path) for part in parts))
    pipeline = load(tmp_path / 'pair', backend)
    for image in pictures(pipeline):
        found = pipeline.predict(image)
        labels, depth = (
            theirs(one, part.only, image) for one, part in zip(alone, parts, strict=True)
        )
        check_labels(found.labels, labels)
        check_depth(found.depth, depth[0])
