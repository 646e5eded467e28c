# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network behind the viewer: loaded when it is needed, and asked as `segformer run` asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import hashlib
import math
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle as bundles
from segformer_ros import frame_rules
from segformer_ros.camera import Intrinsics
from segformer_ros.frame_rules import CameraModel
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.road_scale import for_scale, RoadScale, ScaleOptions
from segformer_ros.inference.temporal import TemporalMemories
from segformer_ros.labels import LabelClass
from segformer_ros.viewer.scene import ViewFrame

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Request:
    """
    What the network is asked for.

    :param inference: Tasks, range of depth, rotation of the images. The confidence of depth is
        None of a network that states none.
    :param scale: How depth is scaled by the road; None: it is not.
    :param temporal: One of inference.temporal.TEMPORAL; of videos and bags alone.
    :param focal_px: Focal length in pixels of the images; None leaves it to the rest.
    :param camera_fov_deg: Horizontal field of view that replaces camera_info; 0 uses camera_info.
    :param model_sha256: Of the manifest that made the results so far; empty: there are none.
    """

    inference: Options = field(default_factory=lambda: Options(depth_confidence=True))
    scale: ScaleOptions | None = None
    temporal: str = 'off'
    focal_px: float | None = None
    camera_fov_deg: float = 0.0
    model_sha256: str = ''

    @classmethod
    def of_run(cls, settings: Mapping[str, Any]) -> Request:
        """
        Read what run.json says.

        :raises ValueError: It says what `segformer run` cannot have written.
        """
        scale = settings.get('scale_by')
        try:
            return cls(
                Options(
                    segmentation=settings.get('only') != 'depth',
                    depth=settings.get('only') != 'segmentation',
                    min_depth_m=settings.get('min_depth_m'),
                    max_depth_m=settings.get('max_depth_m'),
                    sky_depth=settings.get('sky_depth', 'nan'),
                    image_rotation=settings.get('image_rotation', 0),
                    depth_confidence=settings.get('depth_confidence', False),
                    min_depth_confidence=settings.get('min_depth_confidence', 0.0),
                ),
                None if scale is None else ScaleOptions(**scale),
                str(settings.get('temporal', 'off')),
                settings.get('focal_length_px'),
                float(settings.get('camera_fov_deg', 0.0)),
                str(settings.get('model_sha256', '')),
            )
        except TypeError as error:
            raise ValueError(
                f'expected run.json as segformer run writes it, found {error}'
            ) from error


class Predictor:
    """
    A network that is loaded when the first image needs it.

    :param model: Its name or folder.
    :param load: Loads it.
    :param request: What it is asked for.
    """

    def __init__(
        self, model: str, load: Callable[[], Pipeline], request: Request | None = None
    ) -> None:
        self._model, self._load = model, load
        self._request = request or Request()
        self._pipeline: Pipeline | None = None
        self._memories = TemporalMemories()
        self._scale: RoadScale | None = None

    @property
    def pipeline(self) -> Pipeline:
        """The network."""
        if self._pipeline is None:
            self._warn_of_another_network()
            self._pipeline = self._load()
        return self._pipeline

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """
        Its classes, for which it is not loaded.

        :raises BundleError: There is no such network.
        """
        return bundles.read(bundles.find(self._model)).manifest.classes

    def close(self) -> None:
        """Free the network."""
        if self._pipeline is not None:
            self._pipeline.close()

    def camera(self, image: Image, model: CameraModel | None = None) -> Intrinsics | None:
        """Decide what is known of the camera of an image, as the live node does."""
        size = (image.shape[0], image.shape[1])
        request = self._request
        return frame_rules.calibrate(
            model, size, camera_fov_deg=request.camera_fov_deg, focal_px=request.focal_px
        ).intrinsics

    def frame(
        self, at: int, image: Image, model: CameraModel | None = None, *, single: bool = False
    ) -> ViewFrame:
        """
        Put an image through the network, as `segformer run` does.

        :param at: Nanoseconds, or the number of an image on its own.
        :param model: What camera_info says.
        :param single: Whether it is an image on its own, which knows no frame before.
        """
        camera, wanted = self.camera(image, model), self._request.inference
        scale = self._road_scale(single)
        temporal = 'off' if single else self._request.temporal
        found = self.pipeline.predict(
            image,
            focal_length_px=None if camera is None else camera.focal_across(wanted.image_rotation),
            options=wanted if scale is None else for_scale(wanted),
            memory=self._memories.of('camera', temporal, at),
        )
        if scale is not None:
            limits_m = self.pipeline.manifest.depth_range_m or (0.0, math.inf)
            found = scale.scaled(found, camera, wanted, limits_m)
        times = {
            'preprocess': found.timings.preprocess_s,
            'network': found.timings.network_s,
            'postprocess': found.timings.postprocess_s,
        }
        shown = {name: 1000.0 * value for name, value in times.items()}
        return ViewFrame(
            at,
            image,
            labels=found.labels,
            depth=found.depth,
            relative=found.relative,
            depth_confidence=found.depth_confidence,
            intrinsics=camera,
            times_ms={**shown, 'total': sum(shown.values())},
        )

    def _road_scale(self, single: bool) -> RoadScale | None:
        """Return the scale of the video, or begin that of one image."""
        options = self._request.scale
        if options is not None and (single or self._scale is None):
            self._scale = RoadScale.of(self.pipeline.manifest, options)
        return self._scale

    def _warn_of_another_network(self) -> None:
        known = self._request.model_sha256
        manifest = bundles.find(self._model) / 'manifest.json'
        if known and hashlib.sha256(manifest.read_bytes()).hexdigest() != known:
            warnings.warn(
                f'{self._model} has changed since the results were made: frames without a result '
                'are shown as it is now',
                stacklevel=2,
            )
