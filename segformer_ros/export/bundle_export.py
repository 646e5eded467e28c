# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write the bundle of a trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle
from segformer_ros.export.onnx_graph import (
    export_graph,
    fold,
    OPSET,
    output_names,
    share_weights,
    WEIGHTS_FILE,
)
from segformer_ros.labels import label_set, LabelClass
from segformer_ros.network import depth_is_log, MultitaskSegformer
import torch
from torch.utils.flop_counter import FlopCounterMode

# Of ImageNet, on the 0 to 1 scale; training normalises its images with the same.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
GOLDEN_SEED = 1
# ONNX Runtime differs from torch by about 1e-5; a miscompiled graph differed by more than 1.
TOLERANCE = {'logits': 2e-3, 'depth': 1e-3}
LOGITS_STRIDE = 4
PARTS = ('encoder', 'segmentation_head', 'depth_head')


@dataclass(frozen=True)
class Facts:
    """
    What a checkpoint does not know of the bundle it becomes.

    :param class_ids: Ids in the order of the channels, of the label set.
    :param focal_length_px: Of the camera for which the network gives metres.
    :param provenance: data, recipe, metrics and whatever else is known of the training.
    :param classes: Of the channels; empty takes class_ids from the label set.
    :param mean: Of red, green and blue on the 0 to 1 scale; what the network subtracts.
    :param std: What it divides by afterwards.
    """

    name: str
    label_set: str
    class_ids: tuple[int, ...]
    focal_length_px: float
    provenance: Mapping[str, Any]
    depth_range_m: tuple[float, float] = (0.5, 100.0)
    licence: str = 'Apache-2.0'
    classes: tuple[LabelClass, ...] = ()
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD


def _golden_planes(facts: Facts, height: int, width: int) -> torch.Tensor:
    image = bundle.golden_image(GOLDEN_SEED, height, width).astype(np.float64) / 255.0
    return torch.from_numpy(((image - facts.mean) / facts.std).transpose(2, 0, 1)[None])


@torch.no_grad()
def golden_outputs(
    network: MultitaskSegformer, facts: Facts, height: int, width: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Compute in float64, with the network as it was trained, what the golden image gives."""
    was_training = network.training
    outputs = network.double().eval()(_golden_planes(facts, height, width))
    network.float().train(was_training)
    return {name: value.float().numpy() for name, value in outputs.items()}


@torch.no_grad()
def rounding_error(
    folded: MultitaskSegformer,
    facts: Facts,
    expected: Mapping[str, npt.NDArray[np.float32]],
    height: int,
    width: int,
) -> dict[str, float]:
    """Measure the largest absolute difference of the folded network in float32."""
    outputs = folded(_golden_planes(facts, height, width).float())
    return {
        name: float(np.abs(outputs[name].numpy() - value).max())
        for name, value in expected.items()
    }


@torch.no_grad()
def arithmetic(network: MultitaskSegformer, sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Count parameters, and multiplications with addition for one image, of each part."""
    parts = [name for name in PARTS if getattr(network, name) is not None]
    gmacs = {}
    for height, width in sizes:
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, height, width))
        counts = counter.get_flop_counts()
        name = type(network).__name__
        gmacs[f'{height}x{width}'] = {
            part: round(sum(counts[f'{name}.{part}'].values()) / 2e9, 4) for part in parts
        }
    parameters = {
        part: sum(item.numel() for item in getattr(network, part).parameters()) for part in parts
    }
    return {'parameters': parameters, 'gmacs': gmacs}


def manifest(
    network: MultitaskSegformer, facts: Facts, entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Collect the content of the manifest, without what bundle.write adds."""
    names = output_names(network)
    content: dict[str, Any] = {
        'name': facts.name,
        'tasks': [{'logits': 'segmentation', 'depth': 'depth'}[name] for name in names],
        'input_sizes': list(entries),
        'channel_order': 'rgb',
        'mean': list(facts.mean),
        'std': list(facts.std),
        'outputs': {},
        'opset': OPSET,
        'tolerance': {name: TOLERANCE[name] for name in names},
        'provenance': dict(facts.provenance),
        'licence': facts.licence,
    }
    if 'logits' in names:
        rows = facts.classes
        if not rows:
            table = {item.id: item for item in label_set(facts.label_set).classes}
            rows = tuple(table[number] for number in facts.class_ids)
        content['label_set'] = facts.label_set
        content['classes'] = [
            {'id': item.id, 'name': item.name, 'color': list(item.color)} for item in rows
        ]
        content['outputs']['logits'] = {'stride': LOGITS_STRIDE}
    if network.depth_head is not None:
        head = network.depth_head
        activation = 'log' if depth_is_log(head.activation) else 'metric'
        content['outputs']['depth'] = {'stride': head.stride, 'activation': activation}
        content['depth_range_m'] = list(facts.depth_range_m)
        content['focal_length_px'] = facts.focal_length_px
    return content


def export_bundle(
    network: MultitaskSegformer,
    folder: Path,
    sizes: Sequence[tuple[int, int]],
    facts: Facts,
) -> bundle.Bundle:
    """
    Export every input size and write the bundle; an older one of the same folder is replaced.

    :param network: float32; not changed.
    :param sizes: (height, width), multiples of 32.
    :raises ValueError: A size is not possible.
    :raises BundleError: The bundle cannot be written there.
    """
    folded = fold(network)
    models = [export_graph(folded, height, width) for height, width in sizes]
    files: dict[str, Path | bytes] = {WEIGHTS_FILE: share_weights(models)}
    entries = []
    for (height, width), model in zip(sizes, models, strict=True):
        graph, golden = f'network_{height}x{width}.onnx', f'golden_{height}x{width}.npz'
        files[graph] = model.SerializeToString()
        expected = golden_outputs(network, facts, height, width)
        files[golden] = bundle.pack_golden(expected)
        entries.append(
            {
                'height': height,
                'width': width,
                'graphs': [
                    {
                        'target': 'any',
                        'precision': 'float32',
                        'input': 'float32',
                        'outputs': list(expected),
                        'file': graph,
                        'error': rounding_error(folded, facts, expected, height, width),
                    }
                ],
                'golden': {'seed': GOLDEN_SEED, 'outputs': golden},
            }
        )
    content = manifest(network, facts, entries)
    content['arithmetic'] = arithmetic(folded, sizes)
    return bundle.write(folder, content, files)
