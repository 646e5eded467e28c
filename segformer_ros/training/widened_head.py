# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A wider depth head that starts as a narrower one (Chen et al. 2016, arXiv:1511.05641)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_HEAD = 'depth_head.'
_LAST = f'{_HEAD}predict.weight'
_SCALE = f'{_HEAD}log_scale.'


def widen(found: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Put a 'glpn' depth head into a wider one that computes the same except for rounding.

    The first channels are those of the narrow head. The others keep their fresh weights, but what
    leads from them to the first channels and to the depth is zero until it is trained.

    :param found: Tensors of a network by name, as GlpnHead names them.
    :param fresh: Those of the network that is to start from it.
    :returns: The tensors of the wide head; none where it is not wider, or where it takes a stage
        of the encoder as it is which the narrow head has a convolution for (GLPN's head has none
        for a stage of its own width).
    """
    if _LAST not in found or _LAST not in fresh:
        return {}
    narrow_dim, wide_dim = found[_LAST].shape[1], fresh[_LAST].shape[1]
    own = {name: tensor for name, tensor in fresh.items() if name.startswith(_HEAD)}
    theirs = {name for name in found if name.startswith(_HEAD)}
    if narrow_dim >= wide_dim or not theirs <= own.keys():
        return {}
    return {name: _widened(name, found, tensor, narrow_dim) for name, tensor in own.items()}


def _widened(name: str, found: Mapping[str, Tensor], fresh: Tensor, narrow_dim: int) -> Tensor:
    if name in found:
        # The first convolution of a fusion reads two maps, one behind the other.
        return _placed(found[name], fresh, maps=2 if name.endswith('.conv1.weight') else 1)
    if name.startswith(_SCALE):
        return fresh.clone()
    # A convolution of a stage that the narrow head takes as it is.
    same = torch.eye(narrow_dim)[..., None, None]
    return _placed(same if fresh.dim() > 1 else torch.zeros(narrow_dim), fresh, maps=1)


def _placed(narrow: Tensor, fresh: Tensor, maps: int) -> Tensor:
    if narrow.dim() == 0:
        return narrow.clone()
    wide = fresh.clone()
    if narrow.dim() == 1:
        wide[: len(narrow)] = narrow
        return wide
    rows, columns, step = len(narrow), narrow.shape[1] // maps, fresh.shape[1] // maps
    wide[:rows] = 0.0
    for number in range(maps):
        part = narrow[:, number * columns : (number + 1) * columns]
        wide[:rows, number * step : number * step + columns] = part
    return wide
