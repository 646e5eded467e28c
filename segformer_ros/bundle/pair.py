# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two networks in one bundle: whole bundles in its folders, and a manifest that names both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import json
from pathlib import Path
import shutil
import tempfile
from typing import Any

from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.fields import Fields
from segformer_ros.bundle.folder import (
    Bundle,
    MANIFEST,
    put_in_place,
    read,
    refuse_what_is_in_the_way,
)
from segformer_ros.bundle.manifest import Arithmetic, FORMAT_VERSION, Manifest
from segformer_ros.bundle.parsing import check_version
from segformer_ros.file_hash import sha256_of

FOLDERS = {'segmentation': 'labels', 'depth': 'depth'}
"""Of the network that does a task."""


def read_pair(folder: Path, content: Mapping[str, Any], *, verify: bool) -> Bundle:
    """
    Read and check both networks.

    :param content: What its manifest.json holds.
    :param verify: As of folder.read.
    :raises BundleError: A network is missing, damaged, another one, or lacks its task.
    """
    where = folder / MANIFEST
    fields = Fields(content, where)
    check_version(fields, where)
    fields.only(('format_version', 'name', 'networks'), complete=True)
    listed = fields.inner('networks')
    listed.only(FOLDERS, complete=True)
    networks = {}
    for task, name in FOLDERS.items():
        part = folder / name
        if verify and (part / MANIFEST).is_file():
            found = sha256_of(part / MANIFEST)
            if found != listed.text(task):
                raise BundleError(
                    part,
                    expected=f'a manifest of sha256 {listed.text(task)[:12]}...',
                    found=f'{found[:12]}...',
                    do='copy the bundle again or export the network again',
                )
        networks[task] = read(part, verify=verify)
        tasks = networks[task].manifest.tasks
        if task not in tasks or networks[task].networks:
            do = 'export the network again'
            raise BundleError(part, expected=f'a network for {task}', found=str(tasks), do=do)
    _refuse_others(folder)
    return Bundle(folder, _together(fields.text('name'), networks), networks)


def write_pair(path: Path, labels: Bundle, depth: Bundle) -> Bundle:
    """
    Write a bundle of two; it is there as a whole or not at all.

    :param path: Its folder; a bundle that is already there is replaced.
    :param labels: Its network of labels, copied.
    :param depth: Its network of depth, copied.
    :raises BundleError: A network lacks its task, or another folder is in the way.
    """
    folder = path.absolute()
    refuse_what_is_in_the_way(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f'.{folder.name}.', dir=folder.parent) as name:
        fresh = Path(name) / 'new'
        fresh.mkdir()
        hashes = {}
        for task, part in (('segmentation', labels), ('depth', depth)):
            target = fresh / FOLDERS[task]
            target.mkdir()
            for file in (MANIFEST, *part.manifest.files):
                shutil.copyfile(part.file(file), target / file)
            hashes[task] = sha256_of(target / MANIFEST)
        content = {'format_version': FORMAT_VERSION, 'name': folder.name, 'networks': hashes}
        (fresh / MANIFEST).write_text(f'{json.dumps(content, indent=2)}\n', encoding='utf-8')
        read(fresh)
        put_in_place(fresh, folder)
    return read(folder, verify=False)


def _refuse_others(folder: Path) -> None:
    known = {MANIFEST, *FOLDERS.values()}
    for file in sorted(folder.iterdir()):
        if file.name not in known and not file.name.startswith('.'):
            expected, do = f'{", ".join(known)} alone', 'remove it'
            raise BundleError(folder, expected=expected, found=file.name, do=do)


def _together(name: str, networks: Mapping[str, Bundle]) -> Manifest:
    """Merge two manifests; facts of the input are those of the label network."""
    labels, depth = networks['segmentation'].manifest, networks['depth'].manifest
    costs = Arithmetic(
        {
            f'{FOLDERS[task]} {part}': count
            for task, network in networks.items()
            for part, count in network.manifest.arithmetic.parameters.items()
        },
        {},
    )
    return replace(
        labels,
        name=name,
        tasks=tuple(networks),
        depth=depth.depth,
        depth_range_m=depth.depth_range_m,
        focal_length_px=depth.focal_length_px,
        arithmetic=costs,
        tolerance={
            **{key: value for key, value in labels.tolerance.items() if key == 'logits'},
            **{key: value for key, value in depth.tolerance.items() if key != 'logits'},
        },
        files={},
        provenance={FOLDERS[task]: part.manifest.provenance for task, part in networks.items()},
        licence=f'labels {labels.licence}, depth {depth.licence}',
    )
