# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small networks of transformers with random weights, each with its input size."""

import warnings

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


def zoe_depth():
    """Make metres of ZoeDepth, one head."""
    with warnings.catch_warnings():
        # Its module warns when it is imported, here for the first time.
        warnings.simplefilter('ignore')
        network = transformers.ZoeDepthForDepthEstimation
    backbone = transformers.BeitConfig(
        hidden_size=48,
        num_hidden_layers=4,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=64,
        patch_size=16,
        out_features=STAGES,
        reshape_hidden_states=False,
        use_relative_position_bias=True,
        vocab_size=16,
    )
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[16, 32, 32, 32],
        fusion_hidden_size=16,
        bottleneck_features=16,
        num_relative_features=8,
        bin_embedding_dim=16,
        num_attractors=[4, 3, 2, 1],
        bin_configurations=[
            {'n_bins': 8, 'min_depth': 0.001, 'max_depth': 10.0, 'name': 'nyu'},
        ],
    )
    return network(config), (64, 64)


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
