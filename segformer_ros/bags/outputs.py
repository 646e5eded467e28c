# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one camera of a bag becomes: the topics of the live node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.interfaces import Connection
from segformer_ros.bags.cameras import Camera
from segformer_ros.bags.messages import CAMERA_INFO, IMAGE, LABEL_CLASSES, MessageMaker
from segformer_ros.bags.rosbag import qos
from segformer_ros.bags.writer import BagWriter
from segformer_ros.camera import Intrinsics
from segformer_ros.inference.pipeline import Options, Prediction
from segformer_ros.labels import LabelClass


@dataclass(frozen=True)
class Frame:
    """
    Where an image comes from.

    :param header: Of the camera image, kept as it is.
    :param time_ns: When the image was received.
    :param camera_info: For images of this size, None when there is none.
    :param override: Intrinsics that replace those of camera_info, None when they do not.
    """

    header: Any
    time_ns: int
    camera_info: Any
    override: Intrinsics | None


class Outputs:
    """
    The output topics of one camera; each is announced when it has its first message.

    :param classes: Of the label image, none when the network has no labels.
    :param options: What the network is asked for.
    :param depth_encoding: '32FC1' or '16UC1'.
    """

    def __init__(
        self,
        writer: BagWriter,
        camera: Camera,
        classes: Sequence[LabelClass],
        options: Options,
        depth_encoding: str,
    ) -> None:
        self._writer = writer
        self._camera = camera
        self._classes = classes
        self._depth_encoding = depth_encoding
        self._maker = MessageMaker(writer.store)
        self._connections: dict[str, Connection] = {}
        labels = bool(classes)
        self._kinds = {
            'label': labels and options.segmentation,
            'label/confidence': labels and options.confidence,
            'depth': options.depth,
        }

    def names(self) -> frozenset[str]:
        """Give the full names of all topics that there may be."""
        made = [name for name, wanted in self._kinds.items() if wanted]
        names = [f'{name}/image' for name in made]
        names += [f'{name}/camera_info' for name in made] + ['label/classes']
        return frozenset(self._camera.output(name) for name in names)

    def write(self, frame: Frame, prediction: Prediction) -> None:
        """Write the messages of one frame."""
        header, time_ns = frame.header, frame.time_ns
        if self._kinds['label'] and prediction.labels is not None:
            self._write_classes(time_ns)
            self._write_image('label', frame, prediction.labels)
            self._write_info('label', frame)
        if self._kinds['label/confidence'] and prediction.confidence is not None:
            self._write_image('label/confidence', frame, prediction.confidence)
        if self._kinds['depth'] and prediction.depth is not None:
            message = self._maker.depth(header, prediction.depth, self._depth_encoding)
            self._put('depth/image', IMAGE, time_ns, message)
            self._write_info('depth', frame)

    def _write_image(self, name: str, frame: Frame, pixels: npt.NDArray[np.uint8]) -> None:
        message = self._maker.image(frame.header, pixels, 'mono8')
        self._put(f'{name}/image', IMAGE, frame.time_ns, message)

    def _write_info(self, name: str, frame: Frame) -> None:
        if frame.camera_info is not None or frame.override is not None:
            message = self._maker.camera_info(frame.header, frame.camera_info, frame.override)
            self._put(f'{name}/camera_info', CAMERA_INFO, frame.time_ns, message)

    def _write_classes(self, time_ns: int) -> None:
        if 'label/classes' not in self._connections:
            message = self._maker.label_classes(time_ns, self._classes)
            self._put('label/classes', LABEL_CLASSES, time_ns, message)

    def _put(self, name: str, message_type: str, time_ns: int, message: Any) -> None:
        connection = self._connections.get(name)
        if connection is None:
            latched = message_type == LABEL_CLASSES
            offered = qos(latched=latched, depth=1 if latched else 5)
            connection = self._writer.add_topic(self._camera.output(name), message_type, offered)
            self._connections[name] = connection
        self._writer.write_message(connection, time_ns, message)
