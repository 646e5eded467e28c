# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CUDA through cuda-python, whose bindings import without a driver and report errors as values."""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from importlib import metadata
from typing import Any

from cuda.bindings import runtime
import numpy as np
from segformer_ros.engines.cuda import Bytes, CudaError, DeviceFacts

_Status = runtime.cudaError_t
_Attribute = runtime.cudaDeviceAttr


def open_device() -> CudaPython:
    """
    Open the first device.

    :raises CudaError: There is none, or its driver is too old.
    """
    return CudaPython()


class CudaPython:
    """The Cuda protocol over the runtime API, whose context every thread shares by itself."""

    has_graphs = True

    def __init__(self) -> None:
        """
        Choose the first device.

        :raises CudaError: There is none, or its driver is too old.
        """
        self.name = f'cuda-python {metadata.version("cuda-bindings")}'
        if not _call(runtime.cudaGetDeviceCount):
            raise CudaError('cudaGetDeviceCount', 'cudaErrorNoDevice')
        _call(runtime.cudaSetDevice, 0)

    def device(self) -> DeviceFacts:
        """Return the facts of the device."""
        properties = _call(runtime.cudaGetDeviceProperties, 0)
        major, minor = (
            _call(runtime.cudaDeviceGetAttribute, item, 0)
            for item in (
                _Attribute.cudaDevAttrComputeCapabilityMajor,
                _Attribute.cudaDevAttrComputeCapabilityMinor,
            )
        )
        version = _call(runtime.cudaDriverGetVersion)
        return DeviceFacts(
            name=properties.name.split(b'\0')[0].decode(),
            capability=(major, minor),
            driver=f'{version // 1000}.{version % 1000 // 10}',
        )

    def malloc(self, size: int) -> int:
        """Return the address of so many bytes on the device."""
        return int(_call(runtime.cudaMalloc, max(size, 1)))

    def free(self, address: int) -> None:
        """Free device memory."""
        _call(runtime.cudaFree, address)

    def malloc_host(self, size: int) -> Bytes:
        """Return (size) bytes of page-locked host memory."""
        address = int(_call(runtime.cudaMallocHost, max(size, 1)))
        block = (ctypes.c_uint8 * size).from_address(address)
        return np.ctypeslib.as_array(block)

    def free_host(self, array: Bytes) -> None:
        """Free page-locked memory."""
        _call(runtime.cudaFreeHost, array.ctypes.data)

    def copy_to_device(self, address: int, source: Bytes, stream: int) -> None:
        """Begin to copy page-locked memory to the device."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        data = source.ctypes.data
        _call(runtime.cudaMemcpyAsync, address, data, source.nbytes, kind, stream)

    def copy_to_host(self, target: Bytes, address: int, stream: int) -> None:
        """Begin to copy from the device."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        data = target.ctypes.data
        _call(runtime.cudaMemcpyAsync, data, address, target.nbytes, kind, stream)

    def create_stream(self) -> int:
        """Return a stream that does not wait for the default one."""
        return int(_call(runtime.cudaStreamCreateWithFlags, runtime.cudaStreamNonBlocking))

    def destroy_stream(self, stream: int) -> None:
        """Destroy a stream."""
        _call(runtime.cudaStreamDestroy, stream)

    def synchronize(self, stream: int) -> None:
        """Wait until everything that was put into a stream is done."""
        _call(runtime.cudaStreamSynchronize, stream)

    def begin_capture(self, stream: int) -> None:
        """Record from now on what is put into a stream."""
        # Of this thread alone: another one may allocate memory meanwhile.
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _call(runtime.cudaStreamBeginCapture, stream, mode)

    def end_capture(self, stream: int) -> int:
        """Stop recording and give what was recorded as a graph that can be launched."""
        recorded = _call(runtime.cudaStreamEndCapture, stream)
        try:
            return int(_call(runtime.cudaGraphInstantiate, recorded, 0))
        finally:
            _call(runtime.cudaGraphDestroy, recorded)

    def launch(self, graph: int, stream: int) -> None:
        """Put all that a graph holds into a stream."""
        _call(runtime.cudaGraphLaunch, graph, stream)

    def destroy_graph(self, graph: int) -> None:
        """Destroy a graph."""
        _call(runtime.cudaGraphExecDestroy, graph)


def _call(function: Callable[..., Any], *args: Any) -> Any:
    """Call the runtime and give its result; an error becomes an exception with its name."""
    try:
        status, *values = function(*args)
    except RuntimeError as error:
        # A library that is missing is no status but an exception.
        raise CudaError(function.__name__, type(error).__name__, str(error)) from error
    if status != _Status.cudaSuccess:
        raise CudaError(function.__name__, status.name, _explain(status))
    return values[0] if values else None


def _explain(status: Any) -> str:
    _, text = runtime.cudaGetErrorString(status)
    return text.decode() if isinstance(text, bytes) else ''
