# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Our own kernels: what is before and after the network, on the device.

Their source is preprocess.cu and postprocess.cu; NVRTC compiles it when a network is loaded.
Arguments of the methods are addresses on the device unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from pathlib import Path
import threading
from typing import Any, NamedTuple, Protocol

import numpy as np
from segformer_ros.engines.cuda import CudaError

SOURCES = ('preprocess.cu', 'postprocess.cu')
"""The files next to this one that hold the kernels."""
KERNELS: Mapping[str, str] = {
    'resize_to_planes': 'preprocess.cu',
    'resize_to_bytes': 'preprocess.cu',
    'find_unusable': 'postprocess.cu',
    'decode_labels': 'postprocess.cu',
    'to_metres': 'postprocess.cu',
    'decode_depth': 'postprocess.cu',
}
"""The file of each kernel."""
BLOCK = (32, 8)
"""Threads of a block, across and down."""

_NULL = 0
_INSTALL = 'pip install cuda-bindings cuda-core nvidia-cuda-nvrtc'


class Launcher(Protocol):
    """What runs compiled kernels."""

    def launch(self, name: str, size: tuple[int, int], stream: int, args: Sequence[Any]) -> None:
        """
        Put a kernel into a stream.

        :param name: One of KERNELS.
        :param size: Threads that are needed, across and down.
        :param args: Addresses as int, numbers as numpy's int32 and float32.
        :raises CudaError: It cannot be launched.
        """


def source(file: str) -> str:
    """Read one of SOURCES."""
    return (Path(__file__).parent / file).read_text(encoding='utf-8')


def compile_source(file: str, capability: tuple[int, int]) -> Any:
    """
    Compile one of SOURCES to machine code; this needs no device.

    :param capability: Compute capability, such as (8, 7).
    :returns: cuda.core's ObjectCode.
    :raises CudaError: cuda-core or NVRTC is missing, or the source is refused.
    """
    try:
        from cuda.core import Program, ProgramOptions
    except ImportError as error:
        raise CudaError('import cuda.core', 'NotInstalled', f'{error}: {_INSTALL}') from error
    major, minor = capability
    # Without fused multiply-add, so that the results are those of the CPU.
    options = ProgramOptions(name=file, std='c++17', arch=f'sm_{major}{minor}', fma=False)
    try:
        return Program(source(file), 'c++', options).compile('cubin')
    except Exception as error:  # it has no common class of errors
        text = ' '.join(str(error).split())
        raise CudaError('NVRTC', type(error).__name__, f'{file}: {text}') from error


class CudaCoreLauncher:
    """Kernels compiled for the first device, launched through cuda-core."""

    def __init__(self, capability: tuple[int, int]) -> None:
        """
        Compile all kernels.

        :raises CudaError: They cannot be compiled or loaded.
        """
        codes = {file: compile_source(file, capability) for file in SOURCES}
        from cuda.core import Device, launch, LaunchConfig, Stream

        self._device, self._config, self._stream = Device(0), LaunchConfig, Stream
        self._launch = launch
        self._thread = threading.local()
        self._enter()
        self._kernels = {name: codes[file].get_kernel(name) for name, file in KERNELS.items()}

    def launch(self, name: str, size: tuple[int, int], stream: int, args: Sequence[Any]) -> None:
        """Put a kernel into a stream, as Launcher.launch says."""
        grid = tuple(math.ceil(many / block) for many, block in zip(size, BLOCK, strict=True))
        self._enter()
        try:
            config = self._config(grid=grid, block=BLOCK)
            self._launch(self._stream.from_handle(stream), config, self._kernels[name], *args)
        except Exception as error:  # it has no common class of errors
            raise CudaError(f'launch of {name}', type(error).__name__, str(error)) from error

    def _enter(self) -> None:
        """Make the device that of this thread, once."""
        if not getattr(self._thread, 'entered', False):
            try:
                self._device.set_current()
            except Exception as error:  # it has no common class of errors
                raise CudaError('set_current', type(error).__name__, str(error)) from error
            self._thread.entered = True


class Camera(NamedTuple):
    """
    An image on the device.

    step is bytes from row to row, channels bytes from pixel to pixel, rgb the place of red, green
    and blue in a pixel.
    """

    pixels: int
    step: int
    channels: int
    rgb: tuple[int, int, int]


