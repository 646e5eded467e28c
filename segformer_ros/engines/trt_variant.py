# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which TensorRT is installed: TensorRT 10 or 11, or TensorRT for RTX; one API for all."""

from __future__ import annotations

from dataclasses import dataclass
import importlib
from types import ModuleType

from segformer_ros.engines.errors import EngineError

TRT_VARIANTS = ('tensorrt', 'tensorrt_rtx')
"""Names of the modules, the preferred one first."""

INSTALL = {
    'tensorrt': 'pip install tensorrt-cu13, or sudo apt-get install python3-libnvinfer',
    'tensorrt_rtx': 'pip install tensorrt-rtx-cu13',
}
_LEAST_VERSIONS = {'tensorrt': (10, 0), 'tensorrt_rtx': (1, 1)}


@dataclass(frozen=True)
class TrtVariant:
    """An installed TensorRT; module is what its API is in."""

    name: str
    version: str
    module: ModuleType

    @property
    def builds_ahead(self) -> bool:
        """Return whether it builds for GPUs that the machine does not have."""
        return self.name == 'tensorrt_rtx'

    @property
    def has_timing_cache(self) -> bool:
        """Return whether it measures while it builds; TensorRT for RTX does so when it runs."""
        return self.name == 'tensorrt'

    def __str__(self) -> str:
        return f'{self.name} {self.version}'


def find_trt_variant(name: str = 'auto', *, builds_ahead: bool = False) -> TrtVariant:
    """
    Import the TensorRT that is installed.

    :param name: One of TRT_VARIANTS, or 'auto' for the first that can be used.
    :param builds_ahead: Whether it must build for GPUs that the machine does not have.
    :raises EngineError: None is installed, or what is installed is too old or does not load.
    """
    if name not in ('auto', *TRT_VARIANTS):
        raise EngineError(f'expected --trt-variant auto, {", ".join(TRT_VARIANTS)}, got {name!r}')
    names: tuple[str, ...] = TRT_VARIANTS if name == 'auto' else (name,)
    if builds_ahead:
        names = tuple(item for item in names if item == 'tensorrt_rtx')
    if not names:
        raise EngineError(
            f'{name} builds only for the GPU of the machine that it runs on: choose --device '
            'current, or --trt-variant tensorrt_rtx'
        )
    reasons = []
    for item in names:
        try:
            return _import(item)
        except EngineError as error:
            reasons.append(str(error))
    raise EngineError('; '.join(reasons))


def _import(name: str) -> TrtVariant:
    install = INSTALL[name]
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise EngineError(f'{name} does not load: {_line(error)}: {install}') from error
        raise EngineError(f'expected {name}, found none: {install}') from error
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineError(f'{name} does not load: {_line(error)}: {install}') from error
    version = str(getattr(module, '__version__', '0'))
    least = _LEAST_VERSIONS[name]
    if _numbers(version) < least:
        text = '.'.join(str(number) for number in least)
        raise EngineError(f'expected {name} {text} or later, found {version}: {install}')
    return TrtVariant(name, version, module)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.')[:2] if part.isdecimal())


def _line(error: BaseException) -> str:
    return ' '.join(str(error).split())
