# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Doubles of a CUDA device and of TensorRT in the memory of the host.

They are honest about order and about misuse: work of a stream runs when the stream is synchronized
and not before, addresses must be of memory that is taken and large enough, copies need page-locked
memory, a capture records and forbids what CUDA forbids, an engine needs its shape and its aligned
addresses, and every call can be told to fail. They prove nothing about speed or about a real GPU.
"""

import ctypes
import gc
from types import SimpleNamespace
import weakref

import numpy as np
from segformer_ros.engines.cuda import ALIGNMENT, CudaError, DeviceFacts


class FakeCuda:
    """A CUDA device whose memory is that of the host."""

    name = 'fake-cuda 1'

    def __init__(self, *, has_graphs=True, fail_at=None, lost=False):
        """
        Begin with nothing taken.

        :param fail_at: Number of the call that fails, counted from 0.
        :param lost: All calls after it fail too.
        """
        self.has_graphs = has_graphs
        self.fail_at, self.lost = fail_at, lost
        self.calls = []
        self._device, self._pinned, self._graphs = {}, {}, {}
        self._streams, self._recording = {}, {}
        self._contexts = weakref.WeakSet()
        self._next = 1

    def count(self, name):
        """Note a call, and tell whether it is to fail."""
        number = len(self.calls)
        self.calls.append(name)
        if self.fail_at is None or number < self.fail_at:
            return False
        return number == self.fail_at or self.lost

    def taken(self):
        """Name all that was not given back."""
        if self._contexts:
            gc.collect()
        return {
            name: len(items)
            for name, items in (
                ('device', self._device),
                ('pinned', self._pinned),
                ('graphs', self._graphs),
                ('streams', self._streams),
                ('contexts', self._contexts),
            )
            if items
        }

    def device(self):
        """Describe a device that does not exist."""
        self._enter('device')
        return DeviceFacts('Fake GPU', (8, 7), '13.0')

    def malloc(self, size):
        """Take memory that ends where it should: its last bytes are watched."""
        self._enter('malloc')
        self._forbid_in_capture('cudaMalloc')
        block = np.full(size + 2 * ALIGNMENT, 0xA5, np.uint8)
        address = -(-block.ctypes.data // ALIGNMENT) * ALIGNMENT
        self._device[address] = (block, size)
        return address

    def free(self, address):
        """Free memory; nothing may have been written behind its end."""
        failing = self.count('free')
        block, size = self._device.pop(address)
        self._forbid_use(address, size)
        start = address - block.ctypes.data + size
        assert (block[start : start + ALIGNMENT // 2] == 0xA5).all(), 'written behind the end'
        self._raise(failing, 'free')

    def malloc_host(self, size):
        """Take page-locked memory."""
        self._enter('malloc_host')
        block = np.full(size, 0x5A, np.uint8)
        self._pinned[block.ctypes.data] = block
        return block

    def free_host(self, array):
        """Free page-locked memory."""
        failing = self.count('free_host')
        assert self._pinned.pop(array.ctypes.data).nbytes == array.nbytes
        self._forbid_use(array.ctypes.data, array.nbytes)
        self._raise(failing, 'free_host')

    def copy_to_device(self, address, source, stream):
        """Put a copy into a stream: the source is read when it runs."""
        self._enter('copy_to_device')
        self._require_pinned(source)
        target = self.memory(address, source.nbytes)
        self.put(stream, lambda: np.copyto(target, source), [address, source.ctypes.data])

    def copy_to_host(self, target, address, stream):
        """Put a copy into a stream."""
        self._enter('copy_to_host')
        self._require_pinned(target)
        source = self.memory(address, target.nbytes)
        self.put(stream, lambda: np.copyto(target, source), [address, target.ctypes.data])

    def create_stream(self):
        """Open a stream."""
        self._enter('create_stream')
        self._next += 1
        self._streams[self._next] = []
        return self._next

    def destroy_stream(self, stream):
        """Close a stream."""
        failing = self.count('destroy_stream')
        assert not self._streams.pop(stream), 'a stream is destroyed before its work is done'
        self._raise(failing, 'destroy_stream')

    def synchronize(self, stream):
        """Run what waits in a stream; on failure it is dropped, as after a lost device."""
        failing = self.count('synchronize')
        assert stream not in self._recording, 'a stream is synchronized while it is captured'
        work, self._streams[stream] = self._streams[stream], []
        self._raise(failing, 'synchronize')
        for item, _ in work:
            item()

    def begin_capture(self, stream):
        """Record the stream."""
        self._enter('begin_capture')
        assert self.has_graphs
        assert stream not in self._recording
        self._recording[stream] = []

    def end_capture(self, stream):
        """Return what was recorded; a recording that failed is over too."""
        failing = self.count('end_capture')
        work = self._recording.pop(stream)
        self._raise(failing, 'end_capture')
        self._next += 1
        self._graphs[self._next] = work
        return self._next

    def launch(self, graph, stream):
        """Put all that was recorded into a stream."""
        self._enter('launch')
        for work, uses in self._graphs[graph]:
            self.put(stream, work, uses)

    def destroy_graph(self, graph):
        """Forget a graph."""
        failing = self.count('destroy_graph')
        del self._graphs[graph]
        self._raise(failing, 'destroy_graph')

    def put(self, stream, work, uses):
        """
        Leave work for a stream, or for what is recorded of it.

        :param uses: Addresses that it reads or writes.
        """
        if stream in self._recording:
            self._recording[stream].append((work, uses))
        else:
            self._streams[stream].append((work, uses))

    def is_capturing(self, stream):
        """Return whether a stream is recorded."""
        return stream in self._recording

    def memory(self, address, size):
        """Return bytes of the device, which must be of one piece of taken memory."""
        for start, (block, length) in self._device.items():
            if start <= address and address + size <= start + length:
                offset = address - block.ctypes.data
                return block[offset : offset + size]
        raise AssertionError(f'{size} bytes at {address:#x} are not taken')

    def _enter(self, name):
        self._raise(self.count(name), name)

    def _forbid_use(self, start, size):
        """Refuse to free what waiting work still uses."""
        for waiting in self._streams.values():
            for _, uses in waiting:
                used = any(start <= address < start + size for address in uses)
                assert not used, 'memory is freed while a stream may use it'

    def _forbid_in_capture(self, call):
        if self._recording:
            raise CudaError(call, 'cudaErrorStreamCaptureUnsupported')

    @staticmethod
    def _raise(failing, name):
        if failing:
            raise CudaError(name, 'cudaErrorInjected')

    def _require_pinned(self, array):
        start = array.ctypes.data
        assert any(
            block.ctypes.data <= start and start + array.nbytes <= block.ctypes.data + block.nbytes
            for block in self._pinned.values()
        ), 'a copy of a stream needs page-locked memory'


class FakeEngine:
    """An ICudaEngine that computes with a function of numpy; one input, float32 outputs."""

    def __init__(self, cuda, source, outputs, network, most_images=1):
        """
        Describe the engine.

        :param source: Shape of one image and its type.
        :param outputs: Shape of each output for one image, by name.
        :param network: From (N, ...) images to the outputs by name.
        """
        self.cuda, self.network = cuda, network
        self.most_images = most_images
        shape, dtype = source
        self.tensors = {'image': (tuple(shape), np.dtype(dtype))}
        self.tensors |= {name: (tuple(s), np.dtype(np.float32)) for name, s in outputs.items()}

    @property
    def num_io_tensors(self):
        """Count inputs and outputs."""
        return len(self.tensors)

    def get_tensor_name(self, index):
        """Name one."""
        return list(self.tensors)[index]

    def get_tensor_mode(self, name):
        """Return whether a tensor is an input or an output."""
        return 'input' if name == 'image' else 'output'

    def get_tensor_shape(self, name):
        """Return its shape, -1 for the number of images where that is free."""
        count = -1 if self.most_images > 1 else 1
        return (count, *self.tensors[name][0])

    def get_tensor_dtype(self, name):
        """Return its type."""
        return self.tensors[name][1]

    def get_tensor_profile_shape(self, name, profile):
        """Return the least, the best and the greatest shape."""
        assert profile == 0
        assert name == 'image'
        shape = self.tensors[name][0]
        return [(1, *shape), (self.most_images, *shape), (self.most_images, *shape)]

    def create_execution_context(self):
        """Return a context; None is how TensorRT says no."""
        return None if self.cuda.count('create_execution_context') else FakeContext(self)


class FakeContext:
    """An IExecutionContext."""

    def __init__(self, engine):
        """Begin without shape and addresses."""
        self._engine, self._count, self._addresses = engine, 0, {}
        self._warm = False
        engine.cuda._contexts.add(self)

    def set_input_shape(self, name, shape):
        """Take a shape of the profile."""
        known, _ = self._engine.tensors[name]
        if self._engine.cuda.count('set_input_shape') or tuple(shape[1:]) != known:
            return False
        if not 1 <= shape[0] <= self._engine.most_images:
            return False
        self._count, self._warm = shape[0], False
        return True

    def set_tensor_address(self, name, address):
        """Take an aligned address of memory that is large enough."""
        if self._engine.cuda.count('set_tensor_address'):
            return False
        if name not in self._engine.tensors or address % ALIGNMENT or not self._count:
            return False
        self._bytes(name, address)
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream):
        """Put the network into a stream; a capture needs a run of this shape before."""
        if self._engine.cuda.count('execute_async_v3'):
            return False
        if set(self._addresses) != set(self._engine.tensors):
            return False
        if self._engine.cuda.is_capturing(stream) and not self._warm:
            return False
        arrays = {name: self._bytes(name, at) for name, at in self._addresses.items()}
        uses = list(self._addresses.values())
        self._engine.cuda.put(stream, lambda: self._compute(arrays), uses)
        self._warm = True
        return True

    def _bytes(self, name, address):
        shape, dtype = self._engine.tensors[name]
        size = self._count * int(np.prod(shape)) * dtype.itemsize
        memory = self._engine.cuda.memory(address, size)
        return memory.view(dtype).reshape(self._count, *shape)

    def _compute(self, arrays):
        found = self._engine.network(arrays['image'].copy())
        for name, value in found.items():
            if name in arrays:
                np.copyto(arrays[name], value)


def fake_trt():
    """Return what of the module tensorrt the run time uses."""
    return SimpleNamespace(
        __version__='10.99',
        TensorIOMode=SimpleNamespace(INPUT='input', OUTPUT='output'),
        nptype=lambda dtype: dtype.type,
    )


def address_of(array):
    """Return the address of an array of the host, for kernels that run there."""
    return ctypes.c_void_p(array.ctypes.data).value
