# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images in, labels and depths in the geometry of the camera out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
import os
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle as bundles
from segformer_ros.image_encoding import CameraImage
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend import Backend, Frames
from segformer_ros.inference.decoder import Decoder
from segformer_ros.inference.depth_confidence import check_depth_confidence, states_confidence
from segformer_ros.inference.network_runner import NetworkRunner
from segformer_ros.inference.postprocess import warm_up
from segformer_ros.inference.preprocess import check_image, fit, Geometry
from segformer_ros.inference.results import checked_focals, Options, Prediction, Timings
from segformer_ros.inference.rotation import as_it_came, upright
from segformer_ros.inference.schedule import check_schedule
from segformer_ros.inference.temporal import TemporalMemory
from segformer_ros.side_thread import Together

__all__ = ['Options', 'Pipeline', 'Prediction', 'Predictor', 'Timings']

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


class Predictor(Protocol):
    """What puts images through a network: a pipeline, or what watches one."""

    @property
    def manifest(self) -> bundles.Manifest:
        """Return the facts of the network."""

    def predict(
        self,
        image: CameraImage,
        *,
        focal_length_px: float | None = None,
        options: Options | None = None,
        memory: TemporalMemory | None = None,
    ) -> Prediction:
        """Label one image and measure its depths, as Pipeline does."""


