# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the viewer shows of cameras, from arrays; where it comes from makes no difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.camera import back_project, Intrinsics
from segformer_ros.image_encoding import encode_photo, media_type
from segformer_ros.labels import DISTINCT, LabelClass, VOID, with_palette
from segformer_ros.viewer import layout, sdk

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

TIMELINES = ('stamp', 'time', 'frame')
_JPEG_QUALITY = 85
_POINTS = 30_000
_UNLABELLED = (0, 0, 0)
_LEGEND_COLUMNS = 3
_RESULTS = ('labels', 'depth', 'relative', 'depth_confidence')
_ARRAYS = ('image', *_RESULTS, 'true_labels', 'true_depth')


@dataclass(frozen=True)
class ViewFrame:
    """
    What is known of one camera at one instant; None is not shown.

    :param at: Nanoseconds on the timelines stamp and time, a number on the timeline frame.
    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids, 255 unlabelled.
    :param depth: (H, W) metres along the optical axis, NaN where unknown.
    :param intrinsics: Of the camera; None leaves points and frustum out.
    :param true_labels: (H, W) class ids of the ground truth, 255 where it has none.
    :param true_depth: (H, W) metres; NaN and infinite are not shown.
    :param times_ms: Milliseconds by the step that they were spent in.
    :param drops: Frames dropped since the start by the reason.
    :param camera: One of the cameras of the scene.
    :param relative: (H, W) depth of unknown scale, finite.
    :param depth_confidence: (H, W) probability times 255, 0 where depth is unknown.
    """

    at: int
    image: Image | None = None
    labels: Image | None = None
    depth: Depth | None = None
    intrinsics: Intrinsics | None = None
    true_labels: Image | None = None
    true_depth: Depth | None = None
    times_ms: Mapping[str, float] = field(default_factory=dict)
    drops: Mapping[str, float] = field(default_factory=dict)
    camera: str = ''
    relative: Depth | None = None
    depth_confidence: Image | None = None


@dataclass(frozen=True)
class SceneOptions:
    """
    How a scene is shown.

    :param timeline: 'stamp' (time of the header), 'time' (of a video) or 'frame' (of a folder).
    :param depth_max_m: Far end of the depth scale.
    :param opacity: Of the labels over the camera image.
    :param max_width: Images are shown in steps of whole pixels so that they are no wider; 0 shows
        all pixels.
    :param true_classes: Of the ground-truth labels.
    :param palette: Colours of all classes; see labels.PALETTES.
    :param cameras: Their names, in the order of the columns; an empty one is the only camera.
    :raises ValueError: A value is out of range.
    """

    timeline: str = 'stamp'
    depth_max_m: float = 80.0
    opacity: float = 0.5
    max_width: int = 0
    true_classes: tuple[LabelClass, ...] = ()
    palette: str = DISTINCT
    cameras: tuple[str, ...] = ('',)

    def __post_init__(self) -> None:
        if self.timeline not in TIMELINES:
            raise ValueError(
                f'timeline must be one of {", ".join(TIMELINES)}, not {self.timeline!r}'
            )
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f'opacity must be between 0 and 1, not {self.opacity}')
        if not 0.0 < self.depth_max_m < math.inf:
            raise ValueError(f'depth_max_m must be positive, not {self.depth_max_m}')


