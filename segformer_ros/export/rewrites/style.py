# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the rewrites a graph gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """
    What depends on the engine; the foldings are always done.

    :param banded: Interpolate with small matrices, a few rows of the image at a time, which
        makes the polyphase depth head possible. False: with Resize, as the network does.
    :param query_rows: Queries, over all heads, whose scores are held at once; 0: all.
    :param fused_attention: Use com.microsoft MultiHeadAttention, or the one operator of torch.
    """

    banded: bool = True
    query_rows: int = 4096
    fused_attention: bool = False


CPU = Style()
"""Standard operators, in pieces that stay in the caches of a CPU."""
ONNX_RUNTIME = Style(fused_attention=True)
TORCH = ONNX_RUNTIME
"""To be computed by torch itself, which has such an operator too."""
GPU = Style(banded=False, query_rows=0)
"""Few large operators: a GPU has the arithmetic to spare, and pays for each launch and byte."""
