# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A stand-in for the module pycuda: the names and arguments that our code uses, as documented.

pycuda cannot be installed where there is no CUDA driver, so this proves how it is called and not
that it works.
"""

from types import ModuleType, SimpleNamespace

import numpy as np

NON_BLOCKING = 1


class Error(Exception):
    """pycuda.driver.Error."""


class LogicError(Error):
    """pycuda.driver.LogicError."""


class Driver(ModuleType):
    """pycuda.driver: it knows which context is current and what is taken."""

    Error, LogicError = Error, LogicError

    def __init__(self, devices=1):
        super().__init__('pycuda.driver')
        self.devices, self.pushed, self.taken = devices, 0, set()
        self.error = None
        self.Device, self.Stream, self.Context = _device_of(self), _stream_of(self), self
        self._memory = {}

    def init(self):
        """Start."""
        if self.error is not None:
            raise self.error

    def pop(self):
        """Context.pop."""
        self.pushed -= 1

    def require_context(self):
        """Every call needs one that is current."""
        assert self.pushed == 1, 'no context is current'
        if self.error is not None:
            raise self.error

    def get_driver_version(self):
        """Return 13000 for CUDA 13.0."""
        return 13000

    def mem_alloc(self, size):
        """Return a DeviceAllocation."""
        self.require_context()
        block = _Block(self, np.zeros(size, np.uint8))
        self._memory[int(block)] = block.array
        return block

    def pagelocked_empty(self, shape, dtype):
        """Return an array whose base frees it."""
        self.require_context()
        block = _Block(self, np.zeros(shape, dtype))
        return _Pagelocked(block)

    def memcpy_htod_async(self, dest, src, stream=None):
        """Copy at once."""
        self.require_context()
        assert isinstance(stream, self.Stream)
        self._memory[dest][: src.nbytes] = src

    def memcpy_dtoh_async(self, dest, src, stream=None):
        """Copy at once."""
        self.require_context()
        assert isinstance(stream, self.Stream)
        dest[:] = self._memory[src][: dest.nbytes]


class _Block:
    def __init__(self, driver, array):
        self.driver, self.array = driver, array
        driver.taken.add(int(self))

    def __int__(self):
        return self.array.ctypes.data

    def free(self):
        self.driver.require_context()
        self.driver.taken.remove(int(self))


class _Pagelocked(np.ndarray):
    """An array whose base has a method free, as that of pycuda has."""

    def __new__(cls, block):
        """Share the memory of the block."""
        array = block.array.view(cls)
        array._block = block
        return array

    @property
    def base(self):
        """Return the owner."""
        return self._block


def _device_of(driver):
    class Device:
        """pycuda.driver.Device."""

        def __init__(self, number):
            assert number == 0

        @staticmethod
        def count():
            return driver.devices

        def retain_primary_context(self):
            return SimpleNamespace(push=self._push)

        @staticmethod
        def _push():
            driver.pushed += 1

        def name(self):
            return 'Orin'

        def compute_capability(self):
            return (8, 7)

        def total_memory(self):
            return 8 << 30

    return Device


def _stream_of(driver):
    class Stream:
        """pycuda.driver.Stream."""

        def __init__(self, flags=0):
            driver.require_context()
            assert flags == NON_BLOCKING
            self.handle = id(self)

        def synchronize(self):
            driver.require_context()

    return Stream


def make_pycuda(monkeypatch, devices=1):
    """Put the stand-in in the place of pycuda and give its driver."""
    driver = Driver(devices)
    package = ModuleType('pycuda')
    package.VERSION_TEXT, package.driver = '2026.1', driver
    monkeypatch.setitem(__import__('sys').modules, 'pycuda', package)
    monkeypatch.setitem(__import__('sys').modules, 'pycuda.driver', driver)
    monkeypatch.delitem(
        __import__('sys').modules, 'segformer_ros.engines.cuda_pycuda', raising=False
    )
    return driver
