# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The description of the format."""

from pathlib import Path
import re

from segformer_ros.bundle import manifest

TEXT = (Path(__file__).parents[2] / 'docs' / 'bundle.md').read_text(encoding='utf-8')


def test_every_key_of_the_manifest_is_described():
    """The table has a row for each, in order, and no other."""
    cells = re.findall(r'^\| (`[^|]+`) \|', TEXT, re.M)
    keys = [key for cell in cells for key in re.findall(r'`(\w+)`', cell)]
    assert keys == list(manifest.KEYS)


def test_the_words_of_the_format_are_described():
    """Version, tasks, activations and the keys of the provenance."""
    assert f'| `format_version` | {manifest.FORMAT_VERSION} |' in TEXT
    for word in (*manifest.TASKS, *manifest.ACTIVATIONS, *manifest.PROVENANCE):
        assert f'`{word}`' in TEXT
