# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of label and depth images a loss looks at, and the network's values there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Grid:
    """Every stride-th pixel per side, from row top and column left on."""

    stride: int = 1
    top: int = 0
    left: int = 0

    def take(self, x: Tensor) -> Tensor:
        """Keep these pixels of (N, H, W) or (N, C, H, W)."""
        return x[..., self.top :: self.stride, self.left :: self.stride]


def draw_grid(stride: int, generator: torch.Generator) -> Grid:
    """Draw one of the stride x stride grids; images smaller than it must not be asked for."""
    top, left = torch.randint(stride, (2,), generator=generator).tolist()
    return Grid(stride, top, left)


def resample(x: Tensor, size: tuple[int, int], grid: Grid) -> Tensor:
    """
    Upsample maps bilinearly, but compute the pixels of a grid only.

    :param x: (N, C, h, w).
    :param size: (H, W) of the image that the grid is laid on.
    :returns: (N, C, H', W'), what grid.take would keep of the (N, C, H, W).
    """
    if grid.stride == 1:
        return functional.interpolate(x, size=size, mode='bilinear', align_corners=False)
    rows = _bilinear_matrix(x.shape[-2], size[0], grid.top, grid.stride, x)
    columns = _bilinear_matrix(x.shape[-1], size[1], grid.left, grid.stride, x)
    return rows @ (x @ columns.T)


def _bilinear_matrix(count: int, full: int, first: int, stride: int, like: Tensor) -> Tensor:
    """Return (full / stride, count): the shares of count samples in the pixels of the grid."""
    pixels = torch.arange(first, full, stride, device=like.device)
    places = ((pixels + 0.5) * (count / full) - 0.5).clamp(0.0, count - 1.0)
    # A sample counts by its nearness, and not at all from one sample away.
    distance = places[:, None] - torch.arange(count, device=like.device)
    return (1.0 - distance.abs()).clamp(min=0.0).to(like.dtype)


def cell_stride(size: tuple[int, int], cells: tuple[int, int]) -> int:
    """
    Return how many pixels per side one value of the network stands for.

    :param size: (H, W) of the image.
    :param cells: (h, w) of the network's map, ceil(H / s) and ceil(W / s).
    :raises ValueError: No s fits both sides.
    """
    stride = max(-(-side // count) for side, count in zip(size, cells, strict=True))
    if tuple(-(-side // stride) for side in size) != tuple(cells):
        raise ValueError(
            f'expected a map of {size[0]}x{size[1]} pixels divided by one stride, '
            f'got {cells[0]}x{cells[1]}'
        )
    return stride


def pick(x: Tensor, grid: Grid, cells: tuple[int, int]) -> Tensor:
    """
    Take one pixel of each cell of (N, H, W).

    :returns: (N, *cells), NaN where the last cell of a side ends before its pixel.
    """
    taken = grid.take(x)
    missing = (0, cells[1] - taken.shape[-1], 0, cells[0] - taken.shape[-2])
    return functional.pad(taken, missing, value=torch.nan) if any(missing) else taken
