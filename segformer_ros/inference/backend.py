# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The seam between the pipeline and the engines that run the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import importlib
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle
from segformer_ros.engines.request import BuildRequest
from segformer_ros.image_encoding import CameraImage
from segformer_ros.inference.backend_table import TABLE
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.results import Prediction

FloatArray = npt.NDArray[np.float32]


class BackendError(RuntimeError):
    """An engine is not installed, cannot load the network or has failed on its device."""


class EngineMissingError(BackendError):
    """An engine has to be built first; requests says which, as engines.request.BuildRequest."""

    def __init__(self, text: str, requests: tuple[BuildRequest, ...]) -> None:
        super().__init__(text)
        self.requests = requests


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

    def infer(
        self, image: npt.NDArray[Any], outputs: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """
        Run the network once.

        :param image: (N, 3, H, W) normalised RGB, or (N, H, W, 3) uint8 where input_format says
            so; H and W one of the bundle's input sizes; only read during the call.
        :param outputs: Names of those that are needed, which may make the run shorter; None: all.
        :returns: The raw outputs by name, new arrays: logits (N, C, H/s, W/s), depth
            (N, 1, H/s, W/s).
        :raises BackendError: The device has failed or there is no graph for this size.
        """

    def close(self) -> None:
        """Free the network; infer must not be called any more."""


@dataclass(frozen=True)
class FrameRequest:
    """
    What of a frame is wanted, for a backend that computes whole frames.

    labels says whether the logits are decoded, segmentation whether the labels are given. factor,
    limits_m and sky are those of postprocess.decode_depth; sky None: labels do not change depth.
    """

    segmentation: bool
    labels: bool
    confidence: bool
    depth: bool
    factor: float
    limits_m: tuple[float, float]
    sky: tuple[int, float] | None


class Frames(Protocol):
    """What a backend has as its attribute frames when it takes camera images as they are."""

    def predict(self, image: CameraImage, geometry: Geometry, request: FrameRequest) -> Prediction:
        """
        Compute one frame.

        :param image: (H, W, 3) RGB or (H, W) grey, uint8, or as it came.
        :raises BackendError: The device has failed, or an output is NaN or infinite.
        """


def load_backend(
    name: str,
    bundle: Bundle,
    *,
    threads: int = 0,
    cuda_api: str = 'auto',
    deferred: bool = False,
) -> Backend:
    """
    Load a network, importing only the engine that was asked for; without the golden check.

    :param name: One of backend_table.BACKENDS.
    :param threads: CPU threads for one image; 0 lets the engine decide.
    :param cuda_api: One of engines.cuda.APIS, for TensorRT.
    :param deferred: Let the CPU engines open and check each graph when it is needed.
    :raises BackendError: The engine is not installed or cannot load the network.
    :raises EngineMissingError: It has to be built first.
    :raises BundleError: The bundle has no graph for this engine.
    :raises ValueError: There is no backend or API of that name, or threads is negative.
    """
    if name not in TABLE:
        raise ValueError(f'backend must be one of {", ".join(TABLE)}, not {name!r}')
    if threads < 0:
        raise ValueError(f'threads must be 0 or more, not {threads}')
    row = TABLE[name]
    try:
        module = importlib.import_module(row.module)
    except ImportError as error:
        raise BackendError(f'backend {name} is not installed ({error}): {row.install}') from error
    known = {'cuda_api': cuda_api, 'deferred': deferred}
    extra: dict[str, Any] = {option: known[option] for option in row.options}
    backend: Backend = module.load(bundle, threads=threads, precision=row.precision, **extra)
    return backend