class Pipeline:
    """
    A network and all that lies between it and the camera; `at_once` threads may use it.

    Buffers are kept from call to call, the arrays of a prediction are always new.
    """

    at_once = 1

    def __init__(
        self,
        bundle: bundles.Bundle,
        backend: Backend,
        *,
        reason: str = '',
        compiled: bool = True,
    ) -> None:
        """
        Put a bundle and its backend together, without the golden check; compile what decodes.

        :param backend: The network of this bundle, loaded.
        :param reason: Why it is this backend.
        :param compiled: False for a few images alone: nothing is compiled, each takes longer.
        """
        self._manifest = bundle.manifest
        self._backend = backend
        depth = bundle.manifest.depth
        self._relative = depth is not None and depth.relative
        # What a device makes of a frame is metres.
        self._frames: Frames | None = None if self._relative else getattr(backend, 'frames', None)
        self._reason = reason
        self._runner = NetworkRunner(bundle.manifest, backend)
        self._at_once = Together(getattr(backend, 'images_at_once', 1))
        self._sizes = [(size.height, size.width) for size in bundle.manifest.input_sizes]
        self._decoder = Decoder(bundle.manifest, compiled=compiled)
        if compiled:
            warm_up()

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        backend: str = 'auto',
        threads: int = 0,
        precision: str = 'float32',
        compiled: bool = True,
        schedule: str = 'auto',
        at_once: int = 1,
    ) -> Pipeline:
        """
        Find, read, check and load a network.

        :param model: Name of a bundle that ships with the package, or path of its folder.
        :param backend: One of backend_choice.NAMES.
        :param threads: Threads for one image; 0 lets the engine decide.
        :param precision: What 'auto' may choose: one of backend_choice.PRECISIONS.
        :param compiled: As of Pipeline.
        :param schedule: Of two networks: one of schedule.SCHEDULES.
        :param at_once: How many threads are to call predict at once; see share. Above 1 a CPU
            engine opens and checks a graph when it is needed: predict raises what load would.
        :raises BundleError: The bundle is missing, damaged or fails its golden check.
        :raises BackendError: The engine is missing or cannot load the network.
        :raises ValueError: There is no backend, precision or schedule of this name, or threads is
            negative.
        """

        def choose(part: bundles.Bundle) -> backend_choice.Loaded:
            # What share closes again is not opened before.
            return backend_choice.load(
                backend, part, threads=threads, precision=precision, deferred=at_once > 1
            )

        check_schedule(schedule)
        bundle = bundles.read(bundles.find(model))
        pipeline = cls.open(bundle, choose, compiled=compiled, schedule=schedule)
        pipeline.share(min(at_once, threads or len(os.sched_getaffinity(0))))
        return pipeline

    @classmethod
    def open(
        cls,
        bundle: bundles.Bundle,
        choose: Callable[[bundles.Bundle], backend_choice.Loaded],
        *,
        compiled: bool = True,
        schedule: str = 'auto',
    ) -> Pipeline:
        """
        Load the network of a bundle, or both of them.

        :param choose: Loads a bundle of one network.
        :param compiled: As of Pipeline.
        :param schedule: As of load.
        :raises BackendError: As choose; EngineMissingError has what is missing for both.
        :raises BundleError: As choose.
        """
        if bundle.networks:
            from segformer_ros.inference.paired_pipeline import open_pair

            return open_pair(bundle, choose, compiled=compiled, schedule=schedule)
        loaded = choose(bundle)
        return cls(bundle, loaded.backend, reason=loaded.reason, compiled=compiled)

    @property
    def manifest(self) -> bundles.Manifest:
        """Return the facts of the network."""
        return self._manifest

    @property
    def backend_name(self) -> str:
        """Name the engine and its device."""
        return self._backend.name

    @property
    def backend_reason(self) -> str:
        """Describe why it is this backend."""
        return self._reason

    @property
    def schedules(self) -> tuple[str, ...]:
        """Name what use() takes: how two networks can be computed; one network has no choice."""
        return ('',)

    def use(self, schedule: str) -> None:
        """Compute later images by another one of schedules."""

    @property
    def any_thread(self) -> bool:
        """Return whether it gains from a thread of its own next to another network."""
        return getattr(self._backend, 'any_thread', False)

    @property
    def takes_raw(self) -> bool:
        """Return whether an image as it came costs less than RGB."""
        return self._frames is not None

    def share(self, count: int) -> None:
        """
        Let several threads predict at once, where the engine gains from it: at_once says so.

        Together they are faster than one that has all CPUs, and each takes longer for its image.
        """
        share = getattr(self._backend, 'share', None)
        if share is not None:
            self.at_once = share(count)

    def prepare(self) -> None:
        """Open the graph before the first image, in any thread, where there is only one."""
        getattr(self._backend, 'prepare', lambda: None)()

    def close(self) -> None:
        """Free the network; the pipeline must not be used any more."""
        self._at_once.close()
        self._runner.close()

    def predict(
        self,
        image: CameraImage,
        *,
        focal_length_px: float | None = None,
        options: Options | None = None,
        memory: TemporalMemory | None = None,
    ) -> Prediction:
        """
        Label one image and measure its depths.

        :param image: (H, W, 3) RGB, (H, W, 1) or (H, W), uint8, or as it came; of any size.
        :param focal_length_px: Focal length of the camera in pixels of this image; None: unknown,
            depths are then those of a camera as the network was trained for.
        :param memory: Of the frame before of the same camera; is updated.
        :raises BackendError: The device has failed.
        :raises ValueError: The image or the focal length is not one.
        """
        return self.predict_batch([image], [focal_length_px], options, [memory])[0]

    def predict_batch(
        self,
        images: Sequence[CameraImage],
        focal_lengths_px: Sequence[float | None] | None = None,
        options: Options | None = None,
        memories: Sequence[TemporalMemory | None] | None = None,
    ) -> list[Prediction]:
        """
        Label several images, together where the backend can.

        Those of one input size are computed in one run, or all on several threads.

        :param images: As for predict, each of its own size.
        :param focal_lengths_px: One for each image; None: all unknown.
        :param memories: Of the frames before, one for each image; None: there are none. Frames
            with one, and those with a confidence of depth, are not computed on the GPU alone:
            what the network gives of them comes to the host.
        :returns: In the order of the images; the network time of each is that of its whole run.
        :raises BackendError: The device has failed.
        :raises ValueError: An image or a focal length is not one, their numbers differ, or the
            network states no confidence of depth by which it could be filtered.
        """
        options = options or Options()
        check_depth_confidence(self._manifest, options)
        images = [check_image(image) for image in images]
        if options.image_rotation:
            turned = [upright(image, options.image_rotation) for image in images]
            as_turned = replace(options, image_rotation=0)
            found = self.predict_batch(turned, focal_lengths_px, as_turned, memories)
            return [as_it_came(item, options.image_rotation) for item in found]
        focals = checked_focals(focal_lengths_px, len(images))
        stretch = self._manifest.resize == 'stretch'
        geometries = [
            fit((image.shape[0], image.shape[1]), self._sizes, stretch=stretch) for image in images
        ]
        memories = memories or [None] * len(images)
        on_host = (
            any(memories)
            or options.top_classes
            or (options.needs_depth_scale and states_confidence(self._manifest))
        )
        if self._frames is not None and self._decoder.needed(options) and not on_host:
            pairs = zip(geometries, focals, strict=True)
            requests = [self._decoder.request(*pair, options) for pair in pairs]
            return list(map(self._frames.predict, images, geometries, requests))
        groups = self._runner.groups(geometries)
        frames = list(zip(images, geometries, focals, memories, strict=True))

        def work(group: list[int]) -> list[Prediction]:
            return list(self._predict_group([frames[index] for index in group], options))

        results: dict[int, Prediction] = {}
        for group, found in zip(groups, self._at_once.all(work, groups), strict=True):
            results.update(zip(group, found, strict=True))
        return [results[index] for index in range(len(images))]

    def _predict_group(
        self,
        frames: Sequence[tuple[CameraImage, Geometry, float | None, TemporalMemory | None]],
        options: Options,
    ) -> Iterator[Prediction]:
        """Label images of one input size, in one run of the network."""
        images, geometries = [frame[0] for frame in frames], [frame[1] for frame in frames]
        outputs, prepare_s, network_s = self._runner.run(
            images, geometries, self._decoder.needed(options)
        )
        for place, (image, geometry, focal, memory) in enumerate(frames):
            single = {name: value[place] for name, value in outputs.items()}
            before_s = prepare_s[place], network_s
            if memory is not None:
                start = perf_counter()
                single = self._steady(memory, image, geometry, single)
                before_s = prepare_s[place], network_s + perf_counter() - start
            yield self._decoder.decode(single, geometry, focal, options, before_s)

    def _steady(
        self,
        memory: TemporalMemory,
        image: CameraImage,
        geometry: Geometry,
        outputs: dict[str, FloatArray],
    ) -> dict[str, FloatArray]:
        """Mix with the frame before; relative depth has no metres that could be compared."""
        depth = self._manifest.depth
        is_log = depth is not None and depth.activation == 'log'
        known = {k: v for k, v in outputs.items() if k == 'logits' or not self._relative}
        return outputs | memory.steady(image, geometry, known, log_depth=is_log)

    def infer(self, image: Image, input_hw: tuple[int, int]) -> dict[str, FloatArray]:
        """
        Compute the raw outputs for one image that has its size already.

        :param image: (h, w, 3) RGB, not larger than the input, in whose upper left corner it is
            put; the rest is padding of the mean colour.
        :param input_hw: Height and width of an input that the network takes.
        :returns: (C, H/s, W/s) by the names of the outputs, finite.
        :raises BackendError: The device has failed, or there is no graph for this size.
        """
        height, width = image.shape[:2]
        geometry = Geometry(height, width, *input_hw, height, width)
        outputs, _, _ = self._runner.run([image], [geometry], self._decoder.needed(Options()))
        return {name: value[0] for name, value in outputs.items()}
