# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle on disk: finding, reading, checking and writing its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
import shlex
import shutil
import tempfile
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from segformer_ros import interrupts
from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.external_weights import check_weights_of_graph
from segformer_ros.bundle.golden import golden_image, unpack_golden
from segformer_ros.bundle.graphs import InputSize, SCRIPT
from segformer_ros.bundle.manifest import FORMAT_VERSION, Manifest
from segformer_ros.bundle.parsing import parse
from segformer_ros.file_hash import sha256_of
from segformer_ros.nearest import did_you_mean

MODELS = Path(__file__).resolve().parents[1] / 'models'
"""The folder of the bundles that ship with the package."""

MANIFEST = 'manifest.json'
_WEIGHTS = ('*.safetensors', '*.bin', '*.pth', '*.pt', '*.ckpt')
_COPY_AGAIN = 'copy the bundle again or export the network again'


@dataclass(frozen=True)
class Bundle:
    """
    A checked bundle: its folder and its manifest.

    networks are the bundles of a bundle of two networks by their task, empty for one network. The
    manifest then says of both what it says of one; input sizes and the like are those of labels.
    """

    path: Path
    manifest: Manifest
    networks: Mapping[str, Bundle] = field(default_factory=dict)

    def parts(self) -> tuple[Bundle, ...]:
        """Return its networks, each a bundle of one: both, or itself."""
        return tuple(self.networks.values()) or (self,)

    def file(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.path / name

    def golden(
        self, size: InputSize
    ) -> tuple[npt.NDArray[np.uint8], dict[str, npt.NDArray[np.float32]]]:
        """
        Return the golden input of an input size and the outputs that belong to it.

        :returns: (H, W, 3) RGB, and the raw outputs of the network by name, (1, C, h, w) each.
        :raises BundleError: The file of outputs is damaged.
        """
        outputs = self.golden_outputs(size)
        return golden_image(size.golden_seed, size.height, size.width), outputs

    def golden_outputs(self, size: InputSize) -> dict[str, npt.NDArray[np.float32]]:
        """
        Return what golden says of the outputs, without making the image.

        :raises BundleError: The file of outputs is damaged.
        """
        path = self.file(size.golden_outputs)
        return unpack_golden(path, self.manifest.output_shapes(size))


def known_names() -> tuple[str, ...]:
    """Return the names of the bundles that ship with the package."""
    return tuple(sorted(path.parent.name for path in MODELS.glob(f'*/{MANIFEST}')))


def find(model: str | Path) -> Path:
    """
    Find a bundle.

    :param model: Name of a bundle that ships with the package, or path of a folder.
    :raises BundleError: There is neither, or it is a checkpoint.
    """
    text = os.fspath(model)
    if text in known_names():
        return MODELS / text
    path = Path(text).expanduser()
    if is_checkpoint(text) and (not path.is_file() or f'*{path.suffix}' in _WEIGHTS):
        do = f'export it first: segformer export {shlex.quote(text)} OUT'
        raise BundleError(text, expected='a bundle', found='a checkpoint', do=do)
    if text and path.is_dir():
        return path
    near = did_you_mean(text, known_names())
    names = ', '.join(known_names()) or 'no names are known'
    expected = f'the folder of a bundle or a name it ships under ({names})'
    raise BundleError(
        f'bundle {text!r}',
        expected=expected,
        found='neither',
        do=f'check the name or the path{near}',
    )


def is_checkpoint(model: str) -> bool:
    """Return whether this is a checkpoint or its address on the hub, not a bundle or its name."""
    path = Path(model).expanduser()
    if model.startswith('hf://') or path.is_file():
        return True
    if not path.is_dir() or (path / MANIFEST).is_file() or any(path.glob('*.onnx')):
        return False
    return any(any(path.glob(pattern)) for pattern in _WEIGHTS)


def read(path: str | Path, *, verify: bool = True) -> Bundle:
    """
    Read and check a bundle.

    :param path: Its folder.
    :param verify: Compare the sha256 of every file; False checks only that the files are there.
    :raises BundleError: The bundle is missing, incomplete, damaged or of another format.
    """
    folder = Path(path)
    try:
        content = _load(folder)
        if isinstance(content, dict) and 'networks' in content:
            from segformer_ros.bundle.pair import read_pair

            return read_pair(folder, content, verify=verify)
        manifest = parse(content, folder / MANIFEST)
        for name, expected in manifest.files.items():
            _check_file(folder / name, expected if verify else None)
        _refuse_others(folder, manifest)
        for size in manifest.input_sizes:
            for graph in size.graphs:
                if graph.target != SCRIPT:
                    check_weights_of_graph(folder / graph.file, manifest.files)
    except OSError as error:
        found = f'{type(error).__name__}: {error.strerror}'
        do = 'check its permissions and the disk'
        raise BundleError(folder, expected='files to read', found=found, do=do) from error
    return Bundle(folder, manifest)


def write(
    path: str | Path, manifest: Mapping[str, Any], files: Mapping[str, Path | bytes]
) -> Bundle:
    """
    Write a bundle; it is there as a whole or not at all.

    :param path: Its folder; a bundle that is already there is replaced.
    :param manifest: What manifest.json shall hold, without format_version and files.
    :param files: Files next to the manifest by name: the path to copy from, or the content.
    :raises BundleError: The manifest is not right, or another folder is in the way.
    """
    folder = Path(path).absolute()
    refuse_what_is_in_the_way(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f'.{folder.name}.', dir=folder.parent) as name:
        fresh = Path(name) / 'new'
        fresh.mkdir()
        _fill(fresh, manifest, files)
        facts = read(fresh, verify=False).manifest
        put_in_place(fresh, folder)
    return Bundle(folder, facts)


def put_in_place(fresh: Path, folder: Path) -> None:
    """
    Move a bundle to its folder; one that is there stays, until the new one has its place.

    :param fresh: In a folder that is removed afterwards, with the former bundle.
    :raises OSError: It cannot be moved; nothing is changed.
    """
    with interrupts.held():
        former = fresh.with_name('old')
        replaces = folder.exists()
        if replaces:
            folder.rename(former)
        try:
            fresh.rename(folder)
        except OSError:
            if replaces:
                former.rename(folder)
            raise


def refuse_what_is_in_the_way(folder: Path) -> None:
    """
    Refuse to replace anything but a bundle.

    :raises BundleError: There is something else.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        found, do = 'something that is not a bundle', 'move it away or choose another path'
        raise BundleError(folder, expected='nothing or a bundle', found=found, do=do)


def _fill(folder: Path, manifest: Mapping[str, Any], files: Mapping[str, Path | bytes]) -> None:
    hashes = dict.fromkeys(sorted(files), '0' * 64)
    content = {'format_version': FORMAT_VERSION, **manifest, 'files': hashes}
    parse(content)
    for name in hashes:
        source = files[name]
        if isinstance(source, bytes):
            (folder / name).write_bytes(source)
        else:
            shutil.copyfile(source, folder / name)
        hashes[name] = sha256_of(folder / name)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(f'{text}\n', encoding='utf-8')


def _check_file(file: Path, expected: str | None) -> None:
    if not file.is_file():
        raise BundleError(file, expected='a file', found='none', do=_COPY_AGAIN)
    found = sha256_of(file) if expected is not None else None
    if found != expected:
        raise BundleError(
            file,
            expected=f'sha256 {str(expected)[:12]}...',
            found=f'{str(found)[:12]}... in {file.stat().st_size} bytes',
            do=_COPY_AGAIN,
        )


def _refuse_others(folder: Path, manifest: Manifest) -> None:
    """Refuse files without a sha256: a graph could take its weights from there."""
    for file in sorted(folder.iterdir()):
        known = file.name == MANIFEST or file.name in manifest.files
        if not known and file.is_file() and not file.name.startswith('.'):
            expected, do = 'only files that the manifest names', 'remove it'
            raise BundleError(folder, expected=expected, found=file.name, do=do)


def _load(folder: Path) -> object:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BundleError(folder, expected='a folder', found='none', do='check the path')
    if not path.is_file():
        found, do = 'a folder without it', 'check the path or export the network again'
        raise BundleError(folder, expected=MANIFEST, found=found, do=do)
    try:
        content: object = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        found = f'a file that cannot be read ({str(error).splitlines()[0]})'
        raise BundleError(path, expected='JSON', found=found, do=_COPY_AGAIN) from error
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not a JSON number')