class Places(NamedTuple):
    """Tables of whole numbers: between which two lines an output line lies, and their weights."""

    first: int
    second: int
    first_weight: int
    second_weight: int


@dataclass(frozen=True)
class Sampler:
    """
    Tables of where pixels of the camera lie in a grid, as upsample.Sampling has them.

    rows, columns and pitch, which is cells from row to row, are numbers.
    """

    left: int
    across: int
    upper: int
    down: int
    rows: int
    columns: int
    pitch: int


class Kernels:
    """The kernels with their arguments in order; every method puts work into a stream."""

    def __init__(self, launcher: Launcher) -> None:
        """Keep what runs them."""
        self._launcher = launcher

    def resize(
        self,
        stream: int,
        camera: Camera,
        across: Places,
        down: Places,
        resized_hw: tuple[int, int],
        input_hw: tuple[int, int],
        constants: int,
        target: int,
        *,
        as_bytes: bool,
    ) -> None:
        """
        Write the input of a network.

        :param constants: As bytes: the colour of the padding, (3) uint8; else the lookup table,
            (3, 256) float32.
        :param target: (H, W, 3) uint8 as bytes, else (3, H, W) float32.
        """
        name = 'resize_to_bytes' if as_bytes else 'resize_to_planes'
        (resized_h, resized_w), (height, width) = resized_hw, input_hw
        numbers = (camera.step, camera.channels, *camera.rgb)
        sizes = (resized_w, resized_h, width, height)
        args = (camera.pixels, *_ints(numbers), *across, *down, *_ints(sizes), constants, target)
        self._launcher.launch(name, (width, height), stream, args)

    def find_unusable(self, stream: int, values: int, count: int, flag: int) -> None:
        """Set a flag (int32) to 1 if one of count values (float32) is NaN or infinite."""
        args = (values, *_ints((count, 1)), flag)
        self._launcher.launch('find_unusable', (count, 1), stream, args)

    def decode_labels(
        self,
        stream: int,
        logits: int,
        channels: tuple[int, int],
        where: Sampler,
        ids: int,
        image_hw: tuple[int, int],
        labels: int,
        confidence: int = _NULL,
    ) -> None:
        """
        Write (H, W) class ids, and the confidence unless its address is 0.

        :param channels: How many there are, and how many cells each has.
        :param ids: (C) uint8, the class id of each channel.
        """
        height, width = image_hw
        grid = _ints((*channels, where.pitch, where.rows, where.columns))
        tables = (where.left, where.across, where.upper, where.down)
        args = (logits, *grid, *tables, ids, *_ints((width, height)), labels, confidence)
        self._launcher.launch('decode_labels', (width, height), stream, args)

    def decode_depth(
        self,
        stream: int,
        raw: int,
        metres: int,
        where: Sampler,
        image_hw: tuple[int, int],
        depth: int,
        *,
        logarithm: bool,
        factor: float,
        limits_m: tuple[float, float],
        labels: int = _NULL,
        sky: tuple[int, float] = (0, math.nan),
    ) -> None:
        """
        Write (H, W) metres.

        :param metres: Scratch memory of rows x columns float32.
        :param labels: (H, W) class ids that tell where the sky is; 0: it is not looked for.
        """
        height, width = image_hw
        rows, columns = where.rows, where.columns
        shape = _ints((columns, rows))
        scale = (*_ints((where.pitch, int(logarithm))), np.float32(factor))
        self._launcher.launch('to_metres', (columns, rows), stream, (raw, *scale, *shape, metres))
        tables = (where.left, where.across, where.upper, where.down)
        bounds = (*(np.float32(limit) for limit in limits_m), np.float32(math.nan))
        args = (metres, *_ints((rows, columns)), *tables, *bounds, labels, np.int32(sky[0]))
        last = (np.float32(sky[1]), *_ints((width, height)), depth)
        self._launcher.launch('decode_depth', (width, height), stream, (*args, *last))


def _ints(values: Sequence[int]) -> tuple[np.int32, ...]:
    return tuple(np.int32(value) for value in values)
