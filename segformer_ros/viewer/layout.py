# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a scene are in a recording, and how the viewer arranges them."""

from __future__ import annotations

from typing import Any

from segformer_ros.viewer import sdk

CAMERA = '/camera'
IMAGE = '/camera/image'
LABELS = '/camera/label'
DEPTH = '/camera/depth'
RELATIVE = '/camera/relative_depth'
TRUE_LABELS = '/camera/ground_truth/label'
TRUE_DEPTH = '/camera/ground_truth/depth'
COLORS = '{}/colors'
SCALE = '/depth_scale'
POINTS = '/points'
TIMES = '/latency_ms'
DROPS = '/dropped'
FRUSTUM_M = 3.0
"""Distance in metres at which the 3D view shows the image of the camera."""


def blueprint(timeline: str, *, has_truth: bool, has_relative: bool = False) -> Any:
    """
    Arrange the views: the camera, its labels and depth above, cloud and plots below.

    :param timeline: The one that is scrubbed.
    :param has_truth: Whether there is a column for the ground truth.
    :param has_relative: Whether depth of unknown scale has a view.
    :returns: A rerun.blueprint.Blueprint.
    """
    views = sdk.load().blueprint
    plots = views.Vertical(
        views.TimeSeriesView(origin=TIMES, name='latency (ms)'),
        views.TimeSeriesView(origin=DROPS, name='dropped frames'),
    )
    below = views.Horizontal(_cloud(), plots, column_shares=[2, 1])
    relative = [_depth('relative depth (no unit)', RELATIVE)] if has_relative else []
    above = [
        _picture('camera and labels', IMAGE, LABELS),
        views.Vertical(
            _labels('labels', LABELS),
            _depth('depth (m)', DEPTH),
            *relative,
            views.Spatial2DView(origin=SCALE, name='scale of depth'),
            row_shares=[5, 5, *([5] * len(relative)), 2],
        ),
    ]
    if has_truth:
        above.append(
            views.Vertical(
                _labels('ground-truth labels', TRUE_LABELS),
                _depth('ground-truth depth (m)', TRUE_DEPTH),
            )
        )
    shares = [2, *([1] * (len(above) - 1))]
    return views.Blueprint(
        views.Vertical(views.Horizontal(*above, column_shares=shares), below, row_shares=[1, 1]),
        views.TimePanel(state='collapsed', timeline=timeline),
        views.BlueprintPanel(state='hidden'),
        views.SelectionPanel(state='hidden'),
    )


def _picture(name: str, *contents: str) -> Any:
    views = sdk.load().blueprint
    return views.Spatial2DView(origin=CAMERA, contents=list(contents), name=name)


def _depth(name: str, place: str) -> Any:
    return _picture(name, place, COLORS.format(place))


def _labels(name: str, place: str) -> Any:
    """Show labels alone in their own colours."""
    rerun = sdk.load()
    opaque = {place: rerun.SegmentationImage.from_fields(opacity=1.0)}
    return rerun.blueprint.Spatial2DView(
        origin=CAMERA, contents=[place], name=name, overrides=opaque
    )


def _cloud() -> Any:
    """Show the points from behind and above the camera."""
    views = sdk.load().blueprint
    eye = views.EyeControls3D(
        position=(0.0, -4.0, -10.0), look_target=(0.0, 0.0, 15.0), eye_up=(0.0, -1.0, 0.0)
    )
    return views.Spatial3DView(
        origin='/',
        contents=[POINTS, CAMERA, IMAGE],
        name='points by class',
        eye_controls=eye,
        line_grid=False,
    )
