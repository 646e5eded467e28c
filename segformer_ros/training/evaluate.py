# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure a network in torch on held-out frames."""

from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.metrics import DepthMeter, SegmentationMeter
from segformer_ros.network import depth_is_log, MultitaskSegformer
from segformer_ros.training.batches import normalize
from segformer_ros.training.frames import RandomFrame, Sample
import torch
from torch import Tensor
from torch.nn import functional

DEPTH_FIGURES = (
    'abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'silog_eigen', 'silog_kitti', 'silog_kitti_per_image',
    'delta1', 'delta2', 'delta3', 'coverage',
)  # fmt: skip


def held_out(
    random_frame: RandomFrame, seeds: tuple[int, int], size: tuple[int, int]
) -> list[Sample]:
    """
    Render the frames of the first to the last seed, both inclusive.

    :param size: (height, width) in pixels.
    """
    samples = []
    for seed in range(seeds[0], seeds[1] + 1):
        frame = random_frame(seed, size[1], size[0])
        samples.append(Sample(frame.image, frame.labels, frame.depth, frame.intrinsics.fx))
    return samples


def upsample(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, C, h, w) to (height, width) bilinearly, in float32."""
    return functional.interpolate(x.float(), size=size, mode='bilinear', align_corners=False)


def predict(
    network: MultitaskSegformer,
    sample: Sample,
    ids: tuple[int, ...],
    focal_length_px: float,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """
    Label one frame and give it depth.

    :returns: (H, W) class ids and (H, W) metres; all VOID or NaN where the head is off.
    """
    size = (sample.labels.shape[0], sample.labels.shape[1])
    outputs = network(normalize(sample.image[None]))
    labels = np.full(size, 255, np.uint8)
    depth: npt.NDArray[np.float32] = np.full(size, np.nan, np.float32)
    if 'logits' in outputs:
        channels = upsample(outputs['logits'], size).argmax(1)[0]
        labels = np.array(ids, np.uint8)[channels.numpy()]
    if 'depth' in outputs:
        raw = outputs['depth']
        metres = raw.exp() if depth_is_log(network.config.depth_activation) else raw
        depth = upsample(metres, size)[0, 0].numpy() * np.float32(
            sample.focal_px / focal_length_px
        )
    return labels, depth


@torch.no_grad()
def measure(
    network: MultitaskSegformer,
    samples: Sequence[Sample],
    ids: tuple[int, ...],
    focal_length_px: float,
) -> dict[str, Any]:
    """
    Measure at the size of the frames, depth between 0.5 m and 80 m.

    :returns: miou, accuracy, iou by class id (None where absent), and the figures of DepthMeter.
    """
    was_training = network.training
    network.eval()
    segmentation, depths = SegmentationMeter(ids), DepthMeter()
    for sample in samples:
        labels, depth = predict(network, sample, ids, focal_length_px)
        segmentation.add(labels, sample.labels)
        depths.add(depth, sample.depth)
    network.train(was_training)
    figures = depths.result()
    iou = {
        str(key): None if math.isnan(value) else round(value, 4)
        for key, value in segmentation.iou().items()
    }
    return {
        'frames': len(samples),
        'miou': round(segmentation.miou(), 4),
        'accuracy': round(segmentation.accuracy(), 4),
        'iou': iou,
        **{key: round(value, 4) for key, value in figures.items() if key in DEPTH_FIGURES},
    }
