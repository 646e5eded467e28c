# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What published networks cost: GMACs, parameters and times of their shapes, without their weights.

    python bench/published.py                # counted, nothing is computed
    python bench/published.py --time         # all of them also exported with random weights, timed
    python bench/published.py --time NAME    # only these

The shapes are those of the config.json of each; transformers builds the network. SegFormer and
GLPN become bundles as `segformer export` makes them, all others as torch.onnx.export and
`segformer wrap` do. Times are milliseconds of CPU time of one image on one thread of each backend,
of the network alone, on this machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
import importlib
from pathlib import Path
from statistics import median
import sys
import tempfile
from time import process_time
from typing import Any
import warnings

from segformer_ros.bundle import Bundle, BundleError
from segformer_ros.export.checkpoint_export import export_checkpoint
from segformer_ros.export.foreign.normalisation import NAMED, Normalisation
from segformer_ros.export.foreign.wrapped_graph import WrapOptions
from segformer_ros.export.foreign.wrapping import wrap_graphs
from segformer_ros.export.variants import ExportOptions
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.golden_gate import golden_input
from segformer_ros.labels import LabelClass
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

BACKENDS = ('onnxruntime', 'openvino', 'openvino_bfloat16')
_REPEATS, _ENOUGH_S = 3, 2.0

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


def bundle_of(
    network: nn.Module, hw: tuple[int, int], folder: Path, *, focal_length_px: float = 721.0
) -> Bundle:
    """
    Make a bundle of a network as users do.

    :param folder: An empty one for all files; the bundle is in it.
    :param focal_length_px: Of GLPN, where it changes nothing of the time.
    """
    name = type(network).__name__
    if name.startswith(('Segformer', 'GLPN')):
        network.save_pretrained(folder / 'weights')
        return export_checkpoint(
            folder / 'weights',
            folder / 'bundle',
            [hw],
            focal_length_px=focal_length_px,
            options=ExportOptions(single_task=False),
        )
    labels = 'Semantic' in name
    # Pooling to 3 and 6 cells is beyond the older exporter at 512x512.
    dynamo = name.startswith('UperNet')
    torch.onnx.export(
        _Only(network).eval(),
        (torch.zeros(1, 3, *hw),),
        folder / 'network.onnx',
        dynamo=dynamo,
        opset_version=18 if dynamo else 17,
        input_names=['image'],
        verbose=False,
    )
    how = Normalisation(*NAMED['imagenet'], None, 'imagenet')
    classes = tuple(
        LabelClass(number, f'class_{number}', (number, 0, 0))
        for number in range(network.config.num_labels if labels else 0)
    )
    options = (
        WrapOptions('segmentation', how, 'unknown', classes, resize='stretch')
        if labels
        else WrapOptions('depth', how, kind='relative_inverse_depth', resize='stretch')
    )
    return wrap_graphs([folder / 'network.onnx'], folder / 'bundle', options)


def time_ms(bundle: Bundle, backend: str) -> float:
    """
    Return the CPU time of the network for one image, on one thread, in milliseconds.

    Loading computes the golden image, which warms up; then the median of three, or one where it
    takes two seconds or more.

    :raises BackendError: The backend is not installed, or cannot load the network.
    """
    loaded = backend_choice.load(backend, bundle, threads=1).backend
    image = golden_input(bundle, bundle.manifest.input_sizes[0], loaded.input_format)
    seconds: list[float] = []
    while len(seconds) < _REPEATS and sum(seconds) < _ENOUGH_S:
        start = process_time()
        loaded.infer(image)
        seconds.append(process_time() - start)
    loaded.close()
    return 1e3 * median(seconds)


def times(build: Callable[[], Any], hw: tuple[int, int]) -> Iterator[str]:
    """Export with random weights, and yield the time of each backend as text."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter('ignore')
            bundle = bundle_of(build().eval(), hw, Path(folder))
        for backend in BACKENDS:
            try:
                yield f'{time_ms(bundle, backend):.0f} ms'
            except (BackendError, BundleError) as error:
                yield f'refused ({" ".join(str(error).split())})'


def main() -> int:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--time',
        nargs='*',
        choices=tuple(NETWORKS),
        metavar='NAME',
        help='networks to time (default: all)',
    )
    timed = parser.parse_args().time
    chosen = () if timed is None else timed or tuple(NETWORKS)
    for name, (build, hw) in NETWORKS.items():
        gmacs, parameters = count(build, hw)
        text = f'{name:<58}{hw[0]}x{hw[1]:<6}{gmacs:>8.1f} GMACs{parameters / 1e6:>8.1f} M'
        if name in chosen:
            text += ''.join(
                f'  {backend} {found}'
                for backend, found in zip(BACKENDS, times(build, hw), strict=True)
            )
        sys.stdout.write(f'{text}\n')
        sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
