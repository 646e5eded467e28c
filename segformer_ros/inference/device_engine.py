# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One TensorRT engine on the device: contexts, buffers, copies and CUDA graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
import math
from types import ModuleType
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.engines.cuda import Cuda, CudaError
from segformer_ros.engines.cuda_memory import Workspace
from segformer_ros.inference.backend import BackendError

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

_LANES = 2


@dataclass(frozen=True)
class Tensor:
    """An input or output of an engine; shape is that of one image, without their number."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the bytes for one image."""
        return math.prod(self.shape) * self.dtype.itemsize


class DeviceEngine:
    """
    Runs any number of images, at most most_images at once.

    There are two lanes for each number of images, each with a context, buffers and a stream of its
    own: while one computes, the other one copies.
    """

    def __init__(self, cuda: Cuda, trt: ModuleType, engine: Any, *, graphs: bool = True) -> None:
        """
        Read what the engine takes and gives.

        :param trt: The module that the engine is of.
        :param engine: An ICudaEngine with one input; kept until close().
        :param graphs: Capture a CUDA graph where the CUDA package can.
        :raises BackendError: It has more than one input, or its outputs are not float32.
        """
        self._cuda, self._engine = cuda, engine
        self._graphs = graphs and cuda.has_graphs
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        if len(inputs) != 1:
            raise BackendError(f'expected an engine with one input, got {inputs}: build it again')
        self.input = read_tensor(trt, engine, inputs[0])
        self.outputs = {n: read_tensor(trt, engine, n) for n in names if n != inputs[0]}
        wrong = [item.name for item in self.outputs.values() if item.dtype != np.float32]
        if wrong:
            raise BackendError(f'expected float32 outputs, not {wrong}: export the network again')
        self.most_images = _most_images(engine, inputs[0])
        self._lanes: dict[tuple[int, int], Lane] = {}

    def run(self, images: Array, names: Sequence[str]) -> dict[str, FloatArray]:
        """
        Compute outputs of some images.

        :param images: (N, ...) as the engine takes them; only read.
        :param names: Of the outputs, the others stay on the device.
        :returns: (N, ...) by name, new.
        :raises BackendError: The engine or the device has failed.
        """
        pieces: list[Mapping[str, FloatArray]] = []
        running: list[Lane] = []
        try:
            for number, start in enumerate(range(0, len(images), self.most_images)):
                piece = images[start : start + self.most_images]
                lane = self.lane(len(piece), number % _LANES)
                if lane in running:
                    pieces.append(lane.finish())
                    running.remove(lane)
                lane.start(piece, names)
                running.append(lane)
            pieces += [lane.finish() for lane in running]
        except CudaError as error:
            self.settle()
            raise BackendError(f'the GPU has failed: {error}') from error
        except BackendError:
            self.settle()
            raise
        if len(pieces) == 1:
            return dict(pieces[0])
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}

    def lane(self, count: int, index: int = 0) -> Lane:
        """
        Return one of the two lanes for this number of images.

        :raises BackendError: There is no memory left for it.
        :raises CudaError: Likewise.
        """
        if (count, index) not in self._lanes:
            self._lanes[count, index] = Lane(
                self._cuda, self._engine, self.input, self.outputs, count, graphs=self._graphs
            )
        return self._lanes[count, index]

    def settle(self) -> None:
        """Wait for what is still running after an error: it uses memory that is written next."""
        for lane in self._lanes.values():
            with suppress(CudaError):
                self._cuda.synchronize(lane.space.stream)

    def close(self) -> None:
        """Free everything, the engine too."""
        self.settle()
        while self._lanes:
            self._lanes.popitem()[1].close()
        self._engine = None


