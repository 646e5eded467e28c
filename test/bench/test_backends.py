# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures threads, batches and settings."""

import backends
import pytest
from segformer_ros import bundle
from tiny_bundle import make_tiny_bundle


def test_every_variant_has_a_name_of_its_own():
    """A table with two equal rows would say nothing."""
    for variants in (backends.scaling([1, 2], [1, 2, 4]), backends.settings()):
        rows = [(item.name, item.threads, item.images) for item in variants]
        assert len(set(rows)) == len(rows)


def test_variants_run_in_processes_of_their_own(tmp_path):
    """Times, memory and the ratio to the first one of the engine."""
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny'))
    variants = [
        backends.Variant('onnxruntime'),
        backends.Variant('onnxruntime', 'two images', images=2, options={'arena': False}),
    ]

    results = backends.measure(variants, tiny, tiny.manifest.input_sizes[0], repeats=3)

    assert all(value > 0.0 for result in results for value in result)
    rows = backends.report(variants, results).splitlines()[2:]
    assert rows[0].startswith('| onnxruntime | as the backend has it | 1 | 1 | ')
    assert rows[0].split(' | ')[6] == '1.00'
    assert rows[1].startswith('| onnxruntime | two images | 1 | 2 | ')


def test_openvino_takes_part_where_it_is_installed(tmp_path):
    """In float32 and with a free number of images too."""
    pytest.importorskip('segformer_ros.inference.openvino_backend')
    tiny = bundle.read(make_tiny_bundle(tmp_path / 'tiny'))
    variants = [backends.Variant('openvino', options={'free': True})]
    (result,) = backends.measure(variants, tiny, tiny.manifest.input_sizes[0], repeats=2)
    assert min(result) > 0.0


def test_a_network_that_is_not_there_is_one_line(capsys):
    """And status 1."""
    assert backends.main(['--model', 'nowhere']) == 1
    assert capsys.readouterr().err.startswith("bench/backends.py: error: bundle 'nowhere'")
