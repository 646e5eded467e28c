# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read checkpoint files of any origin without running anything that is inside them."""

from __future__ import annotations

from collections.abc import Mapping
import contextlib
from dataclasses import dataclass, field
import hashlib
import json
import mmap
from pathlib import Path
import pickle
import pickletools
import re
from typing import Any
import warnings
import zipfile

from safetensors import safe_open, SafetensorError
from segformer_ros.checkpoints.prefixes import without_prefixes
from segformer_ros.file_hash import sha256_of
from segformer_ros.network.checkpoint import check_finite, CheckpointError
import torch
from torch import Tensor

CONFIG = 'config.json'
PROCESSOR = 'preprocessor_config.json'
SAFETENSORS = 'model.safetensors'
PICKLE = 'pytorch_model.bin'
INDEXES = (f'{SAFETENSORS}.index.json', f'{PICKLE}.index.json')
"""Which file has which weights, where transformers has written them in several."""
NATIVE_KEY = 'segformer_ros'
# Under which name files keep their weights among other things.
_STATES = ('state_dict', 'model', 'model_state_dict')


@dataclass(frozen=True)
class Raw:
    """
    A checkpoint as it lies on disk.

    :param path: The file or folder.
    :param tensors: Weights under the names of the file, floating ones as float32.
    :param sha256: Of the file with the weights; of several, of the lines that sha256sum writes.
    :param meta: What is next to the weights: the metadata of safetensors, 'meta' of a .pth file.
    :param config: config.json of a folder; None for a file.
    :param processor: preprocessor_config.json of a folder, empty when it has none.
    :param notes: What was left out or changed, in sentences.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    sha256: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    processor: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def open_checkpoint(path: Path) -> Raw:
    """
    Read a file, or a folder in the format of the Hugging Face hub.

    :raises CheckpointError: It is missing, damaged, no checkpoint, would run code, or holds a
        value that is not finite.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise CheckpointError(
            f'no checkpoint at {path}: give a file, a folder with config.json, or hf://org/name'
        )
    beside = path.parent
    if path.name in {SAFETENSORS, PICKLE, *INDEXES} and (beside / CONFIG).is_file():
        return _open_folder(beside)
    return _open_file(path)


def _open_folder(folder: Path) -> Raw:
    known = (SAFETENSORS, INDEXES[0], PICKLE, INDEXES[1])
    names = [name for name in known if (folder / name).is_file()]
    if not (folder / CONFIG).is_file() or not names:
        found = ', '.join(sorted(item.name for item in folder.iterdir())[:6]) or 'nothing'
        raise CheckpointError(
            f'{folder} is not a checkpoint: expected {CONFIG} and {SAFETENSORS}, {PICKLE} or '
            f'the index of several, found {found}; give the folder or the file with the weights'
        )
    open_one = _open_indexed if names[0] in INDEXES else _open_file
    file = open_one(folder / names[0])
    processor = folder / PROCESSOR
    return Raw(
        folder,
        file.tensors,
        file.sha256,
        file.meta,
        _read_json(folder / CONFIG),
        _read_json(processor) if processor.is_file() else {},
        file.notes,
    )


def _open_indexed(index: Path) -> Raw:
    """Read all files that an index names, which hold the weights that it says and no others."""
    places = _read_json(index).get('weight_map')
    if not isinstance(places, dict) or not places:
        raise CheckpointError(f'{index} is damaged: expected a weight_map of names and files')
    files: dict[str, Raw] = {}
    for name in dict.fromkeys(str(item) for item in places.values()):
        path = index.parent / name
        if path.name != name or not path.is_file():
            raise CheckpointError(
                f'{index} names the file {name!r}, expected one next to it: fetch it, too'
            )
        files[name] = _open_file(path, whole=False)
    tensors = {key: item for raw in files.values() for key, item in raw.tensors.items()}
    different = sorted(tensors.keys() ^ places.keys())
    if different:
        raise CheckpointError(
            f'{index} and its files do not hold the same weights: {", ".join(different[:3])} in '
            'one alone; fetch all of them again'
        )
    lines = ''.join(f'{raw.sha256}  {name}\n' for name, raw in sorted(files.items()))
    notes = dict.fromkeys(note for raw in files.values() for note in raw.notes)
    tensors, left_out = without_prefixes(tensors, index)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    meta = next(iter(files.values())).meta
    return Raw(index, tensors, digest, meta, notes=(*notes, *left_out))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f'{path} is damaged or no JSON: {error}') from error
    if not isinstance(content, dict):
        raise CheckpointError(f'{path} must hold a JSON object, not a {type(content).__name__}')
    return content


