# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every backend by name, in one table; what users are told of backends is made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """
    One backend.

    :param package: Python package of its engine; its module is inference/PACKAGE_backend.py.
    :param precision: What it computes in, one of bundle.PRECISIONS.
    :param install: Command that installs the package.
    :param gpu: Whether 'auto' tries it on a machine with a GPU, else on the CPU.
    :param auto: Whether 'auto' may choose it, in the order of the table.
    :param options: Further options that its load takes: 'cuda_api', 'deferred'.
    """

    package: str
    precision: str
    install: str
    gpu: bool = False
    auto: bool = True
    options: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module that is imported when the backend is chosen."""
        return f'segformer_ros.inference.{self.package}_backend'


def _openvino(precision: str) -> Row:
    return Row('openvino', precision, 'pip install openvino', options=('deferred',))


def _tensorrt(precision: str, *, auto: bool = False) -> Row:
    install = 'pip install tensorrt-cu13 cuda-bindings cuda-core'
    return Row('tensorrt', precision, install, gpu=True, auto=auto, options=('cuda_api',))


def _torch(precision: str, *, auto: bool = False) -> Row:
    return Row('torch', precision, 'pip install torch', gpu=True, auto=auto)


TABLE: dict[str, Row] = {
    'onnxruntime': Row('onnxruntime', 'float32', 'pip install onnxruntime', options=('deferred',)),
    'openvino': _openvino('float32'),
    'openvino_bfloat16': _openvino('bfloat16'),
    'tensorrt_float16': _tensorrt('float16', auto=True),
    'tensorrt_float32': _tensorrt('float32', auto=True),
    'tensorrt_bfloat16': _tensorrt('bfloat16'),
    'tensorrt_int8': _tensorrt('int8'),
    'tensorrt_fp8': _tensorrt('fp8'),
    'torch_float16': _torch('float16', auto=True),
    'torch': _torch('float32', auto=True),
    'torch_bfloat16': _torch('bfloat16'),
}
"""A new backend is its module, a row here and a row in docs/backends.md."""

BACKENDS: tuple[str, ...] = tuple(TABLE)
"""What load_backend takes."""
NAMES: tuple[str, ...] = ('auto', 'tensorrt', *BACKENDS)
"""What a user may ask for."""
PRECISIONS = ('float32', 'any')
"""What 'auto' may choose from: exact backends alone, or those of reduced precision too."""
LISTING = f'{", ".join(BACKENDS)}, tensorrt (float16, else float32), or auto'
"""The names for help texts and the description of the parameter."""


def automatic(precision: str, *, gpu: bool) -> tuple[str, ...]:
    """
    List the backends that 'auto' tries, in order.

    :param precision: One of PRECISIONS.
    :param gpu: Those of a machine with a GPU, else those of the CPU.
    """
    return tuple(
        name
        for name, row in TABLE.items()
        if row.auto and row.gpu == gpu and precision in {'any', row.precision}
    )
