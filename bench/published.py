# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What published networks cost: GMACs and parameters of their shapes, without their weights.

    python bench/published.py                # counted, nothing is computed
    python bench/published.py --time NAME    # also exported with random weights, wrapped and timed

The shapes are those of the config.json of each; transformers builds the network. Times are of
ONNX Runtime and one thread, on this machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
import importlib
from pathlib import Path
from statistics import median
import sys
import tempfile
from time import perf_counter
from typing import Any
import warnings

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

hf: Any = importlib.import_module('transformers')

STAGES = [f'stage{number}' for number in range(1, 5)]
MIT = {
    'b0': ([2, 2, 2, 2], [32, 64, 160, 256], 256),
    'b1': ([2, 2, 2, 2], [64, 128, 320, 512], 256),
    'b2': ([3, 4, 6, 3], [64, 128, 320, 512], 768),
    'b3': ([3, 4, 18, 3], [64, 128, 320, 512], 768),
    'b4': ([3, 8, 27, 3], [64, 128, 320, 512], 768),
    'b5': ([3, 6, 40, 3], [64, 128, 320, 512], 768),
}
DINO = {
    'small': (384, 12, 6, [48, 96, 192, 384], 64),
    'base': (768, 12, 12, [96, 192, 384, 768], 128),
    'large': (1024, 24, 16, [256, 512, 1024, 1024], 256),
}


def segformer(size: str, classes: int) -> Any:
    """Build SegFormer for labels."""
    depths, widths, decoder = MIT[size]
    return hf.SegformerForSemanticSegmentation(
        hf.SegformerConfig(
            depths=depths, hidden_sizes=widths, decoder_hidden_size=decoder, num_labels=classes
        )
    )


def glpn() -> Any:
    """Build GLPN on B4."""
    depths, widths, _ = MIT['b4']
    return hf.GLPNForDepthEstimation(
        hf.GLPNConfig(depths=depths, hidden_sizes=widths, decoder_hidden_size=64)
    )


def depth_anything(size: str) -> Any:
    """Build Depth Anything, which has one shape in v1, in v2 and for metric depth."""
    width, layers, heads, neck, fusion = DINO[size]
    last = [3, 6, 9, 12] if layers == 12 else [5, 12, 18, 24]
    backbone = hf.Dinov2Config(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=518,
        patch_size=14,
        out_features=[f'stage{number}' for number in last],
        reshape_hidden_states=False,
    )
    return hf.DepthAnythingForDepthEstimation(
        hf.DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=width,
            neck_hidden_sizes=neck,
            fusion_hidden_size=fusion,
            head_hidden_size=32,
        )
    )


def dpt(kind: str) -> Any:
    """Build DPT on ViT-L."""
    config = hf.DPTConfig(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        image_size=384 if kind == 'depth' else 480,
        backbone_out_indices=[5, 11, 17, 23],
        neck_hidden_sizes=[256, 512, 1024, 1024],
        num_labels=150,
        use_auxiliary_head=False,
    )
    if kind == 'depth':
        return hf.DPTForDepthEstimation(config)
    return hf.DPTForSemanticSegmentation(config)


def upernet(backbone: str) -> Any:
    """Build UPerNet for ADE20K."""
    if backbone == 'swin-tiny':
        config: Any = hf.SwinConfig(out_features=STAGES)
    else:
        depths = {'tiny': [3, 3, 9, 3], 'small': [3, 3, 27, 3]}[backbone]
        config = hf.ConvNextConfig(
            depths=depths, hidden_sizes=[96, 192, 384, 768], out_features=STAGES
        )
    return hf.UperNetForSemanticSegmentation(
        hf.UperNetConfig(backbone_config=config, num_labels=150, use_auxiliary_head=False)
    )


CITY, ADE = (1024, 1024), (512, 512)
NETWORKS: dict[str, tuple[Callable[[], Any], tuple[int, int]]] = {
    'nvidia/segformer-b0-finetuned-cityscapes-512-1024': (
        lambda: segformer('b0', 19),
        (512, 1024),
    ),
    **{
        f'nvidia/segformer-{size}-finetuned-cityscapes-1024-1024': (
            partial(segformer, size, 19),
            CITY,
        )
        for size in MIT
    },
    'nvidia/segformer-b0-finetuned-ade-512-512': (lambda: segformer('b0', 150), ADE),
    'nvidia/segformer-b2-finetuned-ade-512-512': (lambda: segformer('b2', 150), ADE),
    'nvidia/segformer-b5-finetuned-ade-640-640': (lambda: segformer('b5', 150), (640, 640)),
    'openmmlab/upernet-convnext-tiny': (lambda: upernet('tiny'), ADE),
    'openmmlab/upernet-convnext-small': (lambda: upernet('small'), ADE),
    'openmmlab/upernet-swin-tiny': (lambda: upernet('swin-tiny'), ADE),
    'Intel/dpt-large-ade': (lambda: dpt('labels'), (480, 480)),
    'vinvino02/glpn-kitti': (glpn, (352, 1216)),
    'vinvino02/glpn-nyu': (glpn, (480, 640)),
    'depth-anything/Depth-Anything-V2-Small-hf': (lambda: depth_anything('small'), (518, 518)),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf': (
        lambda: depth_anything('small'),
        (518, 518),
    ),
    'depth-anything/Depth-Anything-V2-Base-hf': (lambda: depth_anything('base'), (518, 518)),
    'Intel/dpt-large': (lambda: dpt('depth'), (384, 384)),
}


def count(build: Callable[[], Any], hw: tuple[int, int]) -> tuple[float, int]:
    """Return GMACs and parameters of a network that is never computed."""
    with torch.device('meta'), torch.no_grad():
        network = build().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, *hw))
    return counter.get_total_flops() / 2e9, sum(item.numel() for item in network.parameters())


class _Only(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found = self.network(image)
        result: torch.Tensor = found.logits if 'logits' in found else found.predicted_depth
        return result


def time_ms(build: Callable[[], Any], hw: tuple[int, int]) -> float:
    """Export with random weights, and give the median time in ONNX Runtime, one thread."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        path = Path(folder) / 'network.onnx'
        image = torch.zeros(1, 3, *hw)
        torch.onnx.export(
            _Only(build()).eval(), (image,), path, dynamo=False, input_names=['image']
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        seconds = []
        for _ in range(4):
            start = perf_counter()
            session.run(None, {'image': image.numpy()})
            seconds.append(perf_counter() - start)
    return 1e3 * median(seconds[1:])


def main() -> int:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--time', nargs='*', default=[], metavar='NAME', help='networks to time')
    times = parser.parse_args().time
    for name, (build, hw) in NETWORKS.items():
        gmacs, parameters = count(build, hw)
        text = f'{name:<58}{hw[0]}x{hw[1]:<6}{gmacs:>8.1f} GMACs{parameters / 1e6:>8.1f} M'
        if name in times:
            text += f'{time_ms(build, hw):>10.0f} ms'
        sys.stdout.write(f'{text}\n')
        sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
