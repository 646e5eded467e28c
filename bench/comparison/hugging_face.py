# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The baseline network: modules of Hugging Face's transformers, put together for two tasks.

SegFormer with its segmentation head, and the decoder and depth head of GLPN on the same encoder.
Nothing in it is ours, so its outputs in float64 are the reference too.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file
from segformer_ros.checkpoints.encoders import HUGGING_FACE_MODULES
from segformer_ros.checkpoints.formats.hf_segformer import links_of
from segformer_ros.checkpoints.heads import hugging_face_depth
from segformer_ros.checkpoints.links import to_ours
from segformer_ros.network import MultitaskSegformer, NetworkConfig
from segformer_ros.network.mix_transformer import SIZES
import torch
from torch import nn, Tensor
from transformers import GLPNConfig, SegformerConfig, SegformerForSemanticSegmentation
from transformers.models.glpn.modeling_glpn import GLPNDecoder, GLPNDepthEstimationHead

from comparison.case import CLASSES, MAX_DEPTH_M

_DEPTH_DIM = 64


class HuggingFaceMultitask(nn.Module):
    """SegFormer with sdpa attention, and GLPN's decoder and depth head on its encoder."""

    def __init__(self, size: str, num_classes: int = CLASSES) -> None:
        super().__init__()
        widths = SIZES[size]
        config = SegformerConfig(  # type: ignore[call-arg]
            num_labels=num_classes,
            hidden_sizes=list(widths.embed_dims),
            depths=list(widths.depths),
            decoder_hidden_size=widths.decoder_dim,
            attn_implementation='sdpa',
        )
        depth = GLPNConfig(
            hidden_sizes=config.hidden_sizes,
            depths=config.depths,
            decoder_hidden_size=_DEPTH_DIM,
            max_depth=MAX_DEPTH_M,
            head_in_index=-1,
        )
        self.segmentation = SegformerForSemanticSegmentation(config)  # type: ignore[no-untyped-call]
        self.decoder = GLPNDecoder(depth)  # type: ignore[no-untyped-call]
        self.head = GLPNDepthEstimationHead(depth)  # type: ignore[no-untyped-call]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Turn (N, 3, H, W) into logits (N, C, H/4, W/4) and depth (N, 1, H, W) in metres."""
        hidden = self.segmentation.segformer(image, output_hidden_states=True).hidden_states
        logits = self.segmentation.decode_head(hidden)
        return logits, self.head(self.decoder(hidden)).unsqueeze(1)


@torch.no_grad()
def randomized(size: str, *, num_classes: int = CLASSES, seed: int = 0) -> HuggingFaceMultitask:
    """Make a network whose every weight and statistic counts, in evaluation mode."""
    torch.manual_seed(seed)
    network = HuggingFaceMultitask(size, num_classes).eval()
    for module in network.modules():
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            module.weight.uniform_(0.6, 1.4)
            module.bias.uniform_(-0.2, 0.2)
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer('running_mean').uniform_(-0.2, 0.2)
            module.get_buffer('running_var').uniform_(0.5, 1.5)
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            module.weight.normal_(0.0, module.weight[0].numel() ** -0.5)
            if module.bias is not None:
                module.bias.uniform_(-0.2, 0.2)
    return network


def save(network: HuggingFaceMultitask, path: Path) -> None:
    """Write the weights."""
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


def load(size: str, path: Path) -> HuggingFaceMultitask:
    """Read a network of CLASSES classes, in evaluation mode."""
    network = HuggingFaceMultitask(size)
    network.load_state_dict(load_file(path))
    return network.eval()


def ours(network: HuggingFaceMultitask, size: str) -> MultitaskSegformer:
    """Return our network with the same weights, in evaluation mode."""
    classes = network.segmentation.config.num_labels
    config = NetworkConfig(size, classes, max_depth_m=float(MAX_DEPTH_M), depth_dim=_DEPTH_DIM)
    links = [
        *links_of(config, HUGGING_FACE_MODULES.prefixed('segformer.'), 'linear_projections'),
        *hugging_face_depth(config, 'decoder', 'head'),
    ]
    theirs = {
        name.removeprefix('segmentation.'): value for name, value in network.state_dict().items()
    }
    result = MultitaskSegformer(config)
    result.load_state_dict(to_ours(links, theirs))
    return result.eval()
