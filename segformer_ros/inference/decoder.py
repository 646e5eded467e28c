# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the outputs of a network to a prediction: which ones are needed, and what they become."""

from __future__ import annotations

import math
from time import perf_counter

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle as bundles
from segformer_ros import frame_rules
from segformer_ros.inference.backend import FrameRequest
from segformer_ros.inference.depth_confidence import decode_depth_confidence
from segformer_ros.inference.postprocess import decode_depth, decode_labels
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.results import Options, Prediction, Timings
from segformer_ros.inference.top_classes import decode_top_classes

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

SKY = 'sky'
SKY_M = {'nan': math.nan, 'inf': math.inf}


def sky_id(manifest: bundles.Manifest) -> int | None:
    """Return the class id of sky; None: the network does not know it."""
    return next((item.id for item in manifest.classes if item.name == SKY), None)


class Decoder:
    """
    What turns outputs of one network into labels and depths in the geometry of the camera.

    :param compiled: False: nothing is compiled, each image takes longer.
    """

    def __init__(self, manifest: bundles.Manifest, *, compiled: bool = True) -> None:
        self._manifest = manifest
        self._relative = manifest.depth is not None and manifest.depth.relative
        self._ids = [item.id for item in manifest.classes]
        self._sky_id = sky_id(manifest)
        self._compiled = compiled

    def decode(
        self,
        outputs: dict[str, FloatArray],
        geometry: Geometry,
        focal_length_px: float | None,
        options: Options,
        before_s: tuple[float, float],
    ) -> Prediction:
        """
        Return what the options ask for.

        :param outputs: (C, H/s, W/s) by the names of the outputs of the network, for one image.
        :param before_s: Seconds of preprocessing and of the network.
        :raises ValueError: The limits of depth leave nothing of the range of the network.
        """
        start = perf_counter()
        labels, confidence = self._labels(outputs, geometry, options)
        depth = self._depth(outputs, geometry, focal_length_px, options, labels)
        certainty = self._depth_confidence(outputs, geometry, options, depth)
        top = self._top_classes(outputs, geometry, options)
        timings = Timings(*before_s, perf_counter() - start)
        labels = labels if options.segmentation else None
        metric, relative = (None, depth) if self._relative else (depth, None)
        return Prediction(labels, metric, confidence, timings, relative, certainty, top)

    def _masks_sky(self, options: Options) -> bool:
        return self._sky_id is not None and options.sky_depth != 'keep'

    def needed(self, options: Options) -> list[str]:
        """Name the outputs of the network that the options need."""
        output = self._manifest.depth
        depth = options.depth and output is not None
        labels = options.segmentation or options.confidence or options.top_classes
        labels = bool(labels or (depth and self._masks_sky(options)))
        logits = labels and self._manifest.logits is not None
        # One head computes all of depth, and there is a graph for all of it.
        return ['logits'] * logits + list(output.names if depth and output is not None else ())

    def request(
        self, geometry: Geometry, focal_length_px: float | None, options: Options
    ) -> FrameRequest:
        """Translate the options for a backend that computes whole frames."""
        needed = self.needed(options)
        return FrameRequest(
            segmentation=options.segmentation,
            labels='logits' in needed,
            confidence=options.confidence,
            depth='depth' in needed,
            factor=self._factor(geometry, focal_length_px),
            limits_m=self._limits_m(options),
            sky=self._sky(options) if self._masks_sky(options) else None,
        )

    def _depth_confidence(
        self,
        outputs: dict[str, FloatArray],
        geometry: Geometry,
        options: Options,
        depth: FloatArray | None,
    ) -> Image | None:
        """Return the confidence of depth where it is asked for, and forget depths below it."""
        output, raw = self._manifest.depth, outputs.get(bundles.SCALE_OUTPUT)
        if output is None or depth is None or raw is None or not options.needs_depth_scale:
            return None
        certainty = decode_depth_confidence(
            raw[0], geometry, stride=output.stride, depth=depth, compiled=self._compiled
        )
        if options.min_depth_confidence > 0.0:
            frame_rules.forget_unsure(depth, certainty, options.min_depth_confidence)
        return certainty if options.depth_confidence else None

    def _labels(
        self, outputs: dict[str, FloatArray], geometry: Geometry, options: Options
    ) -> tuple[Image | None, Image | None]:
        logits = self._manifest.logits
        if logits is None or 'logits' not in outputs:
            return None, None
        return decode_labels(
            outputs['logits'],
            geometry,
            stride=logits.stride,
            class_ids=self._ids,
            confidence=options.confidence,
            compiled=self._compiled,
        )

    def _top_classes(
        self, outputs: dict[str, FloatArray], geometry: Geometry, options: Options
    ) -> Image | None:
        logits = self._manifest.logits
        if logits is None or 'logits' not in outputs or not options.top_classes:
            return None
        return decode_top_classes(
            outputs['logits'],
            geometry,
            stride=logits.stride,
            class_ids=self._ids,
            count=options.top_classes,
        )

    def _depth(
        self,
        outputs: dict[str, FloatArray],
        geometry: Geometry,
        focal_length_px: float | None,
        options: Options,
        labels: Image | None,
    ) -> FloatArray | None:
        output = self._manifest.depth
        if not options.depth or output is None:
            return None
        if self._relative:
            return self._relative_depth(outputs['depth'][0], geometry, output.stride)
        return decode_depth(
            outputs['depth'][0],
            geometry,
            stride=output.stride,
            activation=output.activation,
            factor=self._factor(geometry, focal_length_px),
            limits_m=self._limits_m(options),
            labels=labels if self._masks_sky(options) else None,
            sky=self._sky(options),
            compiled=self._compiled,
        )

    def _relative_depth(self, raw: FloatArray, geometry: Geometry, stride: int) -> FloatArray:
        return decode_depth(
            raw,
            geometry,
            stride=stride,
            activation='metric',
            factor=1.0,
            limits_m=(-math.inf, math.inf),
            compiled=self._compiled,
        )

    def _factor(self, geometry: Geometry, focal_length_px: float | None) -> float:
        canonical = self._manifest.focal_length_px
        if focal_length_px is None or canonical is None:
            return 1.0
        return focal_length_px * geometry.scale / canonical

    def _limits_m(self, options: Options) -> tuple[float, float]:
        return options.limits_m(self._manifest.depth_range_m or (0.0, math.inf))

    def _sky(self, options: Options) -> tuple[int, float]:
        return self._sky_id or 0, SKY_M.get(options.sky_depth, math.nan)
