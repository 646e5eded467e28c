# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The table of output topics: all that the live node and the bag path know of them.

To add one, write a row into OUTPUTS. Publishers, lazy subscriptions, the parameter that switches
it off and bags follow from it. What the row needs besides:

- a message that is not in `contents.py` yet: a function there that returns it as a Content with
  **all** fields of the type;
- an option, such as a quality or a cell size: a field of OutputOptions (`frame.py`) and a
  parameter of the same name in `nodes/parameters.py`;
- the documents: the row of the topic in README.md (test/test_output_topics.py demands it),
  `config/segformer.yaml`, and `python docs/generate_parameters.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.image_encoding import as_rgb
from segformer_ros.labels import LabelClass, LabelSet, with_palette
from segformer_ros.output_topics import compressed, contents
from segformer_ros.output_topics.contents import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    Content,
    IMAGE,
    POINT_CLOUD,
)
from segformer_ros.output_topics.frame import OutputOptions, Results
from segformer_ros.point_cloud import (
    CloudOptions,
    find_class_ids,
    make_points,
    packed_palette,
)

LABELS, CONFIDENCE, DEPTH, INTRINSICS = 'labels', 'confidence', 'depth', 'intrinsics'
DEPTH_CONFIDENCE = 'depth_confidence'
RELATIVE = 'relative'
"""The data of a frame that an output may need; the image itself is always there."""


@dataclass(frozen=True)
class Output:
    """
    One output topic.

    :param topic: Name below the namespace of the camera.
    :param type: Such as 'sensor_msgs/msg/Image'; without its package there is no such topic.
    :param needs: Data of the frame without which there is no message.
    :param make: Returns the message of one frame, None where the frame has none.
    :param takes: Data that the message contains where the node computes them.
    :param asks: Options, each with the data that the message contains where it is set.
    :param switch: Name of the boolean parameter that switches it off. An output without a switch
        is part of its task, and is also made for no one where `lazy` is off.
    :param in_bags: Whether `segformer run` writes it into bags.
    :param queue: Depth of the history of its publisher.
    """

    topic: str
    type: str
    needs: frozenset[str]
    make: Callable[[Results], Content | None]
    takes: frozenset[str] = frozenset()
    asks: tuple[tuple[str, str], ...] = ()
    switch: str = ''
    in_bags: bool = False
    queue: int = 5


@dataclass(frozen=True)
class LatchedOutput:
    """A topic with one message, made of the classes of the network, kept for late subscribers."""

    topic: str
    type: str
    make: Callable[[Any, Iterable[LabelClass], str], Content]
    in_bags: bool = False


def _labels(found: Results) -> Content:
    return contents.image(found.frame.header, found.labels, 'mono8')


def _colors(found: Results) -> Content:
    pixels = draw.colorize(found.labels, found.palette)
    return contents.image(found.frame.header, pixels, 'rgb8')


def _labels_compressed(found: Results) -> Content:
    return compressed.labels(found.frame.header, found.labels)


def _overlay_compressed(found: Results) -> Content:
    return compressed.colors(found.frame.header, _overlay_pixels(found))


def _depth_compressed(found: Results) -> Content:
    return compressed.depth(found.frame.header, found.depth, found.options.depth_encoding)


@functools.lru_cache(maxsize=8)
def overlay_colors(
    classes: tuple[LabelClass, ...], palette: str
) -> tuple[tuple[LabelClass, ...], npt.NDArray[np.uint8]]:
    """Return the classes in the colours of a palette, and these as (256, 3) RGB by id."""
    chosen = with_palette(classes, palette)
    return chosen, LabelSet('', chosen).palette()


def _overlay_pixels(found: Results) -> Any:
    options, image = found.options, as_rgb(found.frame.image)
    classes, palette = overlay_colors(found.classes, options.overlay_palette)
    pixels = draw.overlay(image, found.labels, palette, options.overlay_opacity)
    if options.overlay_legend:
        draw.put_legend(pixels, found.labels, classes)
    return pixels


def _overlay(found: Results) -> Content:
    return contents.image(found.frame.header, _overlay_pixels(found), 'rgb8')


def _confidence(found: Results) -> Content:
    return contents.image(found.frame.header, found.confidence, 'mono8')


def _depth_confidence(found: Results) -> Content:
    return contents.image(found.frame.header, found.depth_confidence, 'mono8')


def _depth(found: Results) -> Content:
    return contents.depth_image(found.frame.header, found.depth, found.options.depth_encoding)


def _relative_depth(found: Results) -> Content:
    return contents.image(found.frame.header, found.relative, '32FC1')


def _points(found: Results) -> Content | None:
    if found.frame.intrinsics is None:
        return None
    options, labels = found.options, found.labels
    class_ids, problem = find_class_ids(found.classes, options.points_classes)
    if problem:
        raise ValueError(f'points_classes: {problem}')
    by_class = options.points_color == 'class' and labels is not None
    points = make_points(
        found.depth,
        found.frame.intrinsics,
        labels=labels,
        colors=packed_palette(found.palette) if by_class else as_rgb(found.frame.image),
        confidence=found.confidence if options.points_confidence else None,
        options=CloudOptions(options.points_stride, options.points_voxel_m, class_ids),
    )
    return contents.point_cloud(found.frame.header, points)


def _camera_info(found: Results) -> Content | None:
    return found.frame.camera_info


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


# The camera_info of an image stands before it: a subscriber has it when the image comes.
OUTPUTS = (
    Output('label/camera_info', CAMERA_INFO, _of(LABELS), _camera_info, in_bags=True),
    Output('label/image', IMAGE, _of(LABELS), _labels, in_bags=True),
    Output('depth/camera_info', CAMERA_INFO, _of(DEPTH), _camera_info, in_bags=True),
    Output('depth/image', IMAGE, _of(DEPTH), _depth, in_bags=True),
    Output('depth/relative/camera_info', CAMERA_INFO, _of(RELATIVE), _camera_info, in_bags=True),
    Output('depth/relative/image', IMAGE, _of(RELATIVE), _relative_depth, in_bags=True),
    Output(
        'label/confidence/image',
        IMAGE,
        _of(LABELS, CONFIDENCE),
        _confidence,
        switch='confidence',
        in_bags=True,
    ),
    Output(
        'depth/confidence/image',
        IMAGE,
        _of(DEPTH, DEPTH_CONFIDENCE),
        _depth_confidence,
        switch='depth_confidence',
        in_bags=True,
    ),
    Output('label/color/image', IMAGE, _of(LABELS), _colors, switch='color'),
    Output('overlay/image', IMAGE, _of(LABELS), _overlay, switch='overlay'),
    Output(
        'label/image/compressed',
        COMPRESSED_IMAGE,
        _of(LABELS),
        _labels_compressed,
        switch='label_compressed',
    ),
    Output(
        'overlay/image/compressed',
        COMPRESSED_IMAGE,
        _of(LABELS),
        _overlay_compressed,
        switch='overlay_compressed',
    ),
    Output(
        'depth/image/compressedDepth',
        COMPRESSED_IMAGE,
        _of(DEPTH),
        _depth_compressed,
        switch='depth_compressed',
    ),
    Output(
        'depth/points',
        POINT_CLOUD,
        _of(DEPTH, INTRINSICS),
        _points,
        takes=_of(LABELS),
        asks=(('points_confidence', CONFIDENCE),),
        switch='points',
        queue=2,
    ),
)
LATCHED = (
    LatchedOutput('label/classes', contents.LABEL_CLASSES, contents.label_classes, in_bags=True),
    LatchedOutput('label/info', contents.LABEL_INFO, contents.vision_label_info),
)


@dataclass(frozen=True)
class Wanted:
    """
    The outputs to make of one frame.

    :param outputs: Rows of the table.
    :param data: What has to be computed for them.
    """

    outputs: tuple[Output, ...]
    data: frozenset[str]

    @classmethod
    def of(
        cls,
        outputs: Sequence[Output],
        possible: frozenset[str],
        options: OutputOptions | None = None,
    ) -> Wanted:
        """Collect the data of some outputs, of those that are possible."""
        options = options or OutputOptions()
        data: set[str] = set()
        for item in outputs:
            asked = {name for option, name in item.asks if getattr(options, option)}
            data |= item.needs | ((item.takes | asked) & possible)
        return cls(tuple(outputs), frozenset(data))

    @property
    def segmentation(self) -> bool:
        """Whether labels have to be computed."""
        return LABELS in self.data

    @property
    def depth(self) -> bool:
        """Whether depth has to be computed, of metres or relative."""
        return not self.data.isdisjoint((DEPTH, RELATIVE))

    @property
    def confidence(self) -> bool:
        """Whether the confidence has to be computed."""
        return CONFIDENCE in self.data

    @property
    def depth_confidence(self) -> bool:
        """Whether the confidence of depth has to be computed."""
        return DEPTH_CONFIDENCE in self.data


@functools.lru_cache(maxsize=16)
def possible_outputs(data: frozenset[str]) -> tuple[Output, ...]:
    """Return the rows that can be made of these data."""
    return tuple(item for item in OUTPUTS if item.needs <= data)
