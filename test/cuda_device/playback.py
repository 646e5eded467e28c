# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
An engine that plays recorded outputs back, on a real device and without TensorRT.

With it copies, streams, CUDA graphs and kernels are tested on every CUDA device.
"""

import numpy as np


class PlaybackEngine:
    """An ICudaEngine for one image whose execution copies outputs from page-locked memory."""

    num_io_tensors = 3

    def __init__(self, cuda, shape, dtype, outputs):
        """Keep the outputs (1, ...) by name."""
        self.cuda, self.tensors = cuda, {'image': (tuple(shape), np.dtype(dtype))}
        self.kept = {}
        for name, value in outputs.items():
            self.tensors[name] = (value.shape[1:], value.dtype)
            self.kept[name] = cuda.malloc_host(value.nbytes)
            self.kept[name][:] = np.ascontiguousarray(value).reshape(-1).view(np.uint8)

    def get_tensor_name(self, index):
        """Name one."""
        return list(self.tensors)[index]

    def get_tensor_mode(self, name):
        """Return whether a tensor is an input or an output."""
        return 'input' if name == 'image' else 'output'

    def get_tensor_shape(self, name):
        """Return its shape."""
        return (1, *self.tensors[name][0])

    def get_tensor_dtype(self, name):
        """Return its type."""
        return self.tensors[name][1]

    def create_execution_context(self):
        """Return a context."""
        return PlaybackContext(self)

    def close(self):
        """Free the outputs."""
        for block in self.kept.values():
            self.cuda.free_host(block)
        self.kept = {}


class PlaybackContext:
    """An IExecutionContext."""

    def __init__(self, engine):
        """Begin without addresses."""
        self._engine, self._addresses = engine, {}

    def set_input_shape(self, name, shape):
        """Take the only shape."""
        return tuple(shape) == self._engine.get_tensor_shape(name)

    def set_tensor_address(self, name, address):
        """Take an aligned address."""
        self._addresses[name] = address
        return address % 256 == 0

    def execute_async_v3(self, stream):
        """Copy the outputs to where they belong."""
        for name, block in self._engine.kept.items():
            self._engine.cuda.copy_to_device(self._addresses[name], block, stream)
        return True
