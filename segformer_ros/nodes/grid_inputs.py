# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the drivable grid is made of: labels, depth and intrinsics of one camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.subscription import Subscription
from segformer_ros.camera import Intrinsics
from segformer_ros.frame_rules import calibrate, CameraModel, forget_unsure
from segformer_ros.result_images import (
    confidence_from_message,
    depth_from_message,
    labels_from_message,
)
from sensor_msgs.msg import CameraInfo, Image

_QUEUE = 5


@dataclass(frozen=True)
class GridImages:
    """
    One image of the world.

    :param header: Of the camera image.
    :param arrived_s: When it was complete, by a steady clock.
    :param confidence: Of the depth; None: all of it counts.
    """

    header: Any
    arrived_s: float
    labels: Image
    depth: Image | None
    confidence: Image | None = None

    def read(
        self, info: CameraInfo | None, stride: int, min_confidence: float = 0.0
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32] | None, Intrinsics]:
        """
        Read every stride-th pixel.

        :param min_confidence: Depths whose confidence, 0 to 1, is below it become NaN.
        :returns: (h, w) class ids, (h, w) metres or None, and the intrinsics for them.
        :raises ValueError: A message contradicts itself or the other, or the camera is unknown.
        """
        labels = labels_from_message(self.labels)
        depth = None if self.depth is None else depth_from_message(self.depth)
        if depth is not None and depth.shape != labels.shape:
            raise ValueError(f'expected depth of {labels.shape} as the labels, got {depth.shape}')
        if depth is not None and self.confidence is not None:
            certain = confidence_from_message(self.confidence)
            if certain.shape != depth.shape:
                raise ValueError(
                    f'expected confidence of {depth.shape} as the depth, got {certain.shape}'
                )
            # The memory may be that of the message.
            depth = depth.copy()
            forget_unsure(depth, certain, min_confidence)
        model = None if info is None else CameraModel.from_message(info)
        height, width = labels.shape
        known = calibrate(model, (height, width))
        if known.intrinsics is None:
            raise ValueError(f'the camera is unknown: {known.problem}')
        labels, own = labels[::stride, ::stride], known.intrinsics
        small = Intrinsics(
            own.fx / stride,
            own.fy / stride,
            own.cx / stride,
            own.cy / stride,
            labels.shape[1],
            labels.shape[0],
        )
        return labels, None if depth is None else depth[::stride, ::stride], small


class GridCamera:
    """
    Pairs the images of one camera by their stamps; the newest pair wins.

    An image whose transforms are late is held: where they are always later than the next image,
    the newest one alone would never be used.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        steady: Callable[[], float],
        *,
        use_depth: bool,
        use_confidence: bool = False,
    ) -> None:
        """
        Subscribe.

        :param name: Namespace of the camera, may be empty.
        :param use_confidence: Whether images wait for the confidence of their depth.
        """
        self._newest_pair: GridImages | None = None
        self._held: GridImages | None = None
        self.info: CameraInfo | None = None
        self.replaced = 0
        self._node, self._steady = node, steady
        self._newest: dict[str, Image] = {}
        kinds = ('label', *['depth'] * use_depth, *['depth/confidence'] * use_confidence)
        self._kinds = kinds
        prefix = f'{name}/' if name else ''
        self._subscriptions: list[Subscription[Any]] = [
            node.create_subscription(
                Image, f'{prefix}{kind}/image', functools.partial(self._receive, kind), _QUEUE
            )
            for kind in kinds
        ]
        topic = f'{prefix}{"depth" if use_depth else "label"}/camera_info'
        self._subscriptions.append(
            node.create_subscription(CameraInfo, topic, self._remember, _QUEUE)
        )

    def waiting(self) -> list[GridImages]:
        """Return the images that were neither used nor dropped so far, the newest first."""
        return [item for item in (self._newest_pair, self._held) if item is not None]

    def hold(self) -> None:
        """Keep an image until its transforms come, also when newer ones do."""
        if self._held is None:
            self._held, self._newest_pair = self._newest_pair, None

    def forget(self, images: GridImages) -> None:
        """Drop one image alone."""
        if images is self._held:
            self._held = None
        elif images is self._newest_pair:
            self._newest_pair = None

    def used(self, images: GridImages) -> None:
        """Take out an image that is in the grid, and an older one, which is replaced."""
        if images is self._newest_pair:
            self._newest_pair = None
            self.replaced += self._held is not None
        self._held = None

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def _remember(self, message: CameraInfo) -> None:
        self.info = message

    def _receive(self, kind: str, message: Image) -> None:
        self._newest[kind] = message
        found = [self._newest.get(name) for name in self._kinds]
        stamps = [None if image is None else image.header.stamp for image in found]
        if any(stamp != message.header.stamp for stamp in stamps):
            return
        self.replaced += self._newest_pair is not None
        labels, depth = self._newest['label'], self._newest.get('depth')
        certain = self._newest.get('depth/confidence')
        arrived_s = self._steady()
        self._newest_pair = GridImages(message.header, arrived_s, labels, depth, certain)
