# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pipeline of two networks, one for labels and one for depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
from segformer_ros import bundle as bundles
from segformer_ros.image_encoding import CameraImage
from segformer_ros.inference.backend import EngineMissingError
from segformer_ros.inference.backend_choice import Loaded
from segformer_ros.inference.decoder import sky_id, SKY_M
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.inference.results import Options, Prediction, Timings
from segformer_ros.inference.schedule import Schedule, WAYS
from segformer_ros.inference.temporal import TemporalMemory


class PairedPipeline(Pipeline):
    """
    Two pipelines that are used as one.

    Each has its own input size, normalisation and backend. Depth where the labels say sky is what
    the options say, as with one network.
    """

    def __init__(
        self,
        bundle: bundles.Bundle,
        labels: Pipeline,
        depth: Pipeline,
        schedule: Schedule | None = None,
    ) -> None:
        """
        Put two loaded networks together; the bundle is that of both.

        :param schedule: How both are computed; None: one after the other. So are those of which
            one can only be computed by the thread that computes the other.
        """
        self._schedule = schedule or Schedule('sequential')
        self._threads = all(item.any_thread for item in (labels, depth))
        self._manifest = bundle.manifest
        self._pair = (labels, depth)
        self._sky_id = sky_id(bundle.manifest)

    @property
    def backend_name(self) -> str:
        """Name the engine and its device, of both networks where they differ."""
        first, second = (item.backend_name for item in self._pair)
        return first if first == second else f'labels {first}, depth {second}'

    @property
    def backend_reason(self) -> str:
        """Describe why it is these backends."""
        first, second = (item.backend_reason for item in self._pair)
        reason = first if first == second else f'labels: {first}; depth: {second}'
        return f'{reason}; {self._schedule.reason}' if self._threads else reason

    @property
    def takes_raw(self) -> bool:
        """Return whether an image as it came costs less than RGB for both."""
        return all(item.takes_raw for item in self._pair)

    def share(self, count: int) -> None:
        """Change nothing: the schedule decides what is computed at once."""

    def close(self) -> None:
        """Free both networks."""
        with ExitStack() as stack:
            for item in (*self._pair, self._schedule):
                stack.callback(item.close)

    @property
    def schedules(self) -> tuple[str, ...]:
        """Name how both can be computed."""
        return WAYS if self._threads else WAYS[:1]

    def use(self, schedule: str) -> None:
        """
        Compute later images by another schedule.

        :raises ValueError: There is no schedule of this name.
        """
        self._schedule.use(schedule)

    def predict_batch(
        self,
        images: Sequence[CameraImage],
        focal_lengths_px: Sequence[float | None] | None = None,
        options: Options | None = None,
        memories: Sequence[TemporalMemory | None] | None = None,
    ) -> list[Prediction]:
        """
        Label several images and measure their depths, as Pipeline.predict_batch.

        :raises BackendError: A device has failed.
        :raises ValueError: An image or a focal length is not one, or their numbers differ.
        """
        options = options or Options()
        masks = options.depth and self._sky_id is not None and options.sky_depth != 'keep'
        for_labels = replace(options, depth=False, segmentation=options.segmentation or masks)
        for_depth = replace(
            options, segmentation=False, confidence=False, sky_depth='keep', top_classes=0
        )
        labels, depth = self._pair
        kept = memories or [None] * len(images)
        parts = {
            name: [None if memory is None else memory.part(name) for memory in kept]
            for name in ('logits', 'depth')
        }

        def see() -> list[Prediction]:
            return labels.predict_batch(images, focal_lengths_px, for_labels, parts['logits'])

        def measure() -> list[Prediction]:
            return depth.predict_batch(images, focal_lengths_px, for_depth, parts['depth'])

        if self._threads and options.depth and (for_labels.segmentation or options.confidence):
            seen, measured, at_once = self._schedule.both(see, measure)
        else:
            seen, measured, at_once = see(), measure(), False
        together = partial(self._together, options=options, masks=masks, at_once=at_once)
        return [together(*pair) for pair in zip(seen, measured, strict=True)]

    def _together(
        self,
        seen: Prediction,
        measured: Prediction,
        *,
        options: Options,
        masks: bool,
        at_once: bool,
    ) -> Prediction:
        if masks and measured.depth is not None and seen.labels is not None:
            sky = seen.labels == self._sky_id
            measured.depth[sky] = np.float32(SKY_M[options.sky_depth])
            if measured.depth_confidence is not None:
                measured.depth_confidence[sky] = 0
        return Prediction(
            seen.labels if options.segmentation else None,
            measured.depth,
            seen.confidence,
            _timings(seen.timings, measured.timings, at_once),
            measured.relative,
            measured.depth_confidence,
            seen.top_classes,
        )


def _timings(first: Timings, second: Timings, at_once: bool) -> Timings:
    """Add the times of two networks; at once: take those of the one that was ready last."""
    if at_once:
        last = max((first, second), key=lambda t: t.preprocess_s + t.network_s + t.postprocess_s)
        return replace(last, depth_network_s=second.network_s)
    return Timings(
        first.preprocess_s + second.preprocess_s,
        first.network_s + second.network_s,
        first.postprocess_s + second.postprocess_s,
        second.network_s,
    )


def open_pair(
    bundle: bundles.Bundle,
    choose: Callable[[bundles.Bundle], Loaded],
    *,
    compiled: bool = True,
    schedule: str = 'auto',
) -> PairedPipeline:
    """
    Load both networks of a bundle.

    :param choose: Loads a bundle of one network.
    :param schedule: One of schedule.SCHEDULES.
    :raises BackendError: One cannot be loaded.
    :raises EngineMissingError: Engines have to be built first, those of both.
    :raises BundleError: One is damaged or computes something else.
    """
    way = Schedule(schedule)
    opened: list[Pipeline] = []
    missing: list[EngineMissingError] = []
    try:
        for task in ('segmentation', 'depth'):
            try:
                opened.append(Pipeline.open(bundle.networks[task], choose, compiled=compiled))
            except EngineMissingError as error:
                missing.append(error)
        if missing:
            requests = tuple(request for error in missing for request in error.requests)
            raise EngineMissingError('; '.join(str(error) for error in missing), requests)
        labels, depth = opened
        return PairedPipeline(bundle, labels, depth, way)
    except BaseException:
        for item in opened:
            item.close()
        raise
