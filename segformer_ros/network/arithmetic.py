# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What a network costs: parameters, and multiplications with addition (MACs) of one image, by part.

Counted are convolutions and matrix products, attention included; norms, activations and
interpolations, about 1 % of the whole, are not. The counter is torch.utils.flop_counter: it is
kept with torch, sees what really runs, not what a module declares, and needs no numbers, so that
the network is counted on the meta device without being computed.
"""

from __future__ import annotations

from collections.abc import Callable
import copy
from typing import Any

from segformer_ros.network.multitask import pad_to_stride
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

PARTS = ('encoder', 'segmentation_head', 'depth_head')


def count_parameters(network: nn.Module) -> dict[str, int]:
    """
    Count the parameters of the parts that are on.

    :param network: MultitaskSegformer, or anything else with an encoder.
    :returns: Of PARTS, and of 'auxiliary_head' and the 'head' of a classifier where they are.
    """
    names = (*PARTS, 'auxiliary_head', 'head')
    parts = ((name, getattr(network, name, None)) for name in names)
    return {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in parts
        if part is not None
    }


@torch.no_grad()
def count_macs(
    network: nn.Module, height: int, width: int, *, as_published: bool = False
) -> dict[str, int]:
    """
    Count the MACs of the parts that are on, for one image.

    :param network: As for count_parameters; not changed.
    :param height: Of the image in pixels, padded to a multiple of 32 as the network does it;
        width likewise.
    :param as_published: Count the heads in the order of the papers: every stage upsampled, then
        one fusion at stride 4. Otherwise as `forward` does it, without the products of weights
        that an export folds once and for all.
    """
    planes: Any = copy.deepcopy(network).to('meta').eval()
    image = pad_to_stride(torch.empty(1, 3, height, width, device='meta'))
    with FlopCounterMode(display=False) as counter:
        features = planes.encoder(image)
    macs = {'encoder': counter.get_total_flops() // 2}
    for name in PARTS[1:]:
        head = getattr(planes, name, None)
        if head is not None:
            macs[name] = _count_head(head, features, as_published=as_published)
    return macs


def _count_head(head: nn.Module, features: list[torch.Tensor], *, as_published: bool) -> int:
    published = getattr(head, 'forward_as_published', None)
    if as_published and published is not None:
        return _count(lambda: published(features))
    folding = getattr(head, 'stage_weights', None)
    return _count(lambda: head(features)) - (0 if folding is None else _count(folding))


def _count(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops()) // 2
