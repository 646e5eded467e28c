# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that tell one class from all else, as networks of two classes."""

from __future__ import annotations

import copy
from dataclasses import replace

from segformer_ros.checkpoints.classes import UNKNOWN
from segformer_ros.labels import distinct_color, LabelClass
from segformer_ros.network import MultitaskSegformer
import torch
from torch import nn

_BACKGROUND, _THING = 0, 1


def decides_by_threshold(network: MultitaskSegformer) -> bool:
    """Return whether a network has one class, which counts where its sigmoid is above one half."""
    return network.config.segmentation and network.config.num_classes == 1


@torch.no_grad()
def with_background(network: MultitaskSegformer) -> MultitaskSegformer:
    """
    Make the same network with a channel of zeros before its only one.

    The largest of 0 and a logit is the logit where its sigmoid is above one half, and the softmax
    of both is that sigmoid: the labels and the confidence are those of the threshold, exactly.

    :param network: With a segmentation head of one class; not changed.
    """
    result = copy.deepcopy(network)
    assert result.segmentation_head is not None
    only = result.segmentation_head.classifier
    both = nn.Conv2d(only.in_channels, 2, 1).to(only.weight)
    nn.init.zeros_(both.weight)
    both.weight[_THING] = only.weight[0]
    assert both.bias is not None
    nn.init.zeros_(both.bias)
    if only.bias is not None:
        both.bias[_THING] = only.bias[0]
    result.segmentation_head.classifier = both
    result.auxiliary_head = None
    result.config = replace(result.config, num_classes=2, auxiliary_head=False)
    return result


def classes_with_background(
    label_set: str, thing: LabelClass
) -> tuple[str, tuple[LabelClass, LabelClass]]:
    """
    Name the classes of both channels.

    :param label_set: That the class is of, 'unknown' where there is none.
    :returns: A label set of these two, and them: the background has the id 0. The class keeps
        its own where it is of a label set and is not 0, otherwise it has 1.
    """
    number = _THING if label_set == UNKNOWN else thing.id or _THING
    background = LabelClass(_BACKGROUND, 'background', distinct_color(_BACKGROUND))
    if thing.color == background.color:
        background = replace(background, color=distinct_color(_THING))
    name = UNKNOWN if label_set == UNKNOWN else f'{label_set}_{thing.name}'
    return name, (background, replace(thing, id=number))
