# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The seam between the pipeline and the engines that run the network."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle

FloatArray = npt.NDArray[np.float32]

_MODULES = {'onnxruntime': 'segformer_ros.inference.onnxruntime_backend'}
_DEFAULT = 'onnxruntime'

NAMES: tuple[str, ...] = ('auto', *_MODULES)
"""What load_backend takes."""


class BackendError(RuntimeError):
    """An engine is not installed, cannot load the network or has failed on its device."""


class Backend(Protocol):
    """One loaded network on one device, used by one thread at a time."""

    @property
    def name(self) -> str:
        """Name of the engine and its device, for people."""

    @property
    def precision(self) -> str:
        """Name the precision it computes in: one of bundle.PRECISIONS."""

    @property
    def input_format(self) -> str:
        """Name the input that infer takes: one of bundle.INPUTS."""

    @property
    def supports_batch(self) -> bool:
        """Whether infer takes more than one image at once."""

    def infer(self, image: npt.NDArray[Any]) -> dict[str, FloatArray]:
        """
        Run the network once.

        :param image: (N, 3, H, W) normalised RGB, or (N, H, W, 3) uint8 where input_format says
            so; H and W one of the bundle's input sizes; only read during the call.
        :returns: The raw outputs by name: logits (N, C, H/s, W/s), depth (N, 1, H/s, W/s).
        :raises BackendError: The device has failed or there is no graph for this size.
        """

    def close(self) -> None:
        """Free the network; infer must not be called any more."""


def load_backend(name: str, bundle: Bundle, *, threads: int = 0) -> Backend:
    """
    Load a network, importing only the engine that was asked for.

    :param name: One of NAMES; 'auto' takes the best one for this machine.
    :param threads: Threads of the processor for one image; 0 lets the engine decide.
    :raises BackendError: The engine is not installed or cannot load the network.
    :raises ValueError: There is no backend of that name, or threads is negative.
    """
    if name not in NAMES:
        raise ValueError(f'backend must be one of {", ".join(NAMES)}, not {name!r}')
    if threads < 0:
        raise ValueError(f'threads must be 0 or more, not {threads}')
    chosen = _DEFAULT if name == 'auto' else name
    try:
        module = importlib.import_module(_MODULES[chosen])
    except ImportError as error:
        raise BackendError(
            f'backend {chosen} is not installed ({error}): pip install {chosen}'
        ) from error
    backend: Backend = module.load(bundle, threads=threads)
    return backend
