# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What wrappers of a network put in front of the names of its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from segformer_ros.network.checkpoint import CheckpointError
from torch import Tensor

COMPILED = '_orig_mod.'
PREFIXES = ('module.', COMPILED, 'model.')
"""Of DataParallel and DistributedDataParallel, torch.compile, and Lightning and many others."""


def without_prefixes(
    tensors: Mapping[str, Tensor], path: Path, *, native: bool = False
) -> tuple[dict[str, Tensor], list[str]]:
    """
    Take away what every name begins with, and the mark of compiled parts wherever it is.

    :param path: The file, for messages.
    :param native: Of this package, whose files to resume from mean something by 'model.'.
    :returns: The tensors, and sentences on what was taken away.
    :raises CheckpointError: Two weights would have the same name then.
    """
    found, left_out = dict(tensors), []
    known = PREFIXES[:2] if native else PREFIXES
    while found:
        prefix = next((p for p in known if all(name.startswith(p) for name in found)), None)
        if prefix is None:
            break
        found = {name[len(prefix) :]: tensor for name, tensor in found.items()}
        left_out.append(prefix)
    if any(COMPILED in name for name in found):
        found = {name.replace(COMPILED, ''): tensor for name, tensor in found.items()}
        left_out.append(COMPILED)
    if len(found) != len(tensors):
        raise CheckpointError(
            f'{path} has weights of the same name with and without {COMPILED!r}: save the '
            'state_dict of the network alone'
        )
    notes = [f'names without what a wrapper put there: {" ".join(left_out)}'] if left_out else []
    return found, notes


def hint(names: Iterable[str]) -> str:
    """Return a clause on a prefix that many names of an unknown file share; empty: none."""
    names = list(names)
    for prefix in PREFIXES:
        count = sum(name.startswith(prefix) for name in names)
        if 2 * count > len(names):
            return (
                f'; {count} of its {len(names)} names begin with {prefix!r}: save the state_dict '
                'of that part alone'
            )
    return ''
