# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The messages of this package, which the node does without where they are missing.

They are generated when the package is built with colcon or cmake.
"""

from __future__ import annotations

from dataclasses import asdict
import importlib
from typing import Any

from segformer_ros.nodes.frame_statistics import FrameCounts, FrameTimes
from std_msgs.msg import Header


def _optional(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_own: Any = _optional('segformer_ros.msg')


def frame_stats_type() -> Any | None:
    """Return the type of ~/frame_stats, None where this package's messages are not built."""
    return None if _own is None else _own.FrameStats


def evaluation_stats_type() -> Any | None:
    """Return the type of evaluation statistics, None where our messages are not built."""
    return None if _own is None else _own.EvaluationStats


def label_classes_type() -> Any | None:
    """Return the type of label/classes, None where this package's messages are not built."""
    return None if _own is None else _own.LabelClasses


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
