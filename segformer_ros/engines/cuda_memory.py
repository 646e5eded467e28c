# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All that is taken from a device in one place, so that all of it is given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.engines.cuda import Cuda, CudaError


class Workspace:
    """Device memory, page-locked memory, graphs and one stream, which go together."""

    def __init__(self, cuda: Cuda) -> None:
        """
        Create the stream.

        :raises CudaError: The device refuses it.
        """
        self.cuda = cuda
        self._taken, self._closed = ExitStack(), False
        self.stream = cuda.create_stream()
        self._give_back(cuda.destroy_stream, self.stream)

    def device(self, size: int) -> int:
        """
        Return the address of so many bytes on the device.

        :raises CudaError: There is not as much.
        """
        address = self.cuda.malloc(size)
        self._give_back(self.cuda.free, address)
        return address

    def host(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """
        Return a page-locked array with undefined content; it lives until close().

        :raises CudaError: There is not as much memory.
        """
        kind = np.dtype(dtype)
        block = self.cuda.malloc_host(math.prod(shape) * kind.itemsize)
        self._give_back(self.cuda.free_host, block)
        return block.view(kind).reshape(shape)

    def upload(self, array: npt.NDArray[Any]) -> int:
        """
        Return the address of a copy of an array on the device, complete on return.

        :raises CudaError: There is not as much memory, or the copy fails.
        """
        address = self.device(array.nbytes)
        with Staging(self.cuda, array.nbytes) as block:
            block[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            self.cuda.copy_to_device(address, block, self.stream)
            self.cuda.synchronize(self.stream)
        return address

    def capture(self, work: Callable[[], None]) -> int:
        """
        Record what is put into the stream and give the graph of it.

        :param work: Puts it there.
        :raises CudaError: It cannot be captured.
        """
        self.cuda.begin_capture(self.stream)
        try:
            work()
        except BaseException:
            # A stream that is left in capture could never be used again.
            with suppress(CudaError):
                self.cuda.destroy_graph(self.cuda.end_capture(self.stream))
            raise
        graph = self.cuda.end_capture(self.stream)
        self._give_back(self.cuda.destroy_graph, graph)
        return graph

    def close(self) -> None:
        """Wait for the stream and give everything back, whatever state the device is in."""
        if self._closed:
            return
        self._closed = True
        with suppress(CudaError):
            self.cuda.synchronize(self.stream)
        self._taken.close()

    def _give_back(self, function: Callable[[Any], None], item: Any) -> None:
        def give_back() -> None:
            # On a device that is lost every call fails, and nothing is left to be freed.
            with suppress(CudaError):
                function(item)

        self._taken.callback(give_back)


class Staging:
    """Page-locked bytes for the time of a with block."""

    def __init__(self, cuda: Cuda, size: int) -> None:
        """Remember how many; __enter__ takes them."""
        self._cuda, self._size = cuda, size

    def __enter__(self) -> npt.NDArray[np.uint8]:
        """Take them."""
        self._block = self._cuda.malloc_host(self._size)
        return self._block

    def __exit__(self, *error: object) -> None:
        """Free them."""
        with suppress(CudaError):
            self._cuda.free_host(self._block)
