# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the weights of another format are ours under other names, read in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

COUNTER = 'num_batches_tracked'
WEIGHT_BIAS = ('weight', 'bias')
BATCH_NORM = ('weight', 'bias', 'running_mean', 'running_var', COUNTER)


@dataclass(frozen=True)
class Link:
    """
    The same numbers here and there: ours concatenated are theirs concatenated.

    :param our_shares: How many equal pieces of the whole each of ours has; so theirs.
    :param as_convolution: Theirs is (O, I, 1, 1) where ours is (O, I).
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    our_shares: tuple[int, ...] = (1,)
    their_shares: tuple[int, ...] = (1,)
    as_convolution: bool = False

    @property
    def may_lack(self) -> bool:
        """Whether old files lack it: torch counts the batches of a norm since 0.4.1."""
        return self.theirs[0].endswith(COUNTER)


def layer(
    ours: str, theirs: str, leaves: Sequence[str] = WEIGHT_BIAS, *, as_convolution: bool = False
) -> list[Link]:
    """Link the weights of one layer to those of one layer."""
    return [
        Link(
            (f'{ours}.{leaf}',),
            (f'{theirs}.{leaf}',),
            as_convolution=as_convolution and leaf == 'weight',
        )
        for leaf in leaves
    ]


def _redivide(parts: Sequence[Tensor], shares: tuple[int, ...]) -> Sequence[Tensor]:
    """Concatenate along the first dimension and divide again; one to one stays untouched."""
    if len(parts) == len(shares) == 1:
        return parts
    whole = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
    piece = whole.shape[0] // sum(shares)
    sizes = [piece * share for share in shares[:-1]]
    divided = torch.split(whole, [*sizes, whole.shape[0] - sum(sizes)])
    return [item.clone() for item in divided]


def to_ours(links: Iterable[Link], theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights our names; a counter of batches that an old file lacks is 0."""
    tensors: dict[str, Tensor] = {}
    for link in links:
        if link.may_lack and link.theirs[0] not in theirs:
            tensors[link.ours[0]] = torch.zeros((), dtype=torch.int64)
            continue
        parts = [theirs[name] for name in link.theirs]
        if link.as_convolution:
            parts = [item.flatten(1) for item in parts]
        tensors.update(zip(link.ours, _redivide(parts, link.our_shares), strict=True))
    return tensors


def to_theirs(links: Iterable[Link], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights their names."""
    tensors: dict[str, Tensor] = {}
    for link in links:
        parts = _redivide([ours[name] for name in link.ours], link.their_shares)
        if link.as_convolution:
            parts = [item[:, :, None, None] for item in parts]
        tensors.update(zip(link.theirs, parts, strict=True))
    return tensors
