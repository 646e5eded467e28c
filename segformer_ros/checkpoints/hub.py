# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the Hugging Face hub: hf://org/name, optionally @revision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import re

from segformer_ros.checkpoints.files import CONFIG, INDEXES, PROCESSOR
from segformer_ros.network.checkpoint import CheckpointError

SCHEME = 'hf://'
_ADDRESS = re.compile(r'hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?')


@dataclass(frozen=True)
class Address:
    """One repository at one revision: a branch, a tag or a commit; None is its main branch."""

    name: str
    revision: str | None = None

    def __str__(self) -> str:
        """Write it without the revision."""
        return f'{SCHEME}{self.name}'


def parse(source: str | Path) -> Address | None:
    """
    Read an address; None when it is a path.

    :raises CheckpointError: It starts like an address and is none.
    """
    text = str(source)
    if not isinstance(source, str) or not text.startswith(SCHEME):
        return None
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise CheckpointError(f'expected hf://org/name or hf://org/name@revision, got {text!r}')
    return Address(found[1], found[2])


def download(address: Address) -> Path:
    """
    Fetch a checkpoint, or take it from the cache when it is there or the machine is offline.

    Only description and weights are fetched, the pickle only where there are no safetensors.

    :returns: A folder whose name is the commit.
    :raises CheckpointError: There is no such repository or revision, or no network and no copy.
    """
    wanted = [CONFIG, PROCESSOR, '*.safetensors', INDEXES[0]]
    folder = _fetch(address, address.revision, wanted)
    if not any(folder.glob('*.safetensors')):
        folder = _fetch(address, folder.name, [*wanted, 'pytorch_model*.bin', INDEXES[1]])
    return folder


def _fetch(address: Address, revision: str | None, wanted: list[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    def snapshot(*, local: bool) -> Path:
        return Path(
            snapshot_download(
                address.name, revision=revision, allow_patterns=wanted, local_files_only=local
            )
        )

    try:
        return snapshot(local=False)
    except errors.GatedRepoError as error:
        do = 'accept its terms on huggingface.co and log in with `hf auth login`'
        raise CheckpointError(f'{address} is closed: {do}') from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointError(f'{address} has no revision {revision!r}') from error
    except errors.RepositoryNotFoundError as error:
        raise CheckpointError(
            f'{address} does not exist on the hub, or needs a login: `hf auth login`'
        ) from error
    except (errors.HfHubHTTPError, errors.HFValidationError) as error:
        text = ' '.join(str(error).split())[:200]
        raise CheckpointError(f'{address} cannot be fetched: {text}') from error
    except (errors.HTTPError, OSError) as error:
        # A commit is looked for on the hub even where the cache has it.
        try:
            return snapshot(local=True)
        except errors.LocalEntryNotFoundError:
            at = f' at {revision}' if revision else ''
            raise CheckpointError(
                f'{address}{at} is not in the cache and the hub cannot be reached: connect once, '
                'or copy the files and give their folder'
            ) from error
