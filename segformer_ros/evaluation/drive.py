# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From image messages in any order to the figures of a drive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from segformer_ros import result_images
from segformer_ros.carla import tag_table
from segformer_ros.evaluation.drive_scores import DriveScores
from segformer_ros.labels import label_set, LABEL_SETS, LabelSet
from segformer_ros.labels.class_maps import common_classes
from segformer_ros.stamp_pairs import StampPairs, Waiting

STREAMS = ('labels', 'true_labels', 'depth', 'true_depth')


class StampedImage(result_images.ImageMessage, Protocol):
    """A sensor_msgs/Image of rclpy or of rosbags."""

    header: Any


_Pairs = StampPairs[Waiting[StampedImage], Waiting[StampedImage]]


@dataclass(frozen=True)
class DriveOptions:
    """
    How a drive is evaluated.

    :param label_set: That of the label images.
    :param tag_table: That of the ground-truth labels: auto, t1, t2, t3 or t3_ue5.
    :param coding: Of the ground-truth labels: 'bridge' or 'native'.
    :param min_depth_m: Nearest ground-truth depth that is evaluated.
    :param max_depth_m: Farthest ground-truth depth that is evaluated.
    :param kept: Images without a partner that are kept in memory of every topic.
    :param window: Number of frames that the windowed figures are of.
    :raises ValueError: A name is not known, or the depths contradict each other.
    """

    label_set: str = 'carla_0914'
    tag_table: str = 't3'
    coding: str = 'bridge'
    min_depth_m: float = 0.5
    max_depth_m: float = 80.0
    kept: int = 32
    window: int = 50

    def __post_init__(self) -> None:
        label_set(self.label_set)
        tag_table(self.tag_table)
        if self.coding not in result_images.CODINGS:
            codings = ', '.join(result_images.CODINGS)
            raise ValueError(f'coding must be one of {codings}, not {self.coding!r}')
        if self.min_depth_m >= self.max_depth_m:
            raise ValueError(
                f'min_depth_m ({self.min_depth_m}) must be less than '
                f'max_depth_m ({self.max_depth_m})'
            )


class DriveEvaluation:
    """
    Pair results with their truth by exact stamp and evaluate them.

    `refused` counts by reason what could not be evaluated, `unknown` the pixels of the truth that
    are no class, by what stood there.
    """

    def __init__(self, options: DriveOptions) -> None:
        """Start with nothing evaluated."""
        self.options = options
        self._truth = tag_table(options.tag_table)
        self._classes = common_classes(label_set(options.label_set), self._truth)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        options = self.options
        self.scores = DriveScores(
            self._classes,
            min_depth_m=options.min_depth_m,
            max_depth_m=options.max_depth_m,
            window=options.window,
        )
        self.refused: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._labels: StampPairs[Waiting[StampedImage], Waiting[StampedImage]] = StampPairs(
            options.kept, Waiting.shrink
        )
        self._depth: StampPairs[Waiting[StampedImage], Waiting[StampedImage]] = StampPairs(
            options.kept, Waiting.shrink
        )

    @property
    def restarts(self) -> int:
        """Return how often the stamps jumped back."""
        return max(self._labels.restarts, self._depth.restarts)

    @property
    def unpaired(self) -> dict[str, dict[str, int]]:
        """Return how many images went without a partner."""
        return {
            name: {'results': pairs.unpaired[0], 'truths': pairs.unpaired[1]}
            for name, pairs in (('segmentation', self._labels), ('depth', self._depth))
        }

    def add(
        self, stream: str, message: StampedImage, again: Callable[[], StampedImage] | None = None
    ) -> None:
        """
        Take one image, and evaluate the pair that it completes, if any.

        :param stream: One of STREAMS.
        :param again: Reads the image again, at any time later; where it is given, no image gives
            way to newer ones.
        """
        stamp = message.header.stamp
        stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        pairs = self._labels if stream.endswith('labels') else self._depth
        add = pairs.add_second if stream.startswith('true') else pairs.add_first
        pair = add(stamp_ns, Waiting(message, again))
        if pair is None:
            return
        compare = self._add_labels if pairs is self._labels else self._add_depth
        try:
            compare(stamp_ns, *(item.read() for item in pair))
        except ValueError as error:
            self.refused[str(error)] += 1

    def finish(self) -> None:
        """Count what still waits as unpaired; nothing more comes."""
        self._labels.finish()
        self._depth.finish()

    def contradiction(self, classes: Mapping[int, str]) -> str:
        """
        Compare the label set of the options with the classes that a network says it has.

        :param classes: Names by id.
        :returns: A sentence where they differ, else ''.
        """
        own = {item.id: item.name for item in label_set(self.options.label_set).classes}
        wrong = [number for number, name in classes.items() if own.get(number) != name]
        if not wrong:
            return ''
        number = wrong[0]
        fits = [item.name for item in LABEL_SETS.values() if _has(item, classes)]
        advice = f'set label_set to {fits[0]}' if fits else 'no label set here has its classes'
        return (
            f'the network calls class {number} {classes[number]}, {self.options.label_set} calls '
            f'it {own.get(number, "nothing")}: {advice}'
        )

    def summary(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON; None for what is not known."""
        unpaired, recent = self.unpaired, self.scores.window.figures()
        return {
            'segmentation': {
                **self.scores.total.labels_summary(),
                'unknown_pixels': sum(self.unknown.values()),
                'unknown': dict(self.unknown.most_common(16)),
                'unpaired': unpaired['segmentation'],
            },
            'depth': {**self.scores.total.depth_summary(), 'unpaired': unpaired['depth']},
            'window': {
                'segmentation': recent.labels_summary(),
                'depth': recent.depth_summary(),
            },
            'refused': dict(self.refused),
            'restarts': self.restarts,
        }

    def _add_labels(self, stamp_ns: int, result: StampedImage, truth: StampedImage) -> None:
        labels = result_images.labels_from_message(result)
        true = result_images.true_labels_from_message(
            truth, self._truth, coding=self.options.coding
        )
        self.scores.add_labels(stamp_ns, labels, true.labels, life=self._labels.restarts)
        self.unknown.update(true.unknown)

    def _add_depth(self, stamp_ns: int, result: StampedImage, truth: StampedImage) -> None:
        depth = result_images.depth_from_message(result)
        true = result_images.true_depth_from_message(truth)
        self.scores.add_depth(stamp_ns, depth, true, life=self._depth.restarts)


def _has(item: LabelSet, classes: Mapping[int, str]) -> bool:
    own = {row.id: row.name for row in item.classes}
    return all(own.get(number) == name for number, name in classes.items())
