# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
CUDA through pycuda, which Jetson images bring along.

It speaks the driver API, so the primary context, the one of TensorRT, is pushed around every call.
Graphs are left out: not every version that is in use has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pycuda
import pycuda.driver as driver
from segformer_ros.engines.cuda import Bytes, CudaError, DeviceFacts

# CU_STREAM_NON_BLOCKING of cuda.h.
_NON_BLOCKING = 1


def open_device() -> CudaPycuda:
    """
    Open the first device.

    :raises CudaError: There is none, or its driver cannot start.
    """
    return CudaPycuda()


class CudaPycuda:
    """The Cuda protocol over the driver API; objects of pycuda are kept by their number."""

    has_graphs = False

    def __init__(self) -> None:
        """
        Retain the primary context of the first device.

        :raises CudaError: There is none, or its driver cannot start.
        """
        self.name = f'pycuda {pycuda.VERSION_TEXT}'
        with _errors('cuInit'):
            driver.init()
            if not driver.Device.count():
                raise CudaError('cuDeviceGetCount', 'CUDA_ERROR_NO_DEVICE')
            self._device = driver.Device(0)
            self._context = self._device.retain_primary_context()
        self._memory: dict[int, Any] = {}
        self._streams: dict[int, Any] = {}

    def device(self) -> DeviceFacts:
        """Return the facts of the device."""
        with self._current('cuDeviceGetAttribute'):
            version = driver.get_driver_version()
            return DeviceFacts(
                name=self._device.name(),
                capability=tuple(self._device.compute_capability()),
                driver=f'{version // 1000}.{version % 1000 // 10}',
            )

    def malloc(self, size: int) -> int:
        """Return the address of so many bytes on the device."""
        with self._current('cuMemAlloc'):
            block = driver.mem_alloc(max(size, 1))
        self._memory[int(block)] = block
        return int(block)

    def free(self, address: int) -> None:
        """Free device memory."""
        with self._current('cuMemFree'):
            self._memory.pop(address).free()

    def malloc_host(self, size: int) -> Bytes:
        """Return (size) bytes of page-locked host memory."""
        with self._current('cuMemHostAlloc'):
            array: Bytes = driver.pagelocked_empty(size, np.uint8)
        return array

    def free_host(self, array: Bytes) -> None:
        """Free page-locked memory."""
        owner: Any = array.base
        with self._current('cuMemFreeHost'):
            owner.free()

    def copy_to_device(self, address: int, source: Bytes, stream: int) -> None:
        """Begin to copy page-locked memory to the device."""
        with self._current('cuMemcpyHtoDAsync'):
            driver.memcpy_htod_async(address, source, self._streams[stream])

    def copy_to_host(self, target: Bytes, address: int, stream: int) -> None:
        """Begin to copy from the device."""
        with self._current('cuMemcpyDtoHAsync'):
            driver.memcpy_dtoh_async(target, address, self._streams[stream])

    def create_stream(self) -> int:
        """Return a stream that does not wait for the default one."""
        with self._current('cuStreamCreate'):
            stream = driver.Stream(flags=_NON_BLOCKING)
        self._streams[int(stream.handle)] = stream
        return int(stream.handle)

    def destroy_stream(self, stream: int) -> None:
        """Destroy a stream: pycuda does so with the last reference."""
        with self._current('cuStreamDestroy'):
            del self._streams[stream]

    def synchronize(self, stream: int) -> None:
        """Wait until everything that was put into a stream is done."""
        with self._current('cuStreamSynchronize'):
            self._streams[stream].synchronize()

    def begin_capture(self, stream: int) -> None:
        """Refuse: has_graphs is False."""
        raise CudaError('begin_capture', 'CUDA_ERROR_NOT_SUPPORTED', self.name)

    def end_capture(self, stream: int) -> int:
        """Refuse: has_graphs is False."""
        raise CudaError('end_capture', 'CUDA_ERROR_NOT_SUPPORTED', self.name)

    def launch(self, graph: int, stream: int) -> None:
        """Refuse: has_graphs is False."""
        raise CudaError('launch', 'CUDA_ERROR_NOT_SUPPORTED', self.name)

    def destroy_graph(self, graph: int) -> None:
        """Refuse: has_graphs is False."""
        raise CudaError('destroy_graph', 'CUDA_ERROR_NOT_SUPPORTED', self.name)

    @contextmanager
    def _current(self, call: str) -> Iterator[None]:
        """Make the context current in this thread for one call."""
        with _errors(call):
            self._context.push()
            try:
                yield
            finally:
                driver.Context.pop()


@contextmanager
def _errors(call: str) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        raise CudaError(call, type(error).__name__, str(error)) from error
