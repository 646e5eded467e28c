# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The records of the manifest of a labelling: its inputs, their shards, and their states."""

from __future__ import annotations

from dataclasses import dataclass, field

from segformer_ros.fleet.inputs import Input

NEW, PENDING, RUNNING, DONE, FAILED = 'new', 'pending', 'running', 'done', 'failed'
SAME = 'same'
"""State of an input whose content another one has."""


@dataclass(frozen=True)
class Shard:
    """
    A part of an input.

    :param number: From 0, in the order of the input.
    :param first: Where it begins: a frame, or nanoseconds of a bag; None: where the input does.
    :param last: Where the next one begins; None: it goes up to the end.
    :param frames: How many there are: about, until it is done.
    """

    id: int
    input: int
    number: int
    first: int | None
    last: int | None
    frames: int = field(compare=False)


@dataclass(frozen=True)
class Known:
    """An input that the database knows, with the name of its results."""

    id: int
    input: Input
    name: str
    sha256: str
    state: str
    frames: int
    reason: str
