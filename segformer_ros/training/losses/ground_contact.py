# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Depth of what stands on the road, where only labels are known.

The depth that the network gives the road of an image is fitted by a plane; a vehicle is as far as
the road where it touches it. So labels alone teach the depth of near vehicles, and nothing of the
camera has to be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import NamedTuple

from segformer_ros.labels import VOID
import torch
from torch import Tensor
from torch.nn import functional

_LEAST_PIXELS = 48
_ROUNDS = 4
# Of the residuals, relative: beyond, a pixel of the road counts less and less (Cauchy's weight).
_SPREAD = 0.1
_RIDGE = 1e-4
# Rows of unknown label that may lie between a vehicle and the road.
_GAP = 3


@dataclass(frozen=True)
class GroundContactConfig:
    """
    The loss of what stands on the road, in pixels without a depth.

    :param factor: Of the mean absolute error of the log depth.
    :param ground: Classes of the plane, by name.
    :param standing: Classes that stand on it.
    :param height_m: Up to this height above the contact a thing is taken to be as far as it.
    :param max_depth_m: Contacts beyond it are ignored.
    """

    factor: float = 0.5
    ground: tuple[str, ...] = ('road', 'road_line')
    standing: tuple[str, ...] = ('car', 'truck', 'bus')
    height_m: float = 1.2
    max_depth_m: float = 50.0

    def __post_init__(self) -> None:
        """
        Refuse what teaches nothing.

        :raises ValueError: A value is out of its range, or no class is named.
        """
        for name in ('factor', 'height_m', 'max_depth_m'):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be above 0, got {getattr(self, name)}')
        if not self.ground or not self.standing:
            raise ValueError('ground and standing must name one class or more each')


class Plane(NamedTuple):
    """1 / depth is a + b y + c x of the (N, 3) coefficients, where (N,) says one was found."""

    coefficients: Tensor
    found: Tensor


class GroundContact:
    """The loss for the channels of one network."""

    def __init__(
        self, config: GroundContactConfig, class_names: Sequence[str], focal_length_px: float
    ) -> None:
        """
        Look the classes up.

        :param focal_length_px: The canonical one, that depth is trained for.
        :raises ValueError: The network has none of the classes that are named.
        """
        self.config, self._focal_px = config, focal_length_px
        self._ground, self._standing = (
            _known(class_names, names) for names in (config.ground, config.standing)
        )

    def __call__(
        self, log_depth: Tensor, labels: Tensor, unknown: Tensor, stride: int
    ) -> tuple[Tensor, Tensor]:
        """
        Compare things with the road below them.

        :param log_depth: (N, h, w) canonical log metres of the network; what is far from the road
            learns, the road itself does not.
        :param labels: (N, h, w) channel numbers of the same cells, 255 where unknown.
        :param unknown: (N, h, w) true where no depth is known.
        :param stride: Pixels of a cell.
        :returns: The mean error, 0 where there is none, and (N, h, w) the pixels it is of.
        """
        config = self.config
        ground, standing = _members(labels, self._ground), _members(labels, self._standing)
        with torch.no_grad():
            plane = fit_plane(log_depth, ground)
            row = contact_rows(ground, standing, labels == VOID)
            inverse = _at(plane, row)
            near = inverse > 1.0 / config.max_depth_m
            inverse = torch.where(near, inverse, 1.0)
            # A metre is focal / depth pixels high, here in cells.
            above = row - torch.arange(row.shape[1], device=row.device)[:, None]
            low = above <= config.height_m * self._focal_px / stride * inverse
            valid = plane.found[:, None, None] & near & low & standing & unknown
        error = torch.where(valid, log_depth + inverse.log(), 0.0).abs()
        return error.sum() / valid.sum().clamp(min=1), valid


