# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images put through the network of a backend, those of one input size together."""

from __future__ import annotations

from collections.abc import Sequence
from threading import local
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import bundle as bundles
from segformer_ros.image_encoding import as_rgb, CameraImage
from segformer_ros.inference.backend import Backend, BackendError
from segformer_ros.inference.preprocess import Geometry, lookup_table, prepare, prepare_bytes

FloatArray = npt.NDArray[np.float32]


class _Buffers(local):
    """The inputs of the network that a thread fills, by their shape."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[int, ...], npt.NDArray[Any]] = {}


class NetworkRunner:
    """Images as the camera gives them, prepared in kept buffers; several threads may use it."""

    def __init__(self, manifest: bundles.Manifest, backend: Backend) -> None:
        self._backend = backend
        self._table = lookup_table(manifest.mean, manifest.std)
        self._pad_rgb = [round(255.0 * value) for value in manifest.mean]
        self._inputs = _Buffers()

    def close(self) -> None:
        """Free the network and the buffers of this thread."""
        self._backend.close()
        self._inputs.arrays.clear()

    def groups(self, geometries: Sequence[Geometry]) -> list[list[int]]:
        """Return the places of images that one run can take, in groups of one input size."""
        if len(geometries) < 2 or not self._backend.supports_batch:
            return [[index] for index in range(len(geometries))]
        groups: dict[tuple[int, int], list[int]] = {}
        for index, item in enumerate(geometries):
            groups.setdefault((item.input_h, item.input_w), []).append(index)
        return list(groups.values())

    def run(
        self, images: Sequence[CameraImage], geometries: Sequence[Geometry], needed: Sequence[str]
    ) -> tuple[dict[str, FloatArray], list[float], float]:
        """
        Put images of one input size through the network.

        :param needed: Names of outputs.
        :returns: (N, C, H/s, W/s) by name, the seconds to prepare each image, and the network
            seconds.
        :raises BackendError: The device has failed, or an output is not finite.
        """
        if not needed:
            return {}, [0.0] * len(images), 0.0
        batch, seconds = self._input(len(images), geometries[0]), []
        for image, geometry, target in zip(images, geometries, batch, strict=True):
            start = perf_counter()
            if target.dtype == np.uint8:
                prepare_bytes(as_rgb(image), geometry, self._pad_rgb, target)
            else:
                prepare(as_rgb(image), geometry, self._table, target)
            seconds.append(perf_counter() - start)
        start = perf_counter()
        outputs = self._backend.infer(batch, needed)
        network_s = perf_counter() - start
        for name, value in outputs.items():
            if not np.isfinite(value).all():
                raise BackendError(
                    f'expected finite {name} from {self._backend.name}, got NaN or infinity: '
                    'drop this frame and load the network again if it happens often'
                )
        return outputs, seconds, network_s

    def _input(self, count: int, geometry: Geometry) -> npt.NDArray[Any]:
        """Return the buffer for so many images, as the backend takes them."""
        height, width = geometry.input_h, geometry.input_w
        key = (count, height, width)
        arrays = self._inputs.arrays
        if key not in arrays:
            as_bytes = self._backend.input_format == 'uint8'
            shape = (count, height, width, 3) if as_bytes else (count, 3, height, width)
            arrays[key] = np.empty(shape, np.uint8 if as_bytes else np.float32)
        return arrays[key]
