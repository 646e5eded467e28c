# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The score of a pipeline on frames of the built-in world, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import math
from typing import Any

from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.labels import LabelClass
from segformer_ros.metrics import DepthMeter, SegmentationMeter
from segformer_ros.world import random_frame

_DEPTH_ROWS = ('abs_rel', 'rmse', 'silog_kitti', 'delta1', 'delta2', 'delta3', 'coverage')


def score_on_world(
    pipeline: Pipeline, seeds: Iterable[int], size: tuple[int, int]
) -> dict[str, Any]:
    """
    Measure labels and depth at the size of the frames, depth from 0.5 m to 80 m.

    :param seeds: Of random_frame.
    :param size: (height, width) of the frames, pixels.
    :returns: Figures that JSON can hold; None where nothing was there to measure.
    """
    ids = tuple(item.id for item in pipeline.manifest.classes)
    segmentation, depths, frames = SegmentationMeter(ids), DepthMeter(), 0
    # Everything that was predicted counts, also what a user would not be shown.
    options = Options(sky_depth='keep', min_depth_m=0.01, max_depth_m=1e4)
    for seed in seeds:
        frame = random_frame(seed, size[1], size[0])
        focal = frame.intrinsics.fx
        prediction = pipeline.predict(frame.image, focal_length_px=focal, options=options)
        if prediction.labels is not None:
            segmentation.add(prediction.labels, frame.labels)
        if prediction.depth is not None:
            depths.add(prediction.depth, frame.depth)
        frames += 1
    return {
        'model': pipeline.manifest.name,
        'frames': frames,
        'size': list(size),
        'miou': _number(segmentation.miou()),
        'accuracy': _number(segmentation.accuracy()),
        'iou': {str(key): _number(value) for key, value in segmentation.iou().items()},
        **{key: _number(value) for key, value in depths.result().items()},
    }


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def table(figures: dict[str, Any], classes: Sequence[LabelClass]) -> str:
    """Write the figures in lines: the classes first, then the means, then the depth."""
    rows = [(item.name, figures['iou'][str(item.id)]) for item in classes]
    rows += [('mIoU', figures['miou']), ('pixel accuracy', figures['accuracy'])]
    rows += [(name, figures[name]) for name in _DEPTH_ROWS if name in figures]
    lines = [f'{name:<16}{"-" if value is None else f"{value:.4f}":>10}' for name, value in rows]
    return '\n'.join(lines)
