# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`make bench` starts programs that need nothing more than the words it gives them."""

import ast
from pathlib import Path
import re
import shlex

import pytest

ROOT = Path(__file__).parents[2]


def programs():
    """Read the list in the Makefile."""
    text = (ROOT / 'Makefile').read_text(encoding='utf-8').replace('\\\n', ' ')
    return shlex.split(re.search(r'^BENCHES := (.*)$', text, re.MULTILINE)[1])


def needs_a_word(call):
    """Find a subcommand or an argument that must be on the command line."""
    keywords = {item.arg: getattr(item.value, 'value', None) for item in call.keywords}
    method = getattr(call.func, 'attr', '')
    if method == 'add_subparsers':
        return True
    first = getattr(call.args[0], 'value', '') if call.args else '-'
    positional = method == 'add_argument' and not str(first).startswith('-')
    return bool(keywords.get('required')) or (
        positional and keywords.get('nargs') not in ('?', '*')
    )


@pytest.mark.parametrize('words', programs())
def test_a_program_of_make_bench_gets_the_words_it_needs(words):
    """None of them stops at its own usage."""
    name, *given = shlex.split(words)
    tree = ast.parse((ROOT / 'bench' / name).read_text(encoding='utf-8'))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert bool(given) == any(needs_a_word(call) for call in calls)
