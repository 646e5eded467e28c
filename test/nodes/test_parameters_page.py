# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/parameters.md is what the parameter classes of all nodes say, in whole phrases."""

from dataclasses import fields
from pathlib import Path
import runpy

import pytest

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'docs' / 'generate_parameters.py'))
NODES = TOOL['NODES']


def test_the_page_is_up_to_date():
    """It is what the tool writes."""
    assert TOOL['PAGE'].read_text(encoding='utf-8') == TOOL['page'](), (
        'run: python docs/generate_parameters.py'
    )


def test_every_installed_node_is_on_the_page():
    """A new node gets a table."""
    programs = {path.name for path in (ROOT / 'scripts').iterdir() if path.name.endswith('_node')}
    assert {name for name, _, _ in NODES} == programs


@pytest.mark.parametrize(('kind'), [kind for _, _, kind in NODES])
def test_descriptions_are_sentences(kind):
    """They stand alone, begin with a capital (or a name of ROS), and end with a full stop."""
    for item in fields(kind):
        text = item.metadata['description']
        first = text.split()[0]
        assert first[0].isupper() or '_' in first, text
        assert first.lower() not in {'of', 'for', 'by', 'as', 'such', 'that'}, text
        assert text.endswith('.'), text
