# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled functions, and where their machine code is kept."""

from importlib.util import module_from_spec, spec_from_file_location

from segformer_ros.inference.compiled import compiled

SOURCE = """
from segformer_ros.inference.compiled import compiled

@compiled
def add(a, b):
    return a + b
"""


def test_the_machine_code_is_kept(tmp_path):
    """So the next process does not compile."""
    path = tmp_path / 'sums.py'
    path.write_text(SOURCE)
    spec = spec_from_file_location('sums', path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.add(2, 3) == 5

    assert len(list(tmp_path.rglob('sums.add-*.nbc'))) == 1


def test_a_function_without_a_place_for_its_machine_code_is_compiled_all_the_same():
    """As in an installation that cannot be written to, for a user without a home."""
    names = {}
    exec(compile('def add(a, b): return a + b', '/no/such/folder/add.py', 'exec'), names)

    add = compiled(names['add'])

    assert add(2, 3) == 5
    assert add.signatures
