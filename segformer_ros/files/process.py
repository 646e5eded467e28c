# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and videos through the network, frame by frame, continuing where a run ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import draw, frame_rules
from segformer_ros.bundle import RELATIVE
from segformer_ros.camera import Intrinsics
from segformer_ros.files import images
from segformer_ros.files.frames_table import FRAMES_TABLE, FramesTable
from segformer_ros.files.images import ImageFile
from segformer_ros.files.results import Depth, Results
from segformer_ros.files.video import VideoFrame, VideoReader
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Options, Prediction, Predictor
from segformer_ros.inference.road_scale import for_scale, RoadScale, ScaleOptions
from segformer_ros.inference.temporal import images_at_once, TemporalMemories
from segformer_ros.labels import DISTINCT, with_palette
from segformer_ros.run_folder import Report
from segformer_ros.side_thread import ahead, Behind, in_order

Image = npt.NDArray[np.uint8]
OVERLAY_VIDEO = 'overlay.mp4'
# Frames that are read before, and written behind the one in the network.
_AHEAD, _BEHIND = 2, 2


@dataclass(frozen=True)
class FileOptions:
    """
    How images are processed.

    :param depth_format: 'npy' or 'png16', see Results.
    :param overlay: Whether to draw the results for people.
    :param palette: Colours of the classes in overlays; see labels.PALETTES.
    :param focal_px: Focal length in pixels of the images; None leaves it to camera_fov_deg.
    :param camera_fov_deg: Horizontal field of view; 0 means that the camera is unknown.
    :param inference: What the network is asked for.
    :param scale: How depth is scaled by the road; None: it is not.
    :param temporal: One of inference.temporal.TEMPORAL; of videos alone.
    """

    depth_format: str = 'npy'
    overlay: bool = True
    palette: str = DISTINCT
    focal_px: float | None = None
    camera_fov_deg: float = 0.0
    inference: Options = field(default_factory=Options)
    scale: ScaleOptions | None = None
    temporal: str = 'off'


class Artist:
    """Draws what one network said, for people."""

    def __init__(self, pipeline: Predictor, palette: str = DISTINCT) -> None:
        """:param palette: See labels.with_palette."""
        self._classes = with_palette(pipeline.manifest.classes, palette)

    def draw(
        self,
        image: Image,
        labels: Image | None,
        depth: Depth | None,
        relative: Depth | None = None,
    ) -> Image:
        """Put the image, its labels and its depth, in metres or relative, side by side."""
        return draw.side_by_side(image, labels, depth, self._classes, relative)


