# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the layers of the heads are called in every format."""

from __future__ import annotations

from segformer_ros.checkpoints.links import BATCH_NORM, layer, Link
from segformer_ros.network import NetworkConfig
from segformer_ros.network.mix_transformer import SIZES

_WEIGHT = ('weight',)


def refuse_head(config: NetworkConfig) -> str | None:
    """Describe why a head for labels cannot be the MLP head of the original; None when it can."""
    if config.auxiliary_head:
        return 'it has no auxiliary head'
    if config.segmentation and config.segmentation_head != 'nvlabs':
        return (
            'its head projects the stages with linear layers, the head of MMSegmentation with '
            'batch norm and ReLU, which no linear layer computes'
        )
    return None


def nvlabs_head(prefix: str) -> list[Link]:
    """Link the MLP head of the original; conv_seg next to it takes no part."""
    links = []
    for stage in range(4):
        links += layer(f'segmentation_head.linear_c.{stage}', f'{prefix}linear_c{stage + 1}.proj')
    return [
        *links,
        *layer('segmentation_head.linear_fuse', f'{prefix}linear_fuse.conv', _WEIGHT),
        *layer('segmentation_head.batch_norm', f'{prefix}linear_fuse.bn', BATCH_NORM),
        *layer('segmentation_head.classifier', f'{prefix}linear_pred'),
    ]


def hugging_face_head(linear: str) -> list[Link]:
    """
    Link the MLP head of Hugging Face.

    :param linear: Name of its projections: linear_c, or linear_projections in transformers 5.
    """
    ours, theirs = 'segmentation_head', 'decode_head'
    links = []
    for stage in range(4):
        links += layer(f'{ours}.linear_c.{stage}', f'{theirs}.{linear}.{stage}.proj')
    return [
        *links,
        *layer(f'{ours}.linear_fuse', f'{theirs}.linear_fuse', _WEIGHT),
        *layer(f'{ours}.batch_norm', f'{theirs}.batch_norm', BATCH_NORM),
        *layer(f'{ours}.classifier', f'{theirs}.classifier'),
    ]


def segformer3d_head(ours: str, theirs: str) -> list[Link]:
    """Link an MLP head of Segformer3D: 1x1 convolutions, of which the coarsest is the first."""
    links = []
    for stage in range(4):
        links += layer(
            f'{ours}.linear_c.{stage}', f'{theirs}.layers.{3 - stage}', as_convolution=True
        )
    return [
        *links,
        *layer(f'{ours}.linear_fuse', f'{theirs}.linear_fuse', _WEIGHT),
        *layer(f'{ours}.batch_norm', f'{theirs}.bn', BATCH_NORM),
        *layer(f'{ours}.classifier', f'{theirs}.linear_pred'),
    ]


def mmseg_head() -> list[Link]:
    """Link the convolutional head of MMSegmentation; the finest stage comes first in it."""
    ours, theirs = 'segmentation_head', 'decode_head'
    links = []
    for stage in range(4):
        links += layer(f'{ours}.convs.{stage}', f'{theirs}.convs.{stage}.conv', _WEIGHT)
        links += layer(f'{ours}.norms.{stage}', f'{theirs}.convs.{stage}.bn', BATCH_NORM)
    return [
        *links,
        *layer(f'{ours}.fusion_conv', f'{theirs}.fusion_conv.conv', _WEIGHT),
        *layer(f'{ours}.fusion_norm', f'{theirs}.fusion_conv.bn', BATCH_NORM),
        *layer(f'{ours}.classifier', f'{theirs}.conv_seg'),
    ]


def mmseg_auxiliary_head() -> list[Link]:
    """Link the auxiliary head of MMSegmentation with one convolution and without its input."""
    name = 'auxiliary_head'
    return [
        *layer(f'{name}.conv', f'{name}.convs.0.conv', _WEIGHT),
        *layer(f'{name}.norm', f'{name}.convs.0.bn', BATCH_NORM),
        *layer(f'{name}.classifier', f'{name}.conv_seg'),
    ]


def _fusion(ours: str, theirs: str, first: str, second: str, third: str) -> list[Link]:
    return [
        *layer(f'{ours}.conv1', f'{theirs}.{first}.0'),
        *layer(f'{ours}.norm1', f'{theirs}.{first}.1', BATCH_NORM),
        *layer(f'{ours}.conv2', f'{theirs}.{second}.0'),
        *layer(f'{ours}.norm2', f'{theirs}.{second}.1', BATCH_NORM),
        *layer(f'{ours}.conv3', f'{theirs}.{third}'),
    ]


def _projects(config: NetworkConfig) -> list[bool]:
    """Return for each stage, coarsest first, whether its channels have to change."""
    return [dim != config.depth_dim for dim in reversed(SIZES[config.size].embed_dims)]


def hugging_face_depth(config: NetworkConfig, decoder: str, head: str) -> list[Link]:
    """
    Link the depth decoder and head of GLPN in Hugging Face.

    :param decoder: Name of the decoder; head: of what predicts.
    """
    links = []
    for number, projects in enumerate(_projects(config)):
        if projects:
            name = f'{decoder}.stages.{number}.convolution'
            links += layer(f'depth_head.convs.{number}', name)
    first, second, third = (f'convolutional_layer{number}' for number in (1, 2, 3))
    for number in range(3):
        theirs = f'{decoder}.stages.{number + 1}.fusion'
        links += _fusion(f'depth_head.fusions.{number}', theirs, first, second, third)
    return [
        *links,
        *layer('depth_head.conv', f'{head}.head.0'),
        *layer('depth_head.predict', f'{head}.head.2'),
    ]


def glpdepth_head() -> list[Link]:
    """Link the original decoder of GLPN, which leaves the finest stage as it is."""
    links = []
    names = ('decoder.bot_conv', 'decoder.skip_conv1', 'decoder.skip_conv2')
    for number, name in enumerate(names):
        links += layer(f'depth_head.convs.{number}', name)
    for number in range(3):
        theirs = f'decoder.fusion{number + 1}'
        links += _fusion(f'depth_head.fusions.{number}', theirs, 'conv1', 'conv2', 'conv3')
    return [
        *links,
        *layer('depth_head.conv', 'last_layer_depth.0'),
        *layer('depth_head.predict', 'last_layer_depth.2'),
    ]
