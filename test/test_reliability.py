# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/reliability.md links to tests that exist."""

from pathlib import Path
import re

ROOT = Path(__file__).parents[1]
PAGE = ROOT / 'docs' / 'reliability.md'
LINK = re.compile(r'\[[^\]]+\]\(\.\./(test/[\w/]+\.py) "(\w+)"\)')


def rows():
    """Return the rows of its tables, without their heads."""
    lines = PAGE.read_text(encoding='utf-8').splitlines()
    return [
        line
        for line in lines
        if line.startswith('| ') and not line.startswith(('| fault |', '| what must hold |'))
        and '](' in line
    ]  # fmt: skip


def test_every_row_links_to_tests_that_exist():
    """A test that is renamed or gone is noticed."""
    assert len(rows()) > 25
    for row in rows():
        found = LINK.findall(row)
        assert found, row
        assert row.count('](') == len(found), row
        for file, name in found:
            text = (ROOT / file).read_text(encoding='utf-8')
            assert re.search(rf'^def {name}\(', text, re.MULTILINE), f'{file} has no {name}'


def test_no_row_is_without_a_link():
    """Tables of faults have three columns, the last one of links."""
    lines = PAGE.read_text(encoding='utf-8').splitlines()
    tables = [line for line in lines if line.startswith('| ') and line.count(' | ') == 2]
    heads = [line for line in tables if line.startswith('| fault |')]

    assert len(tables) - len(heads) == len(rows())
