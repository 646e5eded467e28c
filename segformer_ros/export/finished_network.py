# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finished weights in memory, computed faster than the module that was trained: to evaluate it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from segformer_ros.export.rewrites import rewrite, RewrittenNetwork, TORCH
from segformer_ros.network import MultitaskSegformer
import torch
from torch import Tensor

if TYPE_CHECKING:
    import onnxruntime

# Making a graph takes as long as torch takes longer than the graph for about so many pixels.
_GRAPH_PIXELS = 5_000_000
# Of input sizes; each has its own copy of the weights.
_KEPT = 4
_FATAL_ONLY = 4


class FinishedNetwork:
    """
    A network on a CPU whose weights do not change any more, in float32.

    Every input size has the rewritten network that an export has, which takes less than half the
    time in torch. A size of which many pixels come gets a graph, which ONNX Runtime computes
    in about half of that again, where it and onnx are installed. All of them agree within 1e-4.
    """

    def __init__(self, network: MultitaskSegformer) -> None:
        """
        Take a network; nothing is computed yet.

        :param network: Not changed.
        """
        self._network = network
        # The size that came last is at the end.
        self._sizes: dict[tuple[int, int], _Size] = {}
        self._exportable = all(importlib.util.find_spec(n) for n in ('onnx', 'onnxruntime'))
        self.uses_graphs = False
        """Whether ONNX Runtime has computed an image."""

    @torch.no_grad()
    def run(self, planes: Tensor) -> dict[str, Tensor]:
        """
        Compute all outputs, as MultitaskSegformer names them.

        :param planes: (1, 3, H, W) normalised, H and W multiples of 32.
        :raises ValueError: They are not.
        """
        height, width = planes.shape[-2:]
        size = self._sizes.pop((height, width), None)
        if size is None:
            size = _Size(rewrite(self._network, height, width, TORCH).float())
        self._sizes[height, width] = size
        if len(self._sizes) > _KEPT:
            del self._sizes[next(iter(self._sizes))]
        size.pixels += height * width
        if size.graph is None and self._exportable and size.pixels > _GRAPH_PIXELS:
            size.graph = _graph(self._network, size.module, planes)
        if size.graph is None:
            outputs: dict[str, Tensor] = size.module(planes)
            return outputs
        self.uses_graphs = True
        names = [item.name for item in size.graph.get_outputs()]
        values = size.graph.run(names, {'image': planes.numpy()})
        return {n: torch.from_numpy(v) for n, v in zip(names, values, strict=True)}


class _Size:
    """What there is of an input size, and how many pixels of it have come."""

    def __init__(self, module: RewrittenNetwork) -> None:
        self.module, self.pixels = module, 0
        self.graph: onnxruntime.InferenceSession | None = None


def _graph(
    network: MultitaskSegformer, module: RewrittenNetwork, planes: Tensor
) -> onnxruntime.InferenceSession:
    """Load a rewritten network, traced with one image, on as many threads as torch has."""
    # Both bring much, which few images do without.
    import onnxruntime
    from segformer_ros.export.onnx_graph import export_graph, output_names

    model = export_graph(module, planes, output_names(network))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = _FATAL_ONLY
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider']
    )
