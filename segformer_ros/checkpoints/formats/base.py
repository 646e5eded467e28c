# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a format of checkpoints is: what it holds, how it is read and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.links import Link
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.normalization import MEAN, STD
from torch import Tensor


@dataclass(frozen=True)
class Options:
    """What a person says of a file because the file does not."""

    max_depth_m: float | None = None
    label_set: str | None = None
    licence: str | None = None
    backbone_prefix: bool = False


@dataclass(frozen=True)
class Guess:
    """
    What a file would be in one format, whether it is complete or not.

    :param links: Of every weight that such a file has.
    :param ignored: Names of weights that may be there and that no output depends on.
    :param facts: What the file says, without the facts of the network and of the file itself.
    :param assumed: Facts that hold as long as nothing else is known.
    :param carried: What this package wrote next to the weights; see carry.
    :param refusal: Why a complete file of this format still cannot be read.
    """

    config: NetworkConfig
    links: Sequence[Link]
    ignored: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = field(default_factory=dict)
    assumed: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    carried: object = None
    refusal: str | None = None


@dataclass(frozen=True)
class Packed:
    """
    What is to be written.

    :param tensors: Under the names of the format.
    :param meta: 'meta' of a .pth file, facts of a native one.
    :param wrapped: Whether a .pth file has its weights under 'state_dict' next to 'meta'.
    :param config: config.json; with it a folder is written, else a file.
    """

    tensors: Mapping[str, Tensor]
    meta: Mapping[str, Any] = field(default_factory=dict)
    wrapped: bool = True
    native: bool = False
    config: Mapping[str, Any] | None = None
    processor: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """
    One format.

    :param eps: norm_eps and embed_norm_eps that the program of this format computes with; None
        where the file says it.
    :param plain_input: Whether its program feeds images of 0 to 1 without further normalisation.
    :param guess: Reads the shape of the network off names and shapes; None when nothing fits.
    :param cannot: Why a network cannot be written in this format; None when it can. It need not
        look at what eps and plain_input say.
    """

    name: str
    eps: tuple[float, float] | None
    guess: Callable[[Raw, Options], Guess | None]
    cannot: Callable[[NetworkConfig, Mapping[str, Any]], str | None]
    pack: Callable[[Model, Options], Packed]
    plain_input: bool = False


def eps_fields(eps: tuple[float, float]) -> dict[str, Any]:
    """Return norm_eps and embed_norm_eps of a NetworkConfig as it is usually written."""
    return {'norm_eps': eps[0], 'embed_norm_eps': None if eps[1] == eps[0] else eps[1]}


def rows(tensors: Mapping[str, Tensor], *names: str) -> int:
    """Return the output channels of the first of some weights that is there; else 1."""
    shapes = (tensors[name].shape for name in names if name in tensors)
    return next((shape[0] for shape in shapes if shape), 1)


def unless(value: int, published: int) -> int | None:
    """Return a number of channels; None when it is the published one."""
    return None if value == published else value


IMAGENET: Mapping[str, Any] = {'mean': list(MEAN), 'std': list(STD)}
