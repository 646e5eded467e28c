# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write a packed checkpoint to disk."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from segformer_ros.checkpoints.files import CONFIG, PROCESSOR, SAFETENSORS
from segformer_ros.checkpoints.formats.base import Packed
from segformer_ros.network import checkpoint
from segformer_ros.network.checkpoint import CheckpointError
import torch

_NATIVE_SUFFIX = '.safetensors'


def check_name(packed: Packed, path: Path) -> None:
    """
    Refuse a name that the result cannot have.

    :raises CheckpointError: It is taken, or its suffix belongs to another kind of file.
    """
    if path.exists():
        raise CheckpointError(f'{path} exists: remove it or choose another name')
    if packed.native and path.suffix != _NATIVE_SUFFIX:
        raise CheckpointError(f'expected a name that ends in {_NATIVE_SUFFIX}, got {path.name}')
    if not packed.native and path.suffix == _NATIVE_SUFFIX:
        kind = 'a folder' if packed.config is not None else 'a file of torch (.pth)'
        raise CheckpointError(f'this format is {kind}, got the name {path.name}')


def write(packed: Packed, path: Path) -> None:
    """Write the file or the folder."""
    tensors = {name: item.detach().contiguous() for name, item in packed.tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    if packed.native:
        checkpoint.write(path, tensors, packed.meta)
    elif packed.config is None:
        wrapped = {'meta': dict(packed.meta), 'state_dict': tensors}
        torch.save(wrapped if packed.wrapped else tensors, path)
    else:
        path.mkdir()
        checkpoint.save_tensors(path / SAFETENSORS, tensors, {'format': 'pt'})
        _write_json(path / CONFIG, packed.config)
        if packed.processor:
            _write_json(path / PROCESSOR, packed.processor)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(f'{json.dumps(content, indent=2, ensure_ascii=False)}\n', encoding='utf-8')
