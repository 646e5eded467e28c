# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle on any of its backends, as a network to be evaluated."""

from __future__ import annotations

import os
from pathlib import Path

from segformer_ros import bundle as bundles
from segformer_ros.evaluation.network import Image, Network, NetworkFacts, Outputs
from segformer_ros.evaluation.paired_network import PairedNetwork
from segformer_ros.inference import backend_choice
from segformer_ros.inference.pipeline import Pipeline

# Images in the network at once: two, each on half of the CPUs, are faster than one on all of them,
# and the rest of an evaluation needs CPUs too.
_AT_ONCE = 2


class BundleNetwork:
    """The network of a bundle, run by a pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        """
        Take a pipeline of one network.

        :param pipeline: Loaded and shared as it is to be; no one else uses it.
        """
        manifest = pipeline.manifest
        self._pipeline = pipeline
        self._metric = manifest.depth is not None and not manifest.depth.relative
        self._facts = NetworkFacts(
            manifest.name,
            manifest.classes,
            manifest.label_set or '',
            manifest.depth.activation if manifest.depth is not None and self._metric else None,
            manifest.focal_length_px,
            tuple((size.height, size.width) for size in manifest.input_sizes),
            manifest.resize == 'stretch',
        )

    @property
    def facts(self) -> NetworkFacts:
        """Return what must be known of it."""
        return self._facts

    @property
    def at_once(self) -> int:
        """Return how many images the pipeline takes at once."""
        return self._pipeline.at_once

    @property
    def backend_name(self) -> str:
        """Name the engine and its device."""
        return self._pipeline.backend_name

    def prepare(self) -> None:
        """Open the network before the first image, as of Pipeline."""
        self._pipeline.prepare()

    def infer(self, image: Image, input_hw: tuple[int, int]) -> Outputs:
        """
        Compute the raw outputs for one image, as of Network.

        :raises BackendError: The device has failed, or there is no graph for this size.
        """
        found = self._pipeline.infer(image, input_hw)
        depth = found.get('depth') if self._metric else None
        scale = found.get(bundles.SCALE_OUTPUT)
        return Outputs(
            found.get('logits'),
            None if depth is None else depth[0],
            None if scale is None else scale[0],
        )


def load(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    precision: str = 'float32',
) -> tuple[Network, str]:
    """
    Find, read, check and load the network of a bundle, or both of them.

    Each takes several images at once where its engine gains from it.

    :param model: Name of a bundle that ships with the package, or path of its folder.
    :param backend: One of backend_choice.NAMES.
    :param threads: Threads for one image; 0 lets the engine decide.
    :param precision: What 'auto' may choose: one of backend_choice.PRECISIONS.
    :returns: It, and the name of its engine and device.
    :raises BundleError: The bundle is missing, damaged or fails its golden check.
    :raises BackendError: The engine is missing or cannot load the network.
    :raises ValueError: There is no backend or precision of this name.
    """
    bundle = bundles.read(bundles.find(model))

    def choose(part: bundles.Bundle) -> backend_choice.Loaded:
        return backend_choice.load(
            backend, part, threads=threads, precision=precision, deferred=True
        )

    pipelines = [Pipeline.open(part, choose) for part in bundle.parts()]
    for pipeline in pipelines:
        pipeline.share(min(_AT_ONCE, threads or len(os.sched_getaffinity(0))))
    loaded = [BundleNetwork(pipeline) for pipeline in pipelines]
    engines = ' and '.join(dict.fromkeys(item.backend_name for item in loaded))
    if not bundle.networks:
        return loaded[0], engines
    return PairedNetwork(bundle.manifest.name, *loaded), engines