class Scene:
    """Writes frames into one recording; to be used by one thread."""

    def __init__(
        self, recording: Any, classes: Sequence[LabelClass], options: SceneOptions
    ) -> None:
        """
        Write what holds for every frame.

        :param recording: A rerun.RecordingStream.
        :param classes: Of the labels.
        """
        self._rerun = sdk.load()
        self._recording = recording
        self._options = options
        self._intrinsics: dict[str, Intrinsics] = {}
        self._classes: Sequence[LabelClass] = ()
        self._plots: set[str] = set()
        self._extras = layout.Extras()
        self._places = {name: layout.Places(name) for name in options.cameras}
        recording.log('/', self._rerun.ViewCoordinates.RDF, static=True)
        self._send_layout()
        self.set_classes(classes)
        strip = np.zeros((120, 640, 3), np.uint8)
        draw.put_depth_scale(strip, options.depth_max_m)
        recording.log(layout.SCALE, self._rerun.Image(strip[-32:]), static=True)
        scale = _depth_scale(options.depth_max_m)
        levels = [(level, '', color) for level, _, color in scale]
        for places in self._places.values():
            rows = self._rerun.AnnotationContext(levels)
            recording.log(places.colors(places.relative), rows, static=True)
            if options.true_classes:
                self._annotate(places.true_labels, options.true_classes)
            for place in (places.depth, places.true_depth):
                rows = self._rerun.AnnotationContext(scale)
                recording.log(places.colors(place), rows, static=True)

    def set_classes(self, classes: Sequence[LabelClass]) -> None:
        """
        Take names and colours for the labels of all frames.

        Rerun 0.41 shows colours of its own once a table of classes has been written twice: none is
        written while the classes are not known, nor again when a node that restarts repeats them.

        :param classes: Empty where they are not known yet.
        """
        chosen = with_palette(classes, self._options.palette)
        if not chosen or chosen == self._classes:
            return
        self._classes = chosen
        self._annotate('/', chosen)
        names = draw.contact_sheet([draw.legend([item]) for item in chosen], _LEGEND_COLUMNS)
        self._recording.log(layout.CLASSES, self._rerun.Image(names), static=True)

    def log(self, frame: ViewFrame) -> None:
        """
        Show a frame at its time.

        :raises ValueError: Images of one frame differ in size.
        """
        frame = self._checked(frame)
        places = self._places[frame.camera]
        self._widen_layout(frame)
        self._set_time(frame.at)
        self._log_camera(places.camera, frame.intrinsics)
        if frame.image is not None:
            kind, photo = encode_photo(frame.image, _JPEG_QUALITY)
            picture = self._rerun.EncodedImage(contents=photo, media_type=media_type(kind))
            self._recording.log(places.image, picture)
        self._log_labels(places.labels, frame.labels)
        self._log_depth(places.depth, frame.depth)
        self._log_relative(places.relative, frame.relative)
        if frame.depth_confidence is not None:
            shown = self._rerun.Image(frame.depth_confidence, color_model='L')
            self._recording.log(places.depth_confidence, shown)
        self._log_labels(places.true_labels, frame.true_labels)
        self._log_depth(places.true_depth, frame.true_depth)
        if frame.depth is not None and frame.intrinsics is not None:
            self._log_points(places.points, frame.depth, frame.labels, frame.intrinsics)
        self._log_numbers(places.times, frame.times_ms)
        self._log_numbers(places.drops, frame.drops)

    def _checked(self, frame: ViewFrame) -> ViewFrame:
        """Look at the sizes, and leave out pixels that are more than are shown."""
        arrays = {name: getattr(frame, name) for name in _ARRAYS}
        sizes = {name: item.shape[:2] for name, item in arrays.items() if item is not None}
        if len({*sizes.values()}) > 1:
            found = ', '.join(f'{name} {item[0]}x{item[1]}' for name, item in sizes.items())
            raise ValueError(f'expected images of one size in a frame, found {found}')
        limit, width = (
            self._options.max_width,
            max((size[1] for size in sizes.values()), default=0),
        )
        step = -(-width // limit) if limit else 1
        if step <= 1:
            return frame
        small: dict[str, Any] = {
            name: None if item is None else np.ascontiguousarray(item[::step, ::step])
            for name, item in arrays.items()
        }
        if frame.image is not None:
            height, width = frame.image[::step, ::step].shape[:2]
            small['image'] = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
        camera = frame.intrinsics
        if camera is not None:
            fx, fy, cx, cy = (
                value / step for value in (camera.fx, camera.fy, camera.cx, camera.cy)
            )
            size = -(-camera.width // step), -(-camera.height // step)
            camera = Intrinsics(fx, fy, cx, cy, *size)
        return replace(frame, intrinsics=camera, **small)

    def _set_time(self, at: int) -> None:
        name = self._options.timeline
        if name == 'frame':
            self._recording.set_time(name, sequence=at)
        elif name == 'time':
            self._recording.set_time(name, duration=np.timedelta64(at, 'ns'))
        else:
            self._recording.set_time(name, timestamp=np.datetime64(at, 'ns'))

    def _annotate(self, place: str, classes: Sequence[LabelClass]) -> None:
        # An id without a colour has one of the viewer's own.
        rows = [(VOID, 'unlabelled', _UNLABELLED)]
        chosen = with_palette(classes, self._options.palette)
        rows += [(item.id, item.name, item.color) for item in chosen]
        self._recording.log(place, self._rerun.AnnotationContext(rows), static=True)

    def _log_camera(self, place: str, camera: Intrinsics | None) -> None:
        if camera is None or camera == self._intrinsics.get(place):
            return
        self._intrinsics[place] = camera
        pinhole = self._rerun.Pinhole(
            focal_length=(camera.fx, camera.fy),
            principal_point=(camera.cx, camera.cy),
            width=camera.width,
            height=camera.height,
            camera_xyz=self._rerun.ViewCoordinates.RDF,
            image_plane_distance=layout.FRUSTUM_M,
        )
        self._recording.log(place, pinhole)

    def _log_labels(self, place: str, labels: Image | None) -> None:
        if labels is not None:
            opacity = self._options.opacity
            shown = self._rerun.SegmentationImage(labels, opacity=opacity, draw_order=1.0)
            self._recording.log(place, shown)

    def _log_depth(self, place: str, depth: Depth | None) -> None:
        if depth is None:
            return
        far_m, finite = self._options.depth_max_m, _finite(depth)
        # The colours of the viewer show what is unknown as far; these come first and lie above.
        levels = draw.depth_levels(finite, far_m)
        shown = self._rerun.SegmentationImage(levels, opacity=1.0)
        self._recording.log(layout.Places.colors(place), shown)
        # Half the bytes, and 0.05 % of a value at most.
        half = finite.astype(np.float16)
        values = self._rerun.DepthImage(half, meter=1.0, depth_range=(0.0, far_m))
        self._recording.log(place, values)

    def _log_relative(self, place: str, relative: Depth | None) -> None:
        """Show values without a unit: near and far of this frame alone."""
        if relative is not None:
            levels = self._rerun.SegmentationImage(draw.relative_levels(relative), opacity=1.0)
            self._recording.log(layout.Places.colors(place), levels)
            ends = float(relative.min()), float(relative.max())
            self._recording.log(place, self._rerun.DepthImage(relative, depth_range=ends))

    def _log_points(
        self, place: str, depth: Depth, labels: Image | None, camera: Intrinsics
    ) -> None:
        step = max(1, math.ceil(math.sqrt(depth.size / _POINTS)))
        points = back_project(_finite(depth), camera)[::step, ::step].reshape(-1, 3)
        near = np.isfinite(points[:, 2]) & (points[:, 2] <= self._options.depth_max_m)
        ids = None if labels is None else labels[::step, ::step].reshape(-1)[near]
        # Radii below zero are in pixels of the screen.
        shown = self._rerun.Points3D(points[near], class_ids=ids, radii=-1.5)
        self._recording.log(place, shown)

    def _log_numbers(self, place: str, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            path = f'{place}/{name}'
            if path not in self._plots:
                self._plots.add(path)
                self._recording.log(path, self._rerun.SeriesLines(names=name), static=True)
            if math.isfinite(value):
                self._recording.log(path, self._rerun.Scalars(value))

    def _widen_layout(self, frame: ViewFrame) -> None:
        """Make room for what a camera has had nothing of so far."""
        own, camera = self._extras, frame.camera
        found = {
            'truth': (frame.true_labels, frame.true_depth),
            'relative': (frame.relative,),
            'depth_confidence': (frame.depth_confidence,),
        }
        has = [name for name, items in found.items() if any(item is not None for item in items)]
        new = {
            name: {*getattr(own, name), camera} for name in has if camera not in getattr(own, name)
        }
        if new:
            self._extras = replace(own, **new)
            self._send_layout()

    def _send_layout(self) -> None:
        own = self._options
        self._recording.send_blueprint(layout.blueprint(own.timeline, own.cameras, self._extras))


def _finite(depth: Depth) -> Depth:
    return np.where(np.isfinite(depth), depth, np.float32(np.nan))


def _depth_scale(max_m: float) -> list[tuple[int, str, tuple[int, int, int]]]:
    """Return the depth levels as classes, whose names are metres."""
    rows = []
    for level, color in enumerate(draw.depth_palette().tolist()):
        name = f'{draw.level_m(level, max_m):.3g} m' if level else draw.NO_DEPTH
        rows.append((level, name, (color[0], color[1], color[2])))
    return rows
