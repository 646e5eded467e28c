# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network on a dataset: every sample predicted, compared with its truth, and summed up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets import Dataset, Sample
from segformer_ros.evaluation.depth_scores import DepthRules, DepthScores
from segformer_ros.evaluation.evaluated_classes import (
    evaluated_classes,
    EvaluatedClasses,
    LabelRules,
)
from segformer_ros.evaluation.label_scores import LabelScores
from segformer_ros.evaluation.network import Network, NetworkFacts
from segformer_ros.evaluation.prediction import Inference, predict, Predicted
from segformer_ros.side_thread import ahead, in_order

_AHEAD = 2


@dataclass(frozen=True)
class Options:
    """
    How a network is measured.

    :param focal_length_px: Of the camera, in pixels of the images, where a sample does not say.
    """

    inference: Inference = field(default_factory=Inference)
    labels: LabelRules = field(default_factory=LabelRules)
    depth: DepthRules = field(default_factory=DepthRules)
    focal_length_px: float | None = None


@dataclass(frozen=True)
class Result:
    """
    What was measured.

    :param rows: The figures of every image in the order of the dataset, NaN where unknown.
    :param names: Of the images.
    """

    facts: NetworkFacts
    options: Options
    labels: LabelScores | None
    depth: DepthScores | None
    names: Sequence[str]
    rows: Sequence[Mapping[str, float]]

    @property
    def evaluated(self) -> EvaluatedClasses | None:
        """Return the classes that labels were evaluated in."""
        return None if self.labels is None else self.labels.evaluated

    def confusion(self) -> npt.NDArray[np.int64] | None:
        """Return (n, n) pixel counts of the evaluated classes, row: truth; None without labels."""
        return None if self.labels is None else self.labels.confusion()

    def summary(self) -> dict[str, Any]:
        """
        Return all figures for JSON; None where nothing was there to measure.

        Pooled over all pixels of the dataset, unless the name ends in '_per_image': those are
        means of the figures of single images.

        :returns: With labels 'miou', 'accuracy', 'iou' by class name and the others of
            LabelScores; with depth 'abs_rel', 'rmse', 'silog_kitti', 'delta1' and the others of
            DepthScores.
        """
        summary: dict[str, Any] = {
            'network': self.facts.name,
            'frames': len(self.rows),
            'inference': asdict(self.options.inference),
        }
        for scores in (self.labels, self.depth):
            summary |= {} if scores is None else scores.summary()
        return summary


def predict_sample(network: Network, sample: Sample, options: Options) -> Predicted:
    """Label one sample and measure its depths."""
    focal = options.focal_length_px
    if sample.intrinsics is not None:
        focal = sample.intrinsics.fx
    return predict(network, sample.image, focal, options.inference)


def evaluate(
    network: Network,
    dataset: Dataset,
    options: Options | None = None,
    *,
    indices: Sequence[int] | None = None,
    progress: Callable[[], object] | None = None,
) -> Result:
    """
    Measure a network on a dataset.

    :param indices: Of the samples that are taken; None: all.
    :param progress: Called after every sample.
    :raises DatasetError: A sample cannot be read, or the label sets have nothing in common.
    :raises ValueError: There is nothing to measure, or the options do not fit the network.
    """
    options = options or Options()
    chosen = range(len(dataset)) if indices is None else indices
    evaluated, labels, depth = None, None, None
    facts, truth = network.facts, dataset.label_set
    if facts.classes and truth is not None:
        evaluated = evaluated_classes(facts, truth, options.labels)
        labels = LabelScores(evaluated, boundaries=options.labels.boundaries)
    if facts.depth is not None:
        depth = DepthScores(options.depth, () if evaluated is None else evaluated.classes)
    names, rows = [], []
    with closing(_predicted(network, dataset, chosen, options)) as predicted:
        for sample, found in predicted:
            rows.append(_evaluate(sample, found, labels, depth))
            names.append(sample.name)
            if progress is not None:
                progress()
    labels = labels if labels is not None and labels.frames else None
    depth = depth if depth is not None and depth.frames else None
    if labels is None and depth is None:
        raise ValueError(_nothing(facts, truth is not None, len(rows)))
    return Result(facts, options, labels, depth, names, rows)


def _predicted(
    network: Network, dataset: Dataset, indices: Sequence[int], options: Options
) -> Generator[tuple[Sample, Predicted], None, None]:
    """Yield the samples in their order, each with what the network says of it."""

    def work(sample: Sample) -> Predicted:
        return predict_sample(network, sample, options)

    samples = ahead(map(dataset.__getitem__, indices), _AHEAD)
    with closing(samples), closing(in_order(samples, work, network.at_once)) as computed:
        yield from computed


def _evaluate(
    sample: Sample, found: Predicted, labels: LabelScores | None, depth: DepthScores | None
) -> dict[str, float]:
    row: dict[str, float] = {}
    true = None
    if labels is not None and sample.labels is not None:
        true = labels.evaluated.truth[sample.labels]
        if found.labels is not None:
            row |= labels.add(found.labels, sample.labels)
    if depth is not None and sample.depth is not None and found.depth is not None:
        row |= depth.add(found.depth, sample.depth, true, found.depth_confidence)
    return row


def _nothing(facts: NetworkFacts, has_labels: bool, frames: int) -> str:
    if not frames:
        return 'expected samples in the dataset, found none: choose another split'
    heads = [('labels', bool(facts.classes)), ('depth', facts.depth is not None)]
    says = ' and '.join(name for name, there in heads if there)
    has = 'labels' if has_labels else 'no labels and no depth'
    return (
        f'nothing to measure: {facts.name} gives {says}, the dataset has {has}: choose another '
        'network or dataset'
    )
