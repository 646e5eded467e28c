# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The published network as TorchScript, for programs that run torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
import tempfile
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.export.check import check_graph
from segformer_ros.export.onnx_graph import OutputTuple
from segformer_ros.export.published import PublishedNetwork
from segformer_ros.network import MultitaskSegformer
import torch
from torch import nn, Tensor

FloatArray = npt.NDArray[np.float32]
Outputs = dict[str, FloatArray]


SUFFIX = '.torchscript'


@torch.no_grad()
def save_torchscript(network: nn.Module, path: Path, image: Tensor) -> None:
    """
    Trace a network and write it; its outputs become a tuple.

    :param network: Gives a dict of outputs.
    :param image: As the network takes it; two images, so that their number stays free.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            OutputTuple(network).eval(), (image,), check_trace=False
        )
        torch.jit.save(traced, path)


@torch.no_grad()
def run_torchscript(path: Path, image: npt.NDArray[Any], names: Sequence[str]) -> Outputs:
    """
    Compute the outputs of a file on the CPU.

    :param names: Of the outputs, in order.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        loaded = torch.jit.load(path)  # type: ignore[no-untyped-call]
        outputs = (value.numpy() for value in loaded(torch.from_numpy(image)))
        return dict(zip(names, outputs, strict=True))


def write_torchscript(
    network: MultitaskSegformer,
    path: Path,
    planes: FloatArray,
    expected: Mapping[str, FloatArray],
) -> dict[str, float]:
    """
    Trace the published network for one input size and compare the file with the network.

    The file gives the outputs as a tuple, for any number of images.

    :param network: float32; not changed.
    :param planes: (1, 3, H, W), the image that it is checked with.
    :param expected: The outputs for it, in order.
    :returns: Of each output the largest absolute difference.
    :raises ExportError: The file does not compute what the network does; it is not written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    image = torch.from_numpy(planes)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        save_torchscript(PublishedNetwork(network), fresh, torch.cat((image, image)))
        found = run_torchscript(fresh, planes, list(expected))
        errors = check_graph(path.name, found, expected, 'float32')
        fresh.replace(path)
    return errors
