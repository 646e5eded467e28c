# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The messages that not every installation has, and the node does without.

Those of this package are generated when it is built with colcon or cmake; vision_msgs comes
from the ROS distribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
import importlib
from typing import Any

from segformer_ros.labels import LabelClass
from segformer_ros.nodes.frame_statistics import FrameCounts, FrameTimes
from std_msgs.msg import Header


def _optional(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_own: Any = _optional('segformer_ros.msg')
_vision: Any = _optional('vision_msgs.msg')


def frame_stats_type() -> Any | None:
    """Give the type of ~/frame_stats, None where this package's messages are not built."""
    return None if _own is None else _own.FrameStats


def evaluation_stats_type() -> Any | None:
    """Give the type of evaluation statistics, None where this package's messages are not built."""
    return None if _own is None else _own.EvaluationStats


def label_classes_type() -> Any | None:
    """Give the type of label/classes, None where this package's messages are not built."""
    return None if _own is None else _own.LabelClasses


def label_info_type() -> Any | None:
    """Give the type of label/info, None where vision_msgs is not installed."""
    return getattr(_vision, 'LabelInfo', None)


def frame_stats_message(
    header: Header,
    times: FrameTimes,
    counts: FrameCounts,
    *,
    camera: str,
    height: int,
    width: int,
    batch_size: int,
) -> Any:
    """Make a FrameStats message; only where frame_stats_type() is not None."""
    return _own.FrameStats(
        header=header,
        camera=camera,
        height=height,
        width=width,
        batch_size=batch_size,
        overhead_ms=times.overhead_ms,
        **asdict(times),
        **asdict(counts),
    )


def label_classes_message(header: Header, classes: Iterable[LabelClass]) -> Any:
    """Make the message of label/classes; only where label_classes_type() is not None."""
    class_map = []
    for item in classes:
        red, green, blue = item.color
        class_map.append(
            _own.LabelClass(
                class_id=item.id, class_name=item.name, red=red, green=green, blue=blue
            )
        )
    return _own.LabelClasses(header=header, class_map=class_map)


def label_info_message(header: Header, classes: Iterable[LabelClass]) -> Any:
    """Make the message of label/info; only where label_info_type() is not None."""
    class_map = [_vision.VisionClass(class_id=item.id, class_name=item.name) for item in classes]
    return _vision.LabelInfo(header=header, class_map=class_map)