class FrameProcessor:
    """
    Puts images and videos through one network.

    :param folder: Where the results go; see Results.
    :param report: Is told what was done.
    :param advance: Called after every frame.
    """

    def __init__(
        self,
        pipeline: Predictor,
        folder: Path,
        options: FileOptions,
        report: Report,
        advance: Callable[[], object] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._options = options
        self._report = report
        self._advance = advance
        self._memories = TemporalMemories()
        self._at_once = images_at_once(pipeline, options.temporal)
        self._artist = Artist(pipeline, options.palette)

    def process_images(self, files: Sequence[ImageFile]) -> None:
        """
        Process image files; one that cannot be read is counted in the report.

        :raises OSError: A result cannot be written.
        """
        results = self._results(overlay=self._options.overlay)
        read = ahead(self._read(files, results), _AHEAD)
        computed = in_order(read, self._of_file, self._at_once)
        with closing(read), Behind(_BEHIND) as behind, closing(computed):
            for (file, image), prediction in computed:
                if isinstance(image, str):
                    behind.do(self._report.fail, file.path.name, image)
                elif image is None or prediction is None:
                    self._report.reused += 1
                else:
                    prediction = self._scaled(image, prediction, self._scale())
                    behind.do(self._write_image, file, results, image, prediction)
                behind.do(self._advance)

    def process_video(self, reader: VideoReader, max_frames: int | None = None) -> None:
        """
        Process a video; its overlay is one video with the times of the source.

        Frames that an earlier run has finished are drawn again, but not computed again.

        FRAMES_TABLE says when each frame is shown, and why one is missing.

        :param max_frames: End after so many frames; None takes all.
        :raises OSError: A result cannot be written.
        """
        results = self._results(overlay=False)
        scale = self._scale()
        table = FramesTable(self._folder / FRAMES_TABLE)
        with ExitStack() as stack:
            stack.callback(table.write)
            writer: VideoWriter | None = None
            if self._options.overlay:
                path = self._folder / OVERLAY_VIDEO
                writer = stack.enter_context(VideoWriter(path, reader.rate))
            frames = stack.enter_context(closing(ahead(self._timed(reader), _AHEAD)))
            behind = stack.enter_context(Behind(_BEHIND))
            taken = takewhile(lambda frame: frame.index != max_frames, frames)
            unfinished = partial(self._unfinished, results)
            computed = in_order(taken, unfinished, self._at_once)
            for frame, prediction in stack.enter_context(closing(computed)):
                if frame.image is None:
                    behind.do(self._report.fail, f'frame {frame.index}', frame.error)
                else:
                    if prediction is not None:
                        prediction = self._scaled(frame.image, prediction, scale)
                    behind.do(self._write_frame, frame, prediction, results, writer)
                behind.do(table.add, frame)
                behind.do(self._advance)

    def _results(self, *, overlay: bool) -> Results:
        manifest, wanted = self._pipeline.manifest, self._options.inference
        tasks = manifest.results(scaled=self._options.scale is not None)
        kinds = {
            'label': 'segmentation' in tasks and wanted.segmentation,
            'depth': 'depth' in tasks and wanted.depth,
            RELATIVE: RELATIVE in tasks and wanted.depth,
            'confidence': 'segmentation' in tasks and wanted.confidence,
            'depth_confidence': 'depth' in tasks and wanted.depth and wanted.depth_confidence,
            'overlay': overlay,
        }
        made = tuple(kind for kind, there in kinds.items() if there)
        return Results(self._folder, made, self._options.depth_format)

    def _read(
        self, files: Sequence[ImageFile], results: Results
    ) -> Iterator[tuple[ImageFile, Image | str | None]]:
        """Read images; in place of one None where it is finished, and why it cannot be read."""
        for file in files:
            image: Image | str | None = None
            if not results.finished(file.name, file.path):
                try:
                    with self._report.timed('decode'):
                        image = images.read(file.path)
                except (OSError, ValueError) as error:
                    image = str(error)
            yield file, image

    def _write_image(
        self, file: ImageFile, results: Results, image: Image, prediction: Prediction
    ) -> None:
        overlay = None
        if self._options.overlay:
            with self._report.timed('draw'):
                depth = results.as_stored(prediction.depth)
                overlay = self._artist.draw(image, prediction.labels, depth, prediction.relative)
        self._write(file.name, prediction, results, overlay)

    def _write_frame(
        self,
        frame: VideoFrame,
        prediction: Prediction | None,
        results: Results,
        writer: VideoWriter | None,
    ) -> None:
        """:param prediction: None: an earlier run has written it."""
        name = frame.name
        if prediction is None:
            self._report.reused += 1
            found = results.read(name) if writer is not None else (None, None, None)
        else:
            self._write(name, prediction, results, None)
            depth = results.as_stored(prediction.depth)
            found = prediction.labels, depth, prediction.relative
        if writer is not None and frame.image is not None:
            with self._report.timed('draw'):
                writer.add(self._artist.draw(frame.image, *found), frame.time_s)

    def _of_file(self, item: tuple[ImageFile, Image | str | None]) -> Prediction | None:
        return self._predict(item[1]) if isinstance(item[1], np.ndarray) else None

    def _unfinished(self, results: Results, frame: VideoFrame) -> Prediction | None:
        if frame.image is None or results.finished(frame.name):
            return None
        return self._predict(frame.image, frame.time_s)

    def _predict(self, image: Image, time_s: float | None = None) -> Prediction:
        """
        Put an image through the network; `_at_once` threads do so.

        :param time_s: When a frame of a video is shown; None: an image on its own.
        """
        camera, wanted = self._camera(image), self._options.inference
        return self._pipeline.predict(
            image,
            focal_length_px=None if camera is None else camera.fx,
            options=wanted if self._options.scale is None else for_scale(wanted),
            **self._memory(time_s),
        )

    def _camera(self, image: Image) -> Intrinsics | None:
        options, size = self._options, (image.shape[0], image.shape[1])
        return frame_rules.calibrate(
            None, size, camera_fov_deg=options.camera_fov_deg, focal_px=options.focal_px
        ).intrinsics

    def _scaled(self, image: Image, prediction: Prediction, scale: RoadScale | None) -> Prediction:
        """Note how long it took and put depth on the scale of the road, in order of the frames."""
        self._report.add_timings(prediction.timings)
        if scale is None:
            return prediction
        limits_m = self._pipeline.manifest.depth_range_m or (0.0, math.inf)
        wanted = self._options.inference
        prediction = scale.scaled(prediction, self._camera(image), wanted, limits_m)
        if scale.last.refused:
            self._report.count('frames_without_road')
        self._report.facts['depth_scale'] = scale.text
        return prediction

    def _scale(self) -> RoadScale | None:
        """Begin the scale of a video, or of one image."""
        options = self._options.scale
        return None if options is None else RoadScale.of(self._pipeline.manifest, options)

    def _memory(self, time_s: float | None) -> dict[str, Any]:
        if time_s is None:
            return {}
        memory = self._memories.of('video', self._options.temporal, round(time_s * 1e9))
        return {} if memory is None else {'memory': memory}

    def _write(
        self, name: str, prediction: Prediction, results: Results, overlay: Image | None
    ) -> None:
        with self._report.timed('write'):
            results.write(
                name,
                label=prediction.labels,
                depth=prediction.depth,
                confidence=prediction.confidence,
                depth_confidence=prediction.depth_confidence,
                overlay=overlay,
                relative=prediction.relative,
            )
        self._report.done += 1

    def _timed(self, reader: VideoReader) -> Iterator[VideoFrame]:
        frames = iter(reader)
        while True:
            with self._report.timed('decode'):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame
