# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
TensorRT on the GPU, with engines from the cache; nothing is built here.

Page-locked memory, two lanes of copies, one CUDA graph for each shape, and where cuda-core and
NVRTC are installed whole frames on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
from types import ModuleType
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, InputSize
from segformer_ros.engines.cuda import Cuda, CudaError, open_cuda
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.get_or_build import find_engine
from segformer_ros.engines.kernels import CudaCoreLauncher, Kernels
from segformer_ros.engines.opening import open_engine, OpenEngine
from segformer_ros.engines.request import BuildRequest
from segformer_ros.inference.backend import BackendError, EngineMissingError
from segformer_ros.inference.device_engine import DeviceEngine
from segformer_ros.inference.device_frames import DeviceFrames
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.inference.frame_check import frames_problem

FloatArray = npt.NDArray[np.float32]
Size = tuple[int, int]

_FORMATS = {'uint8': 'uint8', 'float32': 'float32'}


class TensorrtBackend:
    """A Backend over one engine for each input size; frames is None without kernels."""

    supports_batch = True

    def __init__(
        self,
        bundle: Bundle,
        cuda: Cuda,
        trt: ModuleType,
        engines: Mapping[Size, Any],
        *,
        precision: str,
        name: str,
        kernels: Kernels | None = None,
        graphs: bool = True,
    ) -> None:
        """
        Take what the engines need on the device.

        :param engines: ICudaEngine by height and width.
        :param precision: That of the graphs that the engines were built from.
        :param kernels: Put frames through them; None: the CPU does what is around the
            network.
        :param graphs: Capture CUDA graphs.
        :raises BackendError: An engine is of another network, or the memory does not suffice.
        """
        self.name, self.precision = name, precision
        self.frames: DeviceFrames | None = None
        self._all = tuple(bundle.manifest.output_shapes(bundle.manifest.input_sizes[0]))
        self._stack = ExitStack()
        self._owners: object = None
        self._engines: dict[Size, DeviceEngine] = {}
        with _closed_on_error(self.close), _device_errors():
            for hw, engine in engines.items():
                self._engines[hw] = DeviceEngine(cuda, trt, engine, graphs=graphs)
                self._stack.callback(self._engines[hw].close)
            formats = {_format(bundle, hw, item) for hw, item in self._engines.items()}
            if len(formats) != 1:
                raise BackendError('expected engines of one input format: build them again')
            self.input_format = formats.pop()
            if kernels is not None:
                self.frames = DeviceFrames(cuda, kernels, bundle.manifest, self._engines)
                self._stack.callback(self.frames.close)

    def infer(
        self, image: npt.NDArray[Any], outputs: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """
        Run the network once, as Backend.infer says.

        :raises BackendError: There is no engine for this size, or the device has failed.
        """
        hw = (image.shape[1], image.shape[2]) if self.input_format == 'uint8' else image.shape[2:]
        if hw not in self._engines:
            sizes = ', '.join(f'{height}x{width}' for height, width in self._engines)
            raise BackendError(f'expected an input of size {sizes}, got shape {image.shape}')
        names = [name for name in self._all if outputs is None or name in outputs]
        with _device_errors():
            return self._engines[hw].run(image, names)

    def resident(self, hw: Size) -> Callable[[], object]:
        """Return a call that runs the network on what is on the device already, and waits."""
        lane = self._engines[hw].lane(1)

        def call() -> None:
            with _device_errors():
                lane.enqueue()
                lane.finish()

        return call

    def keep(self, owners: object) -> None:
        """Keep what the engines need until they are closed, such as their runtime."""
        self._owners = owners

    def drop_frames(self) -> None:
        """Let the CPU do what is around the network from now on."""
        if self.frames is not None:
            self.frames.close()
            self.frames = None

    def close(self) -> None:
        """Free the device; what fails meanwhile is not worth an error any more."""
        self._stack.close()
        self._engines.clear()


def requests_of(bundle: Bundle, precision: str) -> dict[Size, BuildRequest]:
    """
    Return which engines a bundle needs, by height and width.

    :raises BundleError: It has no graph of this precision.
    """
    return {
        (size.height, size.width): engine_request(bundle, size, precision=precision)
        for size in bundle.manifest.input_sizes
    }


def load(
    bundle: Bundle,
    *,
    threads: int = 0,
    precision: str = 'float32',
    cuda_api: str = 'auto',
    graphs: bool = True,
) -> TensorrtBackend:
    """
    Open the engines of a bundle that are in the cache.

    :param threads: Has no meaning here.
    :param precision: One of bundle.PRECISIONS.
    :param cuda_api: One of engines.cuda.APIS.
    :param graphs: Capture CUDA graphs.
    :raises BackendError: There is no TensorRT or no GPU, or an engine cannot be loaded.
    :raises EngineMissingError: An engine is not built yet.
    :raises BundleError: There is no graph for this precision.
    """
    requests = requests_of(bundle, precision)
    try:
        engines, cuda = _open_engines(requests), open_cuda(cuda_api)
        facts = cuda.device()
    except (CudaError, EngineError) as error:
        raise BackendError(f'TensorRT cannot run here: {error}') from error
    trt_variant = engines[next(iter(requests))].trt_variant
    backend = TensorrtBackend(
        bundle,
        cuda,
        trt_variant.module,
        {hw: item.engine for hw, item in engines.items()},
        precision=precision,
        name=f'{trt_variant} {facts.name} {precision} ({cuda.name})',
        kernels=_kernels(facts.capability),
        graphs=graphs,
    )
    # The runtime and the log must live as long as the engines.
    backend.keep(engines)
    _check_frames(bundle, backend)
    return backend


def _check_frames(bundle: Bundle, backend: TensorrtBackend) -> None:
    with _closed_on_error(backend.close):
        problem = frames_problem(bundle, backend, backend.frames)
        if problem:
            warnings.warn(f'{problem}; the CPU does it', RuntimeWarning, stacklevel=3)
            backend.drop_frames()


def _open_engines(requests: Mapping[Size, BuildRequest]) -> dict[Size, OpenEngine]:
    found = {hw: find_engine(request) for hw, request in requests.items()}
    missing = [requests[hw] for hw, (stored, _) in found.items() if stored is None]
    if missing:
        notes = '; '.join(note for _, notes in found.values() for note in notes)
        names = ', '.join(request.name for request in missing)
        raise EngineMissingError(
            f'expected {missing[0].precision} engines for {names} in the cache, found '
            f'{notes or "none"}: segformer build-engine makes them',
            tuple(missing),
        )
    return {hw: open_engine(stored) for hw, (stored, _) in found.items() if stored is not None}


def _kernels(capability: tuple[int, int]) -> Kernels | None:
    try:
        return Kernels(CudaCoreLauncher(capability))
    except CudaError as error:
        text = f'no kernels for the GPU, the CPU does what is around the network: {error}'
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return None


def _format(bundle: Bundle, hw: Size, engine: DeviceEngine) -> str:
    """Check an engine against the manifest and name its input format."""
    size: InputSize = next(
        item for item in bundle.manifest.input_sizes if (item.height, item.width) == hw
    )
    name = engine.input.dtype.name
    shape = (*hw, 3) if name == 'uint8' else (3, *hw)
    expected = {key: value[1:] for key, value in bundle.manifest.output_shapes(size).items()}
    found = {key: item.shape for key, item in engine.outputs.items()}
    if name not in _FORMATS or engine.input.shape != shape or found != expected:
        raise BundleError(
            f'bundle {bundle.path}, engine for {hw[0]}x{hw[1]}',
            expected=f'an image of {shape} and outputs {expected}',
            found=f'{name} {engine.input.shape} and {found}',
            do='build the engine again',
        )
    return name


@contextmanager
def _device_errors() -> Iterator[None]:
    try:
        yield
    except CudaError as error:
        raise BackendError(f'the GPU has failed: {error}') from error


@contextmanager
def _closed_on_error(close: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        close()
        raise
