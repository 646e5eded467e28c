# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a scene are in a recording, and how the viewer arranges them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from segformer_ros.viewer import sdk

SCALE, CLASSES = '/depth_scale', '/classes'
FRUSTUM_M = 3.0
"""Distance in metres at which the 3D view shows the image of the camera."""


class Places:
    """
    The entities of one camera.

    :param camera: Its name, such as 'front' or 'rig/front'; empty where there is one camera.
    """

    def __init__(self, camera: str) -> None:
        root = f'/{camera.strip("/")}' if camera else ''
        self.camera = f'{root}/camera'
        self.image = f'{self.camera}/image'
        self.labels = f'{self.camera}/label'
        self.depth = f'{self.camera}/depth'
        self.relative = f'{self.camera}/relative_depth'
        self.depth_confidence = f'{self.camera}/depth_confidence'
        self.true_labels = f'{self.camera}/ground_truth/label'
        self.true_depth = f'{self.camera}/ground_truth/depth'
        self.points = f'{root}/points'
        self.times = f'{root}/latency_ms'
        self.drops = f'{root}/dropped'

    @staticmethod
    def colors(depth: str) -> str:
        """Name the colours of a depth image."""
        return f'{depth}/colors'


@dataclass(frozen=True)
class Extras:
    """
    Views that only some cameras need.

    :param truth: Cameras that have a column for the ground truth.
    :param relative: Cameras that have a view for depth of unknown scale.
    :param depth_confidence: Cameras that have a view for the confidence of depth.
    """

    truth: Collection[str] = frozenset()
    relative: Collection[str] = frozenset()
    depth_confidence: Collection[str] = frozenset()


def blueprint(timeline: str, cameras: Sequence[str], extras: Extras) -> Any:
    """
    Arrange the views: of one camera all of them, of several a column each and a tab each.

    :param timeline: The one that is scrubbed.
    :param cameras: Names; one that is empty stands for the only camera.
    :returns: A rerun.blueprint.Blueprint.
    """
    views = sdk.load().blueprint
    pages = [_page(name, extras) for name in cameras]
    shown = pages[0]
    if len(pages) > 1:
        shown = views.Tabs(_columns(cameras, extras), *pages, active_tab=0)
    return views.Blueprint(
        shown,
        views.TimePanel(state='collapsed', timeline=timeline),
        views.BlueprintPanel(state='hidden'),
        views.SelectionPanel(state='hidden'),
    )


def _columns(cameras: Sequence[str], extras: Extras) -> Any:
    """Show image, labels and depth of every camera next to those of the others."""
    views = sdk.load().blueprint
    columns = [
        views.Vertical(
            _picture(places, name, places.image, places.labels),
            _labels(places, f'{name}: labels', places.labels),
            _depth(places, f'{name}: depth (m)', places.depth),
            *_more_depth(places, f'{name}: ', name, extras),
        )
        for name in cameras
        for places in [Places(name)]
    ]
    return views.Vertical(
        views.Horizontal(*columns),
        views.Horizontal(_scale(), _classes()),
        row_shares=[6, 1],
        name='all cameras',
    )


def _page(camera: str, extras: Extras) -> Any:
    """Arrange one camera: image, labels and depth above, cloud, legend and plots below."""
    views, places = sdk.load().blueprint, Places(camera)
    plots = views.Vertical(
        _classes(),
        views.TimeSeriesView(origin=places.times, name='latency (ms)'),
        views.TimeSeriesView(origin=places.drops, name='dropped frames'),
        row_shares=[3, 2, 2],
    )
    below = views.Horizontal(_cloud(places), plots, column_shares=[2, 1])
    more = _more_depth(places, '', camera, extras)
    above = [
        _picture(places, 'camera and labels', places.image, places.labels),
        views.Vertical(
            _labels(places, 'labels', places.labels),
            _depth(places, 'depth (m)', places.depth),
            *more,
            _scale(),
            row_shares=[5, 5, *([5] * len(more)), 2],
        ),
    ]
    if camera in extras.truth:
        above.append(
            views.Vertical(
                _labels(places, 'ground-truth labels', places.true_labels),
                _depth(places, 'ground-truth depth (m)', places.true_depth),
            )
        )
    shares = [2, *([1] * (len(above) - 1))]
    return views.Vertical(
        views.Horizontal(*above, column_shares=shares),
        below,
        row_shares=[1, 1],
        name=camera or None,
    )


def _scale() -> Any:
    return sdk.load().blueprint.Spatial2DView(origin=SCALE, name='scale of depth')


def _classes() -> Any:
    return sdk.load().blueprint.Spatial2DView(origin=CLASSES, name='classes')


def _picture(places: Places, name: str, *contents: str) -> Any:
    views = sdk.load().blueprint
    return views.Spatial2DView(origin=places.camera, contents=list(contents), name=name)


def _depth(places: Places, name: str, place: str) -> Any:
    return _picture(places, name, place, places.colors(place))


def _more_depth(places: Places, start: str, camera: str, extras: Extras) -> list[Any]:
    """Show what a camera has next to metric depth."""
    found = []
    if camera in extras.relative:
        found.append(_depth(places, f'{start}relative depth (no unit)', places.relative))
    if camera in extras.depth_confidence:
        name = f'{start}depth confidence (255 is certain)'
        found.append(_picture(places, name, places.depth_confidence))
    return found


def _labels(places: Places, name: str, place: str) -> Any:
    """Show labels alone in their own colours."""
    rerun = sdk.load()
    opaque = {place: rerun.SegmentationImage.from_fields(opacity=1.0)}
    return rerun.blueprint.Spatial2DView(
        origin=places.camera, contents=[place], name=name, overrides=opaque
    )


def _cloud(places: Places) -> Any:
    """Show the points from behind and above the camera."""
    views = sdk.load().blueprint
    eye = views.EyeControls3D(
        position=(0.0, -4.0, -10.0), look_target=(0.0, 0.0, 15.0), eye_up=(0.0, -1.0, 0.0)
    )
    return views.Spatial3DView(
        origin='/',
        contents=[places.points, places.camera, places.image],
        name='points by class',
        eye_controls=eye,
        line_grid=False,
    )
