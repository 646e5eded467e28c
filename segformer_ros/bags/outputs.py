# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one camera of a bag becomes: the topics of the live node."""

from __future__ import annotations

from collections.abc import Sequence

from rosbags.interfaces import Connection
from segformer_ros.bags.cameras import Camera
from segformer_ros.bags.messages import bag_message
from segformer_ros.bags.rosbag import qos
from segformer_ros.bags.writer import BagWriter
from segformer_ros.bundle import RELATIVE
from segformer_ros.inference.pipeline import Options, Prediction
from segformer_ros.labels import LabelClass, LabelSet
from segformer_ros.output_topics import table
from segformer_ros.output_topics.contents import Content, header
from segformer_ros.output_topics.frame import Frame, OutputOptions, Results


class Outputs:
    """
    The output topics of one camera; each is announced when it has its first message.

    :param classes: Of the label image, none when the network has no labels.
    :param results: See Manifest.results.
    :param source: See Manifest.source_of_labels.
    :param inference: What the network is asked for.
    :param latched: Whether label/classes is written; False for a later part of a bag.
    :param every: Whether outputs are written that bags do not have by default.
    """

    def __init__(
        self,
        writer: BagWriter,
        camera: Camera,
        classes: Sequence[LabelClass],
        results: Sequence[str],
        inference: Options,
        options: OutputOptions,
        *,
        source: str = '',
        latched: bool = True,
        every: bool = False,
    ) -> None:
        self._writer = writer
        self._camera = camera
        self._classes, self._source = classes, source
        self._palette = LabelSet('', tuple(classes)).palette()
        self._options = options
        self._connections: dict[str, Connection] = {}
        labels = 'segmentation' in results and inference.segmentation
        possible = {
            table.LABELS: labels,
            table.CONFIDENCE: labels and inference.confidence,
            table.DEPTH_CONFIDENCE: inference.depth and inference.depth_confidence,
            table.DEPTH: inference.depth and 'depth' in results,
            table.RELATIVE: inference.depth and RELATIVE in results,
            table.INTRINSICS: True,
        }
        data = frozenset(name for name, there in possible.items() if there)
        self._outputs = [row for row in table.possible_outputs(data) if row.in_bags or every]
        self._latched = [row for row in table.LATCHED if row.in_bags and labels]
        self._writes_latched = latched

    def names(self) -> frozenset[str]:
        """Return the full names of all topics that there may be."""
        topics = [row.topic for row in self._outputs] + [row.topic for row in self._latched]
        return frozenset(map(self._camera.output, topics))

    def write(self, frame: Frame, time_ns: int, prediction: Prediction) -> None:
        """
        Write the messages of one frame.

        :param time_ns: When the image was received.
        """
        arrays = {
            table.LABELS: prediction.labels,
            table.DEPTH: prediction.depth,
            table.CONFIDENCE: prediction.confidence,
            table.DEPTH_CONFIDENCE: prediction.depth_confidence,
            table.RELATIVE: prediction.relative,
        }
        results = Results(
            frame,
            **arrays,
            palette=self._palette,
            options=self._options,
            classes=tuple(self._classes),
        )
        if prediction.labels is not None:
            self._write_classes(time_ns)
        for row in self._outputs:
            if all(arrays.get(name, frame) is not None for name in row.needs):
                content = row.make(results)
                if content is not None:
                    self._put(row.topic, content, time_ns)

    def _write_classes(self, time_ns: int) -> None:
        for row in self._latched if self._writes_latched else ():
            if row.topic not in self._connections:
                content = row.make(header(time_ns), self._classes, self._source)
                self._put(row.topic, content, time_ns, latched=True)

    def _put(self, topic: str, content: Content, time_ns: int, *, latched: bool = False) -> None:
        connection = self._connections.get(topic)
        if connection is None:
            offered = qos(latched=latched, depth=1 if latched else 5)
            connection = self._writer.add_topic(self._camera.output(topic), content.type, offered)
            self._connections[topic] = connection
        message = bag_message(self._writer.store, content)
        self._writer.write_message(connection, time_ns, message)