def _open_file(path: Path, *, whole: bool = True) -> Raw:
    """:param whole: It is no part of several, so that prefixes can be told."""
    read = _read_safetensors if path.suffix == '.safetensors' else _read_torch
    content, meta, notes = read(path)
    tensors = {name: _as_float32(path, name, item) for name, item in content.items()}
    check_finite(tensors, path)
    kinds = {str(item.dtype)[6:] for item in content.values() if item.is_floating_point()}
    changed = sorted(kinds - {'float32'})
    if changed:
        notes.append(f'the file stores {", ".join(changed)}; read as float32 without a loss')
    if whole:
        tensors, left_out = without_prefixes(tensors, path, native=NATIVE_KEY in meta)
        notes += left_out
    return Raw(path, tensors, sha256_of(path), meta, notes=tuple(notes))


def _as_float32(path: Path, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.dtype == torch.float32:
        return tensor
    single = tensor.float()
    if tensor.dtype == torch.float64 and not torch.equal(single.double(), tensor):
        raise CheckpointError(
            f'{path} stores {name} as float64 with more digits than float32 has: '
            'store the weights as float32'
        )
    return single


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    try:
        with safe_open(path, framework='pt') as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {}), []
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'{path} is damaged or no safetensors file: {error}') from error


def _read_torch(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    content = _unpickle(path)
    meta: dict[str, Any] = {}
    notes: list[str] = []
    if isinstance(content, Mapping) and isinstance(content.get('meta'), Mapping):
        meta = {str(name): value for name, value in content['meta'].items()}
    state = content
    for name in _STATES:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            beside = sorted(str(key) for key in state if key not in {name, 'meta'})
            if beside:
                notes.append(f'left out what lies next to the weights: {", ".join(beside)}')
            state = state[name]
            break
    if not isinstance(state, Mapping) or not all(isinstance(i, Tensor) for i in state.values()):
        raise CheckpointError(
            f'{path} holds no state dict: expected names and tensors, or them under '
            f'{", ".join(map(repr, _STATES))}, found {_kind(state)}'
        )
    return {str(name): item for name, item in state.items()}, meta, notes


def _kind(content: object) -> str:
    if not isinstance(content, Mapping):
        return f'a {type(content).__name__}'
    others = [str(name) for name, item in content.items() if not isinstance(item, Tensor)]
    return f'{", ".join(others[:4])} among them'


def _unpickle(path: Path) -> object:
    """
    Load with weights_only, and say which global makes that impossible.

    What torch raises of a damaged file has no class of its own: AssertionError, struct.error,
    TypeError and others were seen.
    """
    if path.suffix == '.onnx':
        raise CheckpointError(
            f'{path}: expected a checkpoint, found an ONNX graph: `segformer wrap` makes a bundle '
            'of it'
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            content: object = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        names = _unsafe_globals(path, str(error))
        if not names:
            raise CheckpointError(f'{path} is not a checkpoint of torch, or damaged') from error
        raise CheckpointError(
            f'{path} is refused: to load it would run {names}; have the program that wrote it '
            'save its state_dict alone'
        ) from error
    except Exception as error:
        raise CheckpointError(
            f'{path} is not a checkpoint of torch, or damaged: expected a file of torch.save'
        ) from error
    return content


def _unsafe_globals(path: Path, message: str) -> str:
    """Name what a pickle wants to import beyond tensors; empty when that is not the fault."""
    if _is_zip(path):
        with contextlib.suppress(Exception):
            return ', '.join(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
        return ''
    found = re.findall(r'GLOBAL (\S+) was not an allowed', message)
    return ', '.join(found or _imports(path))


def _is_zip(path: Path) -> bool:
    """Return whether it is an archive; one whose directory is damaged is one, too."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return True


def _imports(path: Path) -> list[str]:
    """List what a plain pickle imports, without loading it."""
    names, texts = [], ['', '']
    with (
        path.open('rb') as file,
        contextlib.suppress(ValueError),
        # A file gives memory for as many bytes as it is asked for, a map for those that it has.
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        # It calls read() and readline(), which a map has.
        for code, argument, _ in pickletools.genops(content):  # type: ignore[arg-type]
            if code.name == 'GLOBAL':
                names.append(str(argument).replace(' ', '.'))
            elif code.name == 'STACK_GLOBAL':
                names.append('.'.join(texts[-2:]))
            elif isinstance(argument, str):
                texts.append(argument)
    return names
