# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A whole frame on the device: the bytes of the camera in, labels and depth in its geometry out.

Nothing else crosses the bus. Resize, labels and depth are those of preprocess and postprocess;
confidence may differ by one of 255.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Manifest
from segformer_ros.engines.cuda import Cuda, CudaError
from segformer_ros.engines.cuda_memory import Workspace
from segformer_ros.engines.kernels import Camera, Kernels, Places, Sampler
from segformer_ros.image_encoding import CameraImage, RawImage
from segformer_ros.inference.backend import BackendError, FrameRequest
from segformer_ros.inference.device_engine import DeviceEngine, Lane
from segformer_ros.inference.preprocess import Geometry, lookup_table, resize_weights
from segformer_ros.inference.results import Prediction, Timings
from segformer_ros.inference.upsample import sampling

Array = npt.NDArray[Any]
Image = npt.NDArray[np.uint8]

_ORDERS: Mapping[str, tuple[int, int, int]] = {
    'rgb8': (0, 1, 2), 'bgr8': (2, 1, 0), 'rgba8': (0, 1, 2), 'bgra8': (2, 1, 0),
}  # fmt: skip
_GREY = (0, 0, 0)

_MOST_GEOMETRIES = 8


@dataclass(frozen=True)
class _Tables:
    """What depends on the geometry: tables and buffers on the device, buffers of the host."""

    space: Workspace
    across: Places
    down: Places
    samplers: Mapping[str, Sampler]
    pixels: int
    metres: int
    labels: int
    confidence: int
    depth: int
    host: Mapping[str, Array]