def _known(class_names: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    numbers = tuple(class_names.index(name) for name in names if name in class_names)
    if not numbers:
        raise ValueError(
            f'expected one of {", ".join(names)} among the classes of the network for '
            f'loss.depth.contact, got {", ".join(class_names)}'
        )
    return numbers


def _members(labels: Tensor, numbers: tuple[int, ...]) -> Tensor:
    return torch.stack([labels == number for number in numbers]).any(dim=0)


def _places(h: int, w: int, like: Tensor) -> tuple[Tensor, Tensor]:
    y = (torch.arange(h, device=like.device, dtype=like.dtype) + 0.5) / h - 0.5
    x = (torch.arange(w, device=like.device, dtype=like.dtype) + 0.5) / w - 0.5
    return y[:, None].expand(h, w), x[None].expand(h, w)


def fit_plane(log_depth: Tensor, ground: Tensor) -> Plane:
    """
    Fit 1 / depth of the ground, which is linear in the pixels of a plane, by least squares.

    Relative errors count, and outliers less from round to round.

    :param log_depth: (N, h, w) log metres.
    :param ground: (N, h, w) true where the plane is seen.
    """
    count, h, w = log_depth.shape
    y, x = _places(h, w, log_depth)
    basis = torch.stack([torch.ones_like(y), y, x], dim=-1).reshape(-1, 3)
    inverse = (-log_depth).exp().flatten(1).clamp(1e-4, 1e3)
    known = ground.flatten(1).to(inverse.dtype)
    weight = known / inverse.square()
    ridge = torch.diag(inverse.new_tensor([0.0, 0.0, _RIDGE]))
    found = (known.sum(dim=1) >= _LEAST_PIXELS) & (ground.any(dim=2).sum(dim=1) >= 4)
    coefficients = inverse.new_zeros(count, 3)
    for _ in range(_ROUNDS):
        scaled = weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-9)
        normal = torch.einsum('np,pi,pj->nij', scaled, basis, basis) + ridge
        normal = normal + 1e-7 * torch.eye(3, dtype=normal.dtype, device=normal.device)
        right = torch.einsum('np,np,pi->ni', scaled, inverse, basis)
        coefficients = torch.linalg.solve(normal, right)
        residual = (coefficients @ basis.T - inverse) / inverse
        weight = known / inverse.square() / (1.0 + (residual / _SPREAD).square())
    fits = (residual.abs() < 2.5 * _SPREAD).to(known.dtype) * known
    good = fits.sum(dim=1) >= 0.5 * known.sum(dim=1)
    return Plane(coefficients, found & good & (coefficients[:, 1] > 0.0))


def contact_rows(ground: Tensor, standing: Tensor, void: Tensor) -> Tensor:
    """
    Find where the thing at each pixel meets the ground below it.

    :param ground: (N, h, w) likewise standing and void, where the label is unknown: a few such
        rows may lie between both, and any within a thing.
    :returns: (N, h, w) row of the contact, fractional; NaN where there is none, or no thing.
    """
    rows = ground.shape[1]
    nothing = torch.full_like(ground[:, 0], torch.nan, dtype=torch.float32)
    # The last ground row seen going up, how many rows ago, and the contact of a thing begun.
    last, contact = nothing.clone(), nothing.clone()
    result = []
    for y in range(rows - 1, -1, -1):
        g, s, v = ground[:, y], standing[:, y], void[:, y]
        start = torch.where(last - y <= _GAP + 1, (last + y) / 2.0, nothing)
        contact = torch.where(s & contact.isnan(), start, contact)
        contact = torch.where(s | v, contact, nothing)
        last = torch.where(g, float(y), torch.where(v, last, nothing))
        result.append(torch.where(s, contact, nothing))
    return torch.stack(result[::-1], dim=1)


def _at(plane: Plane, row: Tensor) -> Tensor:
    """Return 1 / depth of the plane at a row of each pixel's column; 0 where it is NaN."""
    h, w = row.shape[1:]
    _, x = _places(h, w, row)
    a, b, c = (value[:, None, None] for value in plane.coefficients.float().unbind(dim=1))
    return torch.nan_to_num(a + b * ((row + 0.5) / h - 0.5) + c * x, nan=0.0)


def cells(labels: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
    """Take the middle pixel of each cell of (N, H, W); the last ones may be unknown."""
    middle = stride // 2
    taken = labels[:, middle::stride, middle::stride]
    missing = (0, size[1] - taken.shape[2], 0, size[0] - taken.shape[1])
    return functional.pad(taken, missing, value=VOID)
