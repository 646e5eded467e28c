# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The description of the format."""

from pathlib import Path
import re

from segformer_ros.bundle import graphs, manifest, parsing

TEXT = (Path(__file__).parents[2] / 'docs' / 'bundle.md').read_text(encoding='utf-8')


def test_every_key_of_the_manifest_is_described():
    """The table has a row for each, in order, and no other."""
    before, table = TEXT.split('## manifest.json')
    assert _keys(table) == list(parsing.KEYS)
    assert _keys(before) == list(graphs.KEYS)


def _keys(text):
    cells = re.findall(r'^\| (`[^|]+`) \|', text, re.M)
    return [key for cell in cells for key in re.findall(r'`(\w+)`', cell)]


def test_the_words_of_the_format_are_described():
    """Version, tasks, activations and the keys of the provenance."""
    assert f'| `format_version` | {manifest.FORMAT_VERSION} |' in TEXT
    words = (*manifest.TASKS, *manifest.ACTIVATIONS, *parsing.PROVENANCE)
    for word in (*words, *graphs.TARGETS, *graphs.PRECISIONS, *graphs.INPUTS):
        assert f'`{word}`' in TEXT
