# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
CUDA behind one small protocol: memory, copies, streams and graphs of the first device.

Two packages can be behind it, cuda-python and pycuda; nothing here imports either. Addresses,
streams and graphs are plain numbers, as TensorRT takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import importlib
from typing import Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

APIS = ('auto', 'cuda-python', 'pycuda')
"""What open_cuda takes."""
ALIGNMENT = 256
"""Of every address that malloc gives, in bytes; TensorRT asks for it."""

_MODULES = {
    'cuda-python': ('cuda_python', 'pip install cuda-bindings cuda-core nvidia-cuda-nvrtc'),
    'pycuda': ('cuda_pycuda', 'install python3-pycuda or pip install pycuda'),
}


class CudaError(RuntimeError):
    """A call has failed on the device, or there is none; name is that of the CUDA error."""

    def __init__(self, call: str, name: str, text: str = '') -> None:
        super().__init__(f'{call} has failed: {name}{f" ({text})" if text else ""}')
        self.call, self.name = call, name


@dataclass(frozen=True)
class DeviceFacts:
    """The device: its name, compute capability and the version of its driver."""

    name: str
    capability: tuple[int, int]
    driver: str


class Cuda(Protocol):
    """The first CUDA device; every method may be called from any thread and raises CudaError."""

    @property
    def name(self) -> str:
        """Name the package and its version."""

    @property
    def has_graphs(self) -> bool:
        """Whether work of a stream can be captured."""

    def device(self) -> DeviceFacts:
        """Return the facts of the device."""

    def malloc(self, size: int) -> int:
        """Return the address of so many bytes on the device, aligned to ALIGNMENT."""

    def free(self, address: int) -> None:
        """Free device memory; no work may still use it."""

    def malloc_host(self, size: int) -> Bytes:
        """Return (size) bytes of page-locked host memory, which copies of a stream need."""

    def free_host(self, array: Bytes) -> None:
        """Free page-locked memory; the array must not be used any more."""

    def copy_to_device(self, address: int, source: Bytes, stream: int) -> None:
        """Begin to copy page-locked memory to the device."""

    def copy_to_host(self, target: Bytes, address: int, stream: int) -> None:
        """Begin to copy from the device; target is filled once the stream is synchronized."""

    def create_stream(self) -> int:
        """Return a stream that does not wait for the default one."""

    def destroy_stream(self, stream: int) -> None:
        """Destroy a stream."""

    def synchronize(self, stream: int) -> None:
        """Wait until everything that was put into a stream is done; raise what failed in it."""

    def begin_capture(self, stream: int) -> None:
        """Record from now on what is put into a stream in place of running it."""

    def end_capture(self, stream: int) -> int:
        """Stop recording and give what was recorded as a graph that can be launched."""

    def launch(self, graph: int, stream: int) -> None:
        """Put all that a graph holds into a stream."""

    def destroy_graph(self, graph: int) -> None:
        """Destroy a graph."""


def open_cuda(api: str = 'auto') -> Cuda:
    """
    Open the first device.

    :param api: One of APIS; 'auto' takes cuda-python, and pycuda where that is not installed.
    :raises CudaError: The package is not installed, or there is no device.
    :raises ValueError: There is no such API.
    """
    if api not in APIS:
        raise ValueError(f'cuda_api must be one of {", ".join(APIS)}, not {api!r}')
    missing = []
    for name in _MODULES if api == 'auto' else (api,):
        module, install = _MODULES[name]
        try:
            opener: Callable[[], Cuda] = importlib.import_module(
                f'segformer_ros.engines.{module}'
            ).open_device
        except ImportError as error:
            missing.append(f'{name} is not installed: {install} ({error})')
        else:
            return opener()
    raise CudaError('import', 'NoCudaPackage', '; '.join(missing))
