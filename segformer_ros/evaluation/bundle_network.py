# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle on any of its backends, as a network to be evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle as bundles
from segformer_ros.evaluation.network import Image, Network, NetworkFacts, Outputs
from segformer_ros.evaluation.paired_network import PairedNetwork
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend import Backend, BackendError
from segformer_ros.inference.preprocess import Geometry, lookup_table, prepare, prepare_bytes


class BundleNetwork:
    """The network of a bundle, prepared for and run as the pipeline does it."""

    def __init__(self, bundle: bundles.Bundle, backend: Backend) -> None:
        """
        Put a bundle and its backend together, without the golden check.

        :param backend: The network of this bundle, loaded.
        """
        manifest = bundle.manifest
        self._backend = backend
        self._metric = manifest.depth is not None and not manifest.depth.relative
        self._table = lookup_table(manifest.mean, manifest.std)
        self._pad_rgb = [round(255.0 * value) for value in manifest.mean]
        self._facts = NetworkFacts(
            manifest.name,
            manifest.classes,
            manifest.label_set or '',
            manifest.depth.activation if self._metric else None,
            manifest.focal_length_px,
            tuple((size.height, size.width) for size in manifest.input_sizes),
            manifest.resize == 'stretch',
        )

    @property
    def facts(self) -> NetworkFacts:
        """Give what must be known of it."""
        return self._facts

    @property
    def backend_name(self) -> str:
        """Name the engine and its device."""
        return self._backend.name

    def infer(self, image: Image, input_hw: tuple[int, int]) -> Outputs:
        """
        Compute the raw outputs for one image, as of Network.

        :raises BackendError: The device has failed, or there is no graph for this size.
        """
        found = self._backend.infer(self._input(image, input_hw))
        for name, value in found.items():
            if not np.isfinite(value).all():
                raise BackendError(
                    f'expected finite {name} from {self._backend.name}, got NaN or infinity: '
                    'choose another backend or precision'
                )
        logits, depth = found.get('logits'), found.get('depth') if self._metric else None
        return Outputs(
            None if logits is None else logits[0], None if depth is None else depth[0, 0]
        )

    def _input(self, image: Image, input_hw: tuple[int, int]) -> npt.NDArray[Any]:
        height, width = image.shape[:2]
        geometry = Geometry(height, width, *input_hw, height, width)
        if self._backend.input_format == 'uint8':
            pixels = np.empty((1, *input_hw, 3), np.uint8)
            prepare_bytes(image, geometry, self._pad_rgb, pixels[0])
            return pixels
        planes = np.empty((1, 3, *input_hw), np.float32)
        prepare(image, geometry, self._table, planes[0])
        return planes


def load(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    precision: str = 'float32',
) -> tuple[Network, str]:
    """
    Find, read, check and load the network of a bundle, or both of them.

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
    loaded = [
        BundleNetwork(
            part,
            backend_choice.load(backend, part, threads=threads, precision=precision).backend,
        )
        for part in bundle.parts()
    ]
    engines = ' and '.join(dict.fromkeys(item.backend_name for item in loaded))
    if not bundle.networks:
        return loaded[0], engines
    return PairedNetwork(bundle.manifest.name, *loaded), engines