class DeviceFrames:
    """Predicts single frames with kernels of our own around the engines."""

    def __init__(
        self,
        cuda: Cuda,
        kernels: Kernels,
        manifest: Manifest,
        engines: Mapping[tuple[int, int], DeviceEngine],
        *,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """
        Bring what is the same for every frame to the device.

        :param engines: By height and width of their input; not closed here.
        :raises CudaError: There is no memory for it.
        """
        self._cuda, self._kernels, self._engines = cuda, kernels, engines
        self._manifest, self._clock = manifest, clock
        self._tables: OrderedDict[tuple[Geometry, int], _Tables] = OrderedDict()
        self._space = Workspace(cuda)
        try:
            self._as_bytes = next(iter(engines.values())).input.dtype == np.uint8
            self._constants = self._space.upload(_constants(manifest, as_bytes=self._as_bytes))
            ids = [item.id for item in manifest.classes] or [0]
            self._ids = self._space.upload(np.array(ids, np.uint8))
            self._flag = self._space.device(4)
            self._zero = self._space.host((1,), np.int32)
            self._found = self._space.host((1,), np.int32)
            self._zero[:] = 0
        except BaseException:
            self.close()
            raise

    def predict(self, image: CameraImage, geometry: Geometry, request: FrameRequest) -> Prediction:
        """
        Compute one frame.

        :param image: (H, W, 3) RGB or (H, W) grey, uint8, or as it came.
        :raises BackendError: The device has failed, or an output is NaN or infinite.
        """
        start = self._clock()
        try:
            lane = self._engines[geometry.input_h, geometry.input_w].lane(1)
            pixels, order = _pixels(image)
            tables = self._for(geometry, pixels.shape[2])
            np.copyto(tables.host['pixels'], pixels)
            begun = self._clock()
            self._before(lane, tables, geometry, order)
            lane.enqueue()
            wanted = self._after(lane, tables, geometry, request)
            self._cuda.synchronize(lane.space.stream)
        except CudaError as error:
            self._settle()
            raise BackendError(f'the GPU has failed: {error}') from error
        except BackendError:
            self._settle()
            raise
        if self._found[0]:
            raise BackendError(
                'expected finite outputs of the network, got NaN or infinity: drop this frame and '
                'load the network again if it happens often'
            )
        done = self._clock()
        images = {name: tables.host[name].copy() for name in wanted}
        timings = Timings(begun - start, done - begun, self._clock() - done)
        labels = images.get('labels') if request.segmentation else None
        return Prediction(labels, images.get('depth'), images.get('confidence'), timings)

    def close(self) -> None:
        """Free everything but the engines."""
        self._settle()
        while self._tables:
            self._tables.popitem()[1].space.close()
        self._space.close()

    def _settle(self) -> None:
        for engine in self._engines.values():
            engine.settle()

    def _before(
        self, lane: Lane, tables: _Tables, geometry: Geometry, order: tuple[int, int, int]
    ) -> None:
        lane.upload(self._flag, self._zero)
        lane.upload(tables.pixels, tables.host['pixels'])
        _, width, channels = tables.host['pixels'].shape
        self._kernels.resize(
            lane.space.stream,
            Camera(tables.pixels, width * channels, channels, order),
            tables.across,
            tables.down,
            (geometry.resized_h, geometry.resized_w),
            (geometry.input_h, geometry.input_w),
            self._constants,
            lane.input_address,
            as_bytes=self._as_bytes,
        )

    def _after(
        self, lane: Lane, tables: _Tables, geometry: Geometry, request: FrameRequest
    ) -> list[str]:
        """Decode what is wanted and begin to copy it; give the names."""
        stream, hw = lane.space.stream, (geometry.image_h, geometry.image_w)
        names: dict[str, int] = {}
        knows_labels = request.labels and self._manifest.logits is not None
        if knows_labels:
            classes, cells = len(self._manifest.classes), lane.cells['logits']
            address = lane.addresses['logits']
            self._kernels.find_unusable(stream, address, cells, self._flag)
            certain = tables.confidence if request.confidence else 0
            where, target = tables.samplers['logits'], tables.labels
            self._kernels.decode_labels(
                stream, address, (classes, cells // classes), where, self._ids, hw, target, certain
            )
            names |= {'labels': target} if request.segmentation else {}
            names |= {'confidence': certain} if certain else {}
        if request.depth and self._manifest.depth is not None:
            self._depth(lane, tables, hw, request, tables.labels if knows_labels else 0)
            names['depth'] = tables.depth
        for name, address in names.items():
            target_bytes = tables.host[name].reshape(-1).view(np.uint8)
            self._cuda.copy_to_host(target_bytes, address, stream)
        self._cuda.copy_to_host(self._found.view(np.uint8), self._flag, stream)
        return list(names)

    def _depth(
        self, lane: Lane, tables: _Tables, hw: tuple[int, int], request: FrameRequest, labels: int
    ) -> None:
        stream, address, output = lane.space.stream, lane.addresses['depth'], self._manifest.depth
        assert output is not None
        where = tables.samplers['depth']
        self._kernels.find_unusable(stream, address, lane.cells['depth'], self._flag)
        self._kernels.decode_depth(
            stream,
            address,
            tables.metres,
            where,
            hw,
            tables.depth,
            logarithm=output.activation == 'log',
            factor=request.factor,
            limits_m=request.limits_m,
            labels=labels if request.sky is not None else 0,
            sky=request.sky or (0, math.nan),
        )

    def _for(self, geometry: Geometry, channels: int) -> _Tables:
        """Return the tables of a geometry; of too many, those used longest ago are given back."""
        key = (geometry, channels)
        if key not in self._tables:
            while len(self._tables) >= _MOST_GEOMETRIES:
                self._tables.popitem(last=False)[1].space.close()
            self._tables[key] = self._make(geometry, channels)
        self._tables.move_to_end(key)
        return self._tables[key]

    def _make(self, geometry: Geometry, channels: int) -> _Tables:
        space, hw = Workspace(self._cuda), (geometry.image_h, geometry.image_w)
        area = math.prod(hw)
        try:
            samplers = {
                name: _sampler(space, geometry, output.stride)
                for name, output in self._outputs().items()
            }
            cells = max((item.rows * item.columns for item in samplers.values()), default=1)
            return _Tables(
                space,
                _places(space, geometry.image_w, geometry.resized_w),
                _places(space, geometry.image_h, geometry.resized_h),
                samplers,
                pixels=space.device(area * channels),
                metres=space.device(4 * cells),
                labels=space.device(area),
                confidence=space.device(area),
                depth=space.device(4 * area),
                host={
                    'pixels': space.host((*hw, channels), np.uint8),
                    'labels': space.host(hw, np.uint8),
                    'confidence': space.host(hw, np.uint8),
                    'depth': space.host(hw, np.float32),
                },
            )
        except BaseException:
            space.close()
            raise

    def _outputs(self) -> dict[str, Any]:
        found = {'logits': self._manifest.logits, 'depth': self._manifest.depth}
        return {name: output for name, output in found.items() if output is not None}


def _pixels(image: CameraImage) -> tuple[Image, tuple[int, int, int]]:
    """Return (H, W, C) and where in a pixel red, green and blue are."""
    if isinstance(image, RawImage):
        return image.pixels, _ORDERS[image.encoding]
    return (image[..., None], _GREY) if image.ndim == 2 else (image, _ORDERS['rgb8'])


def _constants(manifest: Manifest, *, as_bytes: bool) -> Array:
    if as_bytes:
        return np.array([round(255.0 * value) for value in manifest.mean], np.uint8)
    return lookup_table(manifest.mean, manifest.std)


def _places(space: Workspace, image: int, resized: int) -> Places:
    tables: Sequence[Array] = resize_weights(image, resized)
    return Places(*(space.upload(table) for table in tables))


def _sampler(space: Workspace, geometry: Geometry, stride: int) -> Sampler:
    where = sampling(geometry, stride)
    upper = np.empty(geometry.image_h, np.int32)
    for start, stop, cell in where.bands:
        upper[start:stop] = cell
    return Sampler(
        left=space.upload(where.left.astype(np.int32)),
        across=space.upload(where.across),
        upper=space.upload(upper),
        down=space.upload(where.down),
        rows=where.rows,
        columns=where.columns,
        pitch=geometry.input_w // stride,
    )
