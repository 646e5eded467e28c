# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the manifest of a bundle says of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import copy
from dataclasses import dataclass
from typing import Any

from segformer_ros.export.check import TOLERANCE
from segformer_ros.export.onnx_graph import output_names
from segformer_ros.export.rewrites import RewrittenNetwork
from segformer_ros.labels import label_set, LabelClass
from segformer_ros.network import depth_is_log, MultitaskSegformer
from segformer_ros.network.arithmetic import count_macs, count_parameters, PARTS
from segformer_ros.network.multitask import SEGMENTATION_STRIDE
from segformer_ros.network.normalization import MEAN, STD
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

TASKS_OF = {'logits': 'segmentation', 'depth': 'depth'}


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


def manifest(
    network: MultitaskSegformer, facts: Facts, entries: Sequence[Mapping[str, Any]], opset: int
) -> dict[str, Any]:
    """
    Collect the content of the manifest, without what bundle.write adds and the arithmetic.

    :param entries: Of the input sizes.
    """
    names = output_names(network)
    content: dict[str, Any] = {
        'name': facts.name,
        'tasks': [TASKS_OF[name] for name in names if name in TASKS_OF],
        'input_sizes': list(entries),
        'channel_order': 'rgb',
        'mean': list(facts.mean),
        'std': list(facts.std),
        'outputs': {},
        'opset': opset,
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
        content['outputs']['logits'] = {'stride': SEGMENTATION_STRIDE}
    if network.depth_head is not None:
        head = network.depth_head
        activation = 'log' if depth_is_log(head.activation) else 'metric'
        scale = {'scale': 'laplace'} if network.config.depth_scale else {}
        content['outputs']['depth'] = {'stride': head.stride, 'activation': activation, **scale}
        content['depth_range_m'] = list(facts.depth_range_m)
        content['focal_length_px'] = facts.focal_length_px
    return content


def parameters(network: MultitaskSegformer) -> dict[str, int]:
    """Count the parameters of each part, as they were trained."""
    return {name: n for name, n in count_parameters(network).items() if name in PARTS}


def published_gmacs(network: MultitaskSegformer, height: int, width: int) -> dict[str, float]:
    """Count, by part, 10^9 multiplications with addition in the order of the papers."""
    macs = count_macs(network, height, width, as_published=True)
    return {part: round(count / 1e9, 4) for part, count in macs.items()}


@torch.no_grad()
def gmacs(network: RewrittenNetwork, image: Tensor) -> dict[str, float]:
    """
    Count, by part, the 10^9 multiplications with addition that a rewritten network computes.

    :param network: Not computed, only counted.
    :param image: As it takes it.
    """
    counted = copy.deepcopy(network).to('meta')
    with FlopCounterMode(display=False) as counter:
        counted(image.to('meta'))
    counts = counter.get_flop_counts()
    name = type(network).__name__
    return {
        part: round(sum(counts[f'{name}.{part}'].values()) / 2e9, 4)
        for part in PARTS
        if getattr(network, part) is not None
    }