class Lane:
    """A context for one number of images, with its buffers, its stream and its graph."""

    def __init__(
        self,
        cuda: Cuda,
        engine: Any,
        source: Tensor,
        outputs: Mapping[str, Tensor],
        count: int,
        *,
        graphs: bool,
    ) -> None:
        """
        Make the context and take the buffers.

        :raises BackendError: The engine refuses.
        :raises CudaError: There is no memory left.
        """
        self._cuda, self._graphs, self._count = cuda, graphs, count
        self._graph, self._warm = 0, False
        self._wanted: tuple[str, ...] = ()
        self._shapes = {name: (count, *item.shape) for name, item in outputs.items()}
        self.cells = {name: math.prod(shape) for name, shape in self._shapes.items()}
        self.space = Workspace(cuda)
        try:
            self._context = engine.create_execution_context()
            if self._context is None:
                raise BackendError('there is no execution context: is the GPU memory full?')
            self.input_address = self.space.device(count * source.size)
            self.addresses = {
                name: self.space.device(count * item.size) for name, item in outputs.items()
            }
            self._image = self.space.host((count, *source.shape), source.dtype)
            self._results = {
                name: self.space.host(shape, np.float32) for name, shape in self._shapes.items()
            }
            self._bind(source)
        except BaseException:
            self.close()
            raise

    def start(self, images: Array, names: Sequence[str]) -> None:
        """
        Put copies and computation into the stream, and return at once.

        :param images: As many as the lane is for; free again on return.
        """
        np.copyto(self._image, images, casting='no')
        self.upload(self.input_address, self._image)
        self.enqueue()
        for name in names:
            target = self._results[name].reshape(-1).view(np.uint8)
            self._cuda.copy_to_host(target, self.addresses[name], self.space.stream)
        self._wanted = tuple(names)

    def finish(self) -> dict[str, FloatArray]:
        """
        Wait for the stream and give the outputs that start was asked for, new.

        :raises CudaError: The device has failed since.
        """
        self._cuda.synchronize(self.space.stream)
        return {name: self._results[name].copy() for name in self._wanted}

    def upload(self, address: int, array: Array) -> None:
        """Begin to copy a page-locked array."""
        source = array.reshape(-1).view(np.uint8)
        self._cuda.copy_to_device(address, source, self.space.stream)

    def enqueue(self) -> None:
        """
        Put the network into the stream: as a graph from the second time on.

        :raises BackendError: The engine refuses.
        """
        if self._graph:
            self._cuda.launch(self._graph, self.space.stream)
        elif not self._warm or not self._graphs:
            self._execute()
            self._warm = True
        elif self._capture():
            self._cuda.launch(self._graph, self.space.stream)
        else:
            self._execute()

    def close(self) -> None:
        """Free everything."""
        self.space.close()
        self._context = None

    def _capture(self) -> bool:
        # What is in the stream already is not to be part of the graph.
        self._cuda.synchronize(self.space.stream)
        try:
            self._graph = self.space.capture(self._execute)
        except (BackendError, CudaError) as error:
            self._graphs = False
            warnings.warn(f'runs without a CUDA graph: {error}', RuntimeWarning, stacklevel=2)
        return bool(self._graph)

    def _execute(self) -> None:
        if not self._context.execute_async_v3(self.space.stream):
            raise BackendError('TensorRT refuses to run the engine: its log says why')

    def _bind(self, source: Tensor) -> None:
        if not self._context.set_input_shape(source.name, (self._count, *source.shape)):
            shape = (self._count, *source.shape)
            raise BackendError(f'the engine refuses an input of shape {shape}: build it again')
        for name, address in ((source.name, self.input_address), *self.addresses.items()):
            if not self._context.set_tensor_address(name, address):
                raise BackendError(f'the engine refuses the memory for {name}: build it again')


def read_tensor(trt: ModuleType, engine: Any, name: str) -> Tensor:
    """
    Read what an engine says of one of its inputs or outputs.

    :raises BackendError: It is of no fixed size, or of a type that numpy lacks.
    """
    shape = tuple(int(length) for length in engine.get_tensor_shape(name))
    if any(length < 1 for length in shape[1:]):
        raise BackendError(f'expected {name} of a fixed size, got {shape}: build the engine again')
    kind = engine.get_tensor_dtype(name)
    try:
        dtype = np.dtype(trt.nptype(kind))
    except TypeError as error:
        raise BackendError(
            f'expected {name} in a type that numpy has, got {kind}: export the network again'
        ) from error
    return Tensor(name, dtype, shape[1:])


def _most_images(engine: Any, name: str) -> int:
    count = int(engine.get_tensor_shape(name)[0])
    with suppress(IndexError, TypeError):
        count = count if count > 0 else int(engine.get_tensor_profile_shape(name, 0)[2][0])
    return max(count, 1)
