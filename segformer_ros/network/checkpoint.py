# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: safetensors files with one JSON text of facts in their metadata."""

from __future__ import annotations

from collections.abc import Mapping
import json
import os
from pathlib import Path
import stat
from typing import Any

from safetensors import safe_open, SafetensorError
from safetensors.torch import save_file
from segformer_ros.network.multitask import NetworkConfig
import torch
from torch import Tensor

_KEY = 'segformer_ros'
_LOSS = 'loss.'


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message says why."""


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """
    Write tensors and JSON facts; the file is replaced as a whole or not at all.

    :raises CheckpointError: A value is not finite, see check_finite; nothing is written.
    """
    check_finite(tensors, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_tensors(temporary, contiguous, {_KEY: json.dumps(facts)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """
    Write a safetensors file that others may read as far as the umask lets them.

    :param tensors: Contiguous.
    """
    path.unlink(missing_ok=True)
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    # safetensors writes a private file of its own in its place.
    save_file(dict(tensors), path, metadata=dict(metadata))
    path.chmod(mode)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """
    Read tensors and facts.

    :raises CheckpointError: There is no such file, it is damaged or not of this package, or a
        value is not finite.
    """
    if not path.is_file():
        raise CheckpointError(f'no checkpoint at {path}: give the .safetensors file of a training')
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'{path} is damaged or no safetensors file: {error}') from error
    if _KEY not in metadata:
        raise CheckpointError(
            f'{path} was not written by segformer train: its metadata lacks {_KEY!r}'
        )
    check_finite(tensors, path)
    return tensors, parse_facts(metadata[_KEY], path)


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """
    Refuse weights, averages and moments that are infinite or no number.

    What a loss remembers ('loss.') is not looked at: NaN says there that nothing was seen yet.

    :param path: The file, for messages.
    :raises CheckpointError: There are some; one sentence with the first name and how many.
    """
    bad = [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point()
        and not name.startswith(_LOSS)
        and not bool(torch.isfinite(tensor).all())
    ]
    if bad:
        more = f' and {len(bad) - 1} more tensors' if len(bad) > 1 else ''
        raise CheckpointError(
            f'{path}: expected finite weights, found infinity or NaN in {bad[0]}{more}: take an '
            'earlier file, or train again'
        )


def parse_facts(text: str, path: Path) -> dict[str, Any]:
    """
    Read the JSON text of facts.

    :param path: The file, for messages.
    :raises CheckpointError: It is no JSON object.
    """
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f'{path} has damaged facts: {error}') from error
    if not isinstance(facts, dict):
        raise CheckpointError(f'{path} has damaged facts: expected a JSON object')
    return facts


def config_of(facts: Mapping[str, Any], path: Path) -> NetworkConfig:
    """
    Take the description of the network from the facts of a file.

    :param path: The file, for messages.
    :raises CheckpointError: There is none, or it has fields that this release does not know.
    """
    if 'network' not in facts:
        raise CheckpointError(f'{path} lacks the description of its network')
    try:
        return NetworkConfig(**facts['network'])
    except TypeError as error:  # an unknown field, or no fields at all
        raise CheckpointError(
            f'{path} describes a network that this release does not know: {error}'
        ) from error
