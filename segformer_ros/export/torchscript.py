# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The published network as TorchScript, for programs that run torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import tempfile
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.export.check import check_graph
from segformer_ros.export.onnx_graph import OutputTuple
from segformer_ros.export.published import PublishedNetwork
from segformer_ros.network import MultitaskSegformer
import torch

FloatArray = npt.NDArray[np.float32]


@torch.no_grad()
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
    module = OutputTuple(PublishedNetwork(network)).eval()
    image = torch.from_numpy(planes)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        warnings.simplefilter('ignore')
        fresh = Path(folder) / path.name
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            module, (torch.cat((image, image)),), check_trace=False
        )
        torch.jit.save(traced, fresh)
        loaded = torch.jit.load(fresh)  # type: ignore[no-untyped-call]
        outputs = (value.numpy() for value in loaded(image))
        found = dict(zip(expected, outputs, strict=True))
        errors = check_graph(path.name, found, expected, 'float32')
        fresh.replace(path)
    return errors
