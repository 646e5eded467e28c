# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles whose files are links, as caches and installations keep them, run like any other."""

import errno
import os
import shutil

import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.bundle import BundleError, engine_folder
from segformer_ros.inference import onnxruntime_backend, openvino_backend
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.inference.golden_gate import check_golden
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a cache of its own."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'segformer_ros' / 'bundles'


@pytest.fixture
def linked(tmp_path, cache):
    """Return a bundle of links; each file has another name in a folder of its own elsewhere."""
    whole = make_tiny_bundle(tmp_path / 'whole')
    folder = tmp_path / 'snapshots' / 'commit'
    folder.mkdir(parents=True)
    for number, file in enumerate(sorted(whole.iterdir())):
        blob = tmp_path / 'blobs' / f'{number:02d}' / f'{number:064x}'
        blob.parent.mkdir(parents=True)
        shutil.move(file, blob)
        (folder / file.name).symlink_to(os.path.relpath(blob, folder))
    return folder


@pytest.mark.parametrize('engine', [onnxruntime_backend, openvino_backend])
def test_linked_bundle_computes_its_golden_outputs(linked, engine):
    """The engines find graph and weights as real files beside each other."""
    found = bundle.read(linked)

    backend = engine.load(found, threads=1)

    assert max(check_golden(found, backend).values()) < 1e-4
    backend.close()


def test_files_of_one_disk_are_hard_links(linked, cache):
    """They take no room, and none of them is a link; the second time nothing is written."""
    found = bundle.read(linked)
    folder = engine_folder(found)

    assert folder.parent == cache
    for name in found.manifest.files:
        assert not (folder / name).is_symlink()
        assert (folder / name).samefile(linked / name)
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    assert engine_folder(found) == folder
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before
    request = engine_request(found, found.manifest.input_sizes[0], precision='float32')
    assert request.graph.parent == folder
    assert all(path.parent == folder for path in request.weights)


def test_files_of_another_disk_are_copied_and_a_wrong_copy_is_replaced(linked, monkeypatch):
    """What lies in the cache is compared before it is used."""

    def refuse(source, target):
        raise OSError(errno.EXDEV, 'Invalid cross-device link')

    monkeypatch.setattr(os, 'link', refuse)
    found = bundle.read(linked)
    folder = engine_folder(found)
    name = next(name for name in found.manifest.files if name.endswith('.bin'))
    right = (folder / name).read_bytes()
    assert np.array_equal(np.frombuffer((linked / name).read_bytes(), '<f4'),
                          np.frombuffer(right, '<f4'))  # fmt: skip
    (folder / name).write_bytes(b'x' * len(right))

    engine_folder(found)

    assert (folder / name).read_bytes() == right
    assert sorted(path.name for path in folder.iterdir()) == sorted(found.manifest.files)


def test_bundle_of_real_files_runs_from_its_own_folder(tmp_path, cache):
    """Nothing is put anywhere."""
    folder = make_tiny_bundle(tmp_path / 'whole')

    assert engine_folder(bundle.read(folder)) == folder
    assert not cache.exists()


def test_without_a_cache_the_remedy_is_named(linked, monkeypatch):
    """One sentence."""
    monkeypatch.setattr('segformer_ros.bundle.real_files.cache_folder', lambda *names: None)

    with pytest.raises(BundleError, match=r'in the place of links.* cp -rL'):
        engine_folder(bundle.read(linked))
