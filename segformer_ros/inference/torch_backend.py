# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Torch on a CUDA device, or on the CPU where there is none.

It runs the TorchScript files of a bundle, which `segformer export --target torch` writes: the
rewritten network, cast to the precision that is asked for. On CUDA it captures a graph for each
shape and copies through page-locked memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.denormals import denormals_as_zero
import torch
from torch import Tensor

FloatArray = npt.NDArray[np.float32]
Size = tuple[int, int]
Run = Callable[[Tensor], tuple[Tensor, ...]]

TARGET = 'torch'

_TYPES = {
    'float32': torch.float32,
    'float16': torch.float16,
    'bfloat16': torch.bfloat16,
}
# The first runs choose algorithms and specialise the network, which a graph must not contain.
_WARM_UPS = 3


class TorchBackend:
    """A Backend over one TorchScript file for each input size."""

    input_format = 'float32'

    def __init__(
        self, bundle: Bundle, device: torch.device, precision: str, *, graphs: bool = True
    ) -> None:
        """
        Load the files.

        :param precision: One of bundle.PRECISIONS.
        :param graphs: Capture CUDA graphs on a CUDA device.
        :raises BackendError: A file cannot be loaded, or the device has too little memory.
        :raises BundleError: The bundle has no TorchScript.
        """
        self.precision, self._device = precision, device
        self.name = f'torch {torch.__version__} {_device_name(device)} {precision}'
        self.supports_batch = device.type == 'cuda'
        self._dtype, self._graphs = _TYPES[precision], graphs and device.type == 'cuda'
        self._all = tuple(bundle.manifest.output_shapes(bundle.manifest.input_sizes[0]))
        self._networks: dict[Size, Run] = {}
        self._recorded: dict[tuple[int, ...], Recorded] = {}
        for size in bundle.manifest.input_sizes:
            path = bundle.file(size.graph(TARGET, inputs=('float32',)).file)
            with _errors(f'torch cannot load {path}'):
                self._networks[size.height, size.width] = load_script(path, device, self._dtype)

    def infer(
        self, image: npt.NDArray[Any], outputs: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """
        Run the network once, as Backend.infer says.

        :raises BackendError: There is no file for this size, or the device has failed.
        """
        hw = (image.shape[2], image.shape[3])
        if hw not in self._networks:
            sizes = ', '.join(f'{height}x{width}' for height, width in self._networks)
            raise BackendError(f'expected an input of size {sizes}, got shape {image.shape}')
        with (
            _errors('torch has failed'),
            torch.inference_mode(),
            _exact(self.precision),
            denormals_as_zero(),
        ):
            values = self._run(hw, torch.from_numpy(np.ascontiguousarray(image)))
            return {
                name: value.float().cpu().numpy()
                for name, value in zip(self._all, values, strict=True)
                if outputs is None or name in outputs
            }

    def resident(self, image: npt.NDArray[Any]) -> Callable[[], object]:
        """
        Return a call that runs the network on an image that stays on the device, and waits.

        :param image: As infer takes it.
        """
        network = self._networks[image.shape[2], image.shape[3]]
        taken = self._on_device(torch.from_numpy(np.ascontiguousarray(image)))
        return resident_call(network, taken, self.precision, graphs=self._graphs)

    def close(self) -> None:
        """Free networks and graphs."""
        self._recorded.clear()
        self._networks.clear()
        if self._device.type == 'cuda':
            torch.cuda.empty_cache()

    def _run(self, hw: Size, image: Tensor) -> tuple[Tensor, ...]:
        if not self._graphs:
            return self._networks[hw](self._on_device(image))
        key = tuple(image.shape)
        if key not in self._recorded:
            try:
                self._recorded[key] = Recorded(self._networks[hw], self._on_device(image))
            except RuntimeError as error:
                self._graphs = False
                text = f'runs without a CUDA graph: {_line(error)}'
                warnings.warn(text, RuntimeWarning, stacklevel=2)
                return self._run(hw, image)
        return self._recorded[key](image)

    def _on_device(self, image: Tensor) -> Tensor:
        return on_device(image, self._device, self._dtype)


class Recorded:
    """A CUDA graph of a network for one shape, with its buffers."""

    def __init__(self, network: Run, image: Tensor) -> None:
        """
        Warm up and capture.

        :param image: On the device, as the network takes it.
        """
        self._image = image.clone()
        self._pinned = torch.empty(image.shape, dtype=torch.float32, pin_memory=True)
        self._graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                network(self._image)
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(self._graph):
            self._outputs = network(self._image)

    def __call__(self, image: Tensor) -> tuple[Tensor, ...]:
        """Run it; the outputs are overwritten by the next run."""
        self._pinned.copy_(image)
        self._image.copy_(self._pinned, non_blocking=True)
        return self.replay()

    def replay(self) -> tuple[Tensor, ...]:
        """Run it on the image that is on the device."""
        self._graph.replay()
        return self._outputs


def load_script(path: Path, device: torch.device, dtype: torch.dtype) -> Run:
    """Load a TorchScript file as it runs fastest on a device."""
    with warnings.catch_warnings():
        # TorchScript is deprecated, and it needs no Python code of the network.
        warnings.simplefilter('ignore', DeprecationWarning)
        network = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        network = network.to(dtype).eval()
        if device.type == 'cuda':
            network = network.to(memory_format=torch.channels_last)
        run: Run = torch.jit.freeze(network)
    return run


def on_device(image: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Put (N, 3, H, W) where a network of load_script takes it."""
    image = image.to(device, dtype)
    if device.type == 'cuda':
        image = image.contiguous(memory_format=torch.channels_last)
    return image


def resident_call(
    network: Run, image: Tensor, precision: str, *, graphs: bool
) -> Callable[[], object]:
    """
    Return a call that runs a network on an image that stays on the device, and waits.

    :param image: As on_device gives it.
    :param graphs: Capture a CUDA graph.
    """
    with torch.inference_mode(), _exact(precision):
        run = Recorded(network, image).replay if graphs else lambda: network(image)

    def call() -> None:
        with torch.inference_mode(), _exact(precision):
            run()
            if image.device.type == 'cuda':
                torch.cuda.synchronize()

    return call


@denormals_as_zero()  # also in torch's own threads, which start here
def load(bundle: Bundle, *, threads: int = 0, precision: str = 'float32') -> TorchBackend:
    """
    Load the TorchScript files of a bundle, on CUDA where there is a device.

    :param threads: Of the CPU, for all that this process does with torch; 0: as it is.
    :param precision: One of bundle.PRECISIONS.
    :raises BackendError: A file cannot be loaded.
    :raises BundleError: The bundle has no TorchScript.
    """
    if threads:
        torch.set_num_threads(threads)
    return TorchBackend(bundle, torch.device('cuda' if _has_cuda() else 'cpu'), precision)


def _has_cuda() -> bool:
    with warnings.catch_warnings():
        # A driver that is too old is a warning of torch; here it is no device.
        warnings.simplefilter('ignore')
        return torch.cuda.is_available()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu'


@contextmanager
def _exact(precision: str) -> Iterator[None]:
    """Keep convolutions in float32 where that is the precision: TF32 has 10 bits of mantissa."""
    if precision != 'float32':
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
        yield


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, BackendError):
            raise
        raise BackendError(f'{what}: {_line(error)}') from error


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
