# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles of graphs of transformers give what its own pipeline gives, with random weights."""

import warnings

import numpy as np
import pytest
from segformer_ros.export.foreign.class_list import read_classes
from segformer_ros.export.foreign.normalisation import NAMED, Normalisation
from segformer_ros.export.foreign.wrapping import wrap_graphs, WrapOptions
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.inference.preprocess import fit
import torch
from torch import nn
import transformers

NAMES = {number: f'class {number}' for number in range(19)}
SMALL = {'hidden_sizes': [16, 32, 80, 64], 'depths': [1, 1, 1, 1]}
STAGES = [f'stage{number}' for number in range(1, 5)]


def segformer():
    """Make labels at a quarter of the input."""
    config = transformers.SegformerConfig(
        num_labels=19, id2label=NAMES, decoder_hidden_size=32, **SMALL
    )
    return transformers.SegformerForSemanticSegmentation(config), (64, 128)


def upernet():
    """Make labels of ConvNeXt with pooling, at the input size."""
    backbone = transformers.ConvNextConfig(out_features=STAGES, **SMALL)
    config = transformers.UperNetConfig(
        backbone_config=backbone,
        hidden_size=32,
        num_labels=19,
        id2label=NAMES,
        use_auxiliary_head=False,
        pool_scales=[1, 2],
    )
    return transformers.UperNetForSemanticSegmentation(config), (64, 128)


def dpt_config(**more):
    """Return a small DPT."""
    return transformers.DPTConfig(
        hidden_size=48,
        num_hidden_layers=4,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 32, 32, 32],
        fusion_hidden_size=16,
        use_auxiliary_head=False,
        **more,
    )


def dpt_labels():
    """Make labels of DPT."""
    config = dpt_config(num_labels=19, id2label=NAMES)
    return transformers.DPTForSemanticSegmentation(config), (64, 64)


def dpt():
    """Make relative inverse depth of DPT."""
    return transformers.DPTForDepthEstimation(dpt_config()), (64, 64)


def glpn():
    """Make metres of GLPN."""
    return transformers.GLPNForDepthEstimation(
        transformers.GLPNConfig(decoder_hidden_size=32, **SMALL)
    ), (64, 128)


def depth_anything(kind):
    """Make Depth Anything."""
    backbone = transformers.Dinov2Config(
        hidden_size=48,
        num_hidden_layers=4,
        num_attention_heads=3,
        image_size=28,
        patch_size=14,
        out_features=STAGES,
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=48,
        neck_hidden_sizes=[16, 32, 32, 32],
        fusion_hidden_size=16,
        head_hidden_size=16,
        depth_estimation_type=kind,
        max_depth=80 if kind == 'metric' else None,
    )
    return transformers.DepthAnythingForDepthEstimation(config), (56, 112)


class Only(nn.Module):
    """A network with the output that counts."""

    def __init__(self, network, name):
        super().__init__()
        self.network, self.name = network, name

    def forward(self, image):
        """Return one tensor."""
        return getattr(self.network(image), self.name)


def made(tmp_path, network, hw, options):
    """Export a network as its users do, and wrap the file."""
    name = 'logits' if options.task == 'segmentation' else 'predicted_depth'
    only = Only(network, name).eval()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            only,
            (torch.zeros(1, 3, *hw),),
            tmp_path / 'g.onnx',
            dynamo=False,
            opset_version=17,
            input_names=['pixel_values'],
            output_names=[name],
        )
    wrap_graphs([tmp_path / 'g.onnx'], tmp_path / 'made', options)
    pipeline = Pipeline.load(tmp_path / 'made', backend='onnxruntime', threads=1, compiled=False)
    return pipeline, only


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
    import cv2

    size = pipeline.manifest.input_sizes[0]
    geometry = fit(image.shape[:2], [(size.height, size.width)], stretch=True)
    resized = cv2.resize(image, (geometry.input_w, geometry.input_h))
    mean, std = np.array(pipeline.manifest.mean), np.array(pipeline.manifest.std)
    planes = ((resized / 255.0 - mean) / std).transpose(2, 0, 1)[None]
    with torch.no_grad():
        value = only.double()(torch.from_numpy(planes))
        value = value if value.ndim == 4 else value[:, None]
        return nn.functional.interpolate(value, image.shape[:2], mode='bilinear')[0].numpy()


def picture(height, width):
    """Make an image of smooth colours."""
    from segformer_ros.bundle import golden_image

    return golden_image(9, height, width)


SIZES = [None, (90, 150), (40, 50)]


@pytest.mark.parametrize('size', SIZES, ids=['own size', 'larger', 'smaller'])
@pytest.mark.parametrize('build', [segformer, upernet, dpt_labels], ids=lambda f: f.__name__)
def test_labels_are_those_of_transformers(tmp_path, build, size):
    """99.9 % and more, at any image size."""
    network, hw = initialised(build)
    chosen = options(tmp_path, network, 'segmentation', 'imagenet')
    pipeline, only = made(tmp_path, network, hw, chosen)
    image = picture(*(size or hw))
    expected = theirs(pipeline, only, image).argmax(axis=0)
    assert np.unique(expected).size >= 2
    assert (pipeline.predict(image).labels == expected).mean() >= 0.999
    assert pipeline.manifest.classes[3].name == 'class_3'


@pytest.mark.parametrize('size', SIZES, ids=['own size', 'larger', 'smaller'])
@pytest.mark.parametrize(
    ('build', 'kind', 'normalisation'),
    [
        (glpn, 'depth', 'unit'),
        (lambda: depth_anything('metric'), 'depth', 'imagenet'),
        (lambda: depth_anything('relative'), 'relative_inverse_depth', 'imagenet'),
        (dpt, 'relative_inverse_depth', 'half'),
    ],
    ids=['glpn', 'depth_anything_metric', 'depth_anything_relative', 'dpt'],
)
def test_depth_is_that_of_transformers(tmp_path, build, kind, normalisation, size):
    """Within one part in a thousand, at any image size."""
    network, hw = initialised(build)
    chosen = options(
        tmp_path, network, 'depth', normalisation, kind=kind, depth_range_m=(1e-3, 1e3)
    )
    pipeline, only = made(tmp_path, network, hw, chosen)
    image = picture(*(size or hw))
    expected = theirs(pipeline, only, image)[0]
    found = pipeline.predict(image)
    value = found.depth if kind == 'depth' else found.relative
    assert expected.std() > 1e-3 * abs(expected.mean())
    error = np.abs(value - expected) / np.maximum(np.abs(expected), 1e-2 * expected.max())
    assert error.max() <= 1e-3
