# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which GPU an engine is for: from the driver alone, so that no CUDA package is needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
import re

from segformer_ros.engines.errors import EngineError

_LIBRARY = 'libcuda.so.1'
_MODULE_VERSION = Path('/proc/driver/nvidia/version')
# CUdevice_attribute in cuda.h.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NAME_BYTES = 256


@dataclass(frozen=True)
class Gpu:
    """
    A GPU; capability is its compute capability such as 'sm86'.

    name and driver are None for a GPU that the machine does not have.
    """

    capability: str
    name: str | None = None
    driver: str | None = None

    def __str__(self) -> str:
        return self.capability if self.name is None else f'{self.name} ({self.capability})'


def parse_capability(text: str) -> str:
    """
    Read a compute capability: 'sm86', 'SM_86' or '8.6' as 'sm86'.

    :raises EngineError: It is no such text.
    """
    found = re.fullmatch(r'(?:sm_?)?(\d{1,2})\.?(\d)', text.strip().lower())
    if found is None:
        raise EngineError(f'expected a device such as sm86, or current, got {text!r}')
    return f'sm{found.group(1)}{found.group(2)}'


def current_gpu(index: int = 0) -> Gpu:
    """
    Ask the driver about a GPU of this machine.

    :raises EngineError: There is no driver or no such GPU.
    """
    driver = _Driver()
    device = ctypes.c_int()
    driver.call('cuDeviceGet', ctypes.byref(device), index)
    name = ctypes.create_string_buffer(_NAME_BYTES)
    driver.call('cuDeviceGetName', name, _NAME_BYTES, device)
    numbers = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        value = ctypes.c_int()
        driver.call('cuDeviceGetAttribute', ctypes.byref(value), attribute, device)
        numbers.append(value.value)
    text = name.value.decode('utf-8', 'replace')
    return Gpu(f'sm{numbers[0]}{numbers[1]}', text, _driver_version(driver))


class _Driver:
    """The library of the driver."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise EngineError(
                f'expected an NVIDIA driver, found no {_LIBRARY}: install it, or build for the '
                'GPU of another machine: segformer build-engine --device sm86'
            ) from error
        self.call('cuInit', 0)

    def call(self, name: str, *arguments: object) -> None:
        """Call a function that gives a CUresult."""
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            raise EngineError(
                f'expected an NVIDIA GPU, the driver answers {name} with CUDA error {code}: check '
                'nvidia-smi, or build for the GPU of another machine: segformer build-engine '
                '--device sm86'
            )


def _driver_version(driver: _Driver) -> str:
    """Return the version of the kernel module, else the version of CUDA that the driver has."""
    try:
        found = re.search(r'\b(\d+\.\d+(?:\.\d+)?)\b', _MODULE_VERSION.read_text('utf-8'))
    except (OSError, UnicodeDecodeError):
        found = None
    if found is not None:
        return found.group(1)
    version = ctypes.c_int()
    driver.call('cuDriverGetVersion', ctypes.byref(version))
    return f'CUDA {version.value // 1000}.{version.value % 1000 // 10}'
